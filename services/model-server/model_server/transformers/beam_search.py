"""Beam search, which continuous batching cannot do: one request at a time, beside the batch."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
)

from model_server.options import SamplingParams
from model_server.transformers.lora_layers import LoraLayers
from model_server.transformers.model_loader import LoadedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamSearchRequest:
    """One request. Setting `canceled` ends the search at the next token."""

    prompt: Sequence[int]
    params: SamplingParams
    adapter: str | None
    canceled: threading.Event


class BeamSearch:
    """Beam search over one model."""

    def __init__(self, loaded: LoadedModel, layers: LoraLayers) -> None:
        self._loaded = loaded
        self._layers = layers
        self._lock = threading.Lock()

    def search(self, request: BeamSearchRequest) -> list[list[int]]:
        """The new tokens of each choice, best first, with the end token if there is one.

        Blocks; call it from a thread.
        """
        device = self._loaded.model.device
        prompt = torch.tensor([request.prompt], device=device)
        with torch.no_grad(), self._lock, self._layers.whole_batch(request.adapter):
            if request.canceled.is_set():
                return []
            if request.params.seed is not None:
                # Only beam search draws from torch's global generator, and it holds the lock.
                torch.manual_seed(request.params.seed)
            output = self._loaded.model.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                generation_config=self._config(request.params),
                logits_processor=LogitsProcessorList([_FiniteScores()]),
                stopping_criteria=StoppingCriteriaList([_Canceled(request.canceled)]),
            )
        choices = output[:, len(request.prompt) :].tolist()
        return choices if request.params.ignore_eos else [self._trim(row) for row in choices]

    def _config(self, params: SamplingParams) -> GenerationConfig:
        # transformers warns about sampling parameters that are set without do_sample.
        sampling: dict[str, Any] = {}
        if params.do_sample:
            sampling = {
                "temperature": params.temperature,
                "top_k": params.top_k,
                "top_p": params.top_p,
                "typical_p": params.typical_p,
                "min_p": params.min_p or None,
            }
        end_tokens = [] if params.ignore_eos else list(self._loaded.end_tokens)
        return GenerationConfig(
            max_new_tokens=params.max_new_tokens,
            min_new_tokens=params.min_new_tokens or None,
            do_sample=params.do_sample,
            num_beams=params.num_beams,
            num_return_sequences=params.choices,
            repetition_penalty=params.repetition_penalty,
            no_repeat_ngram_size=params.no_repeat_ngram_size,
            length_penalty=params.length_penalty,
            early_stopping=params.early_stopping,
            eos_token_id=end_tokens or None,
            pad_token_id=end_tokens[0] if end_tokens else 0,
            **sampling,
        )

    def _trim(self, tokens: list[int]) -> list[int]:
        """Without the padding after the end token."""
        ends = [at for at, token in enumerate(tokens) if token in self._loaded.end_tokens]
        return tokens[: ends[0] + 1] if ends else tokens


class _FiniteScores(LogitsProcessor):  # type: ignore[misc]
    """Ends the search with an error if no token can be selected.

    On an accelerator the selection itself would end the process instead.
    """

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        if not bool(scores.amax(dim=-1).isfinite().all()):
            raise ValueError("the scores of the tokens are not finite numbers")
        return scores


class _Canceled(StoppingCriteria):  # type: ignore[misc]
    """Ends all beams once the event is set."""

    def __init__(self, event: threading.Event) -> None:
        self._event = event

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        return torch.full((input_ids.shape[0],), self._event.is_set(), device=input_ids.device)
