"""Beam search, which continuous batching cannot do: one job at a time, beside the running batch."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from model_server.options import Sampling
from model_server.transformers.load import Loaded
from model_server.transformers.lora_layers import LoraLayers


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamJob:
    """One job; setting `cancelled` ends it at the next token."""

    prompt: Sequence[int]
    sampling: Sampling
    adapter: str | None
    cancelled: threading.Event


class Beams:
    """Beam search over one model. `search` blocks: call it from a thread."""

    def __init__(self, loaded: Loaded, layers: LoraLayers) -> None:
        self._loaded = loaded
        self._layers = layers
        self._one_at_a_time = threading.Lock()

    def search(self, job: BeamJob) -> list[list[int]]:
        """The new tokens of each choice, best first, end token included where there is one."""
        device = self._loaded.model.device
        prompt = torch.tensor([job.prompt], device=device)
        with torch.no_grad(), self._one_at_a_time, self._layers.whole_batch(job.adapter):
            if job.cancelled.is_set():
                return []
            if job.sampling.seed is not None:
                # Nothing else draws from torch's global generator in this process.
                torch.manual_seed(job.sampling.seed)
            found = self._loaded.model.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                generation_config=self._config(job.sampling),
                stopping_criteria=StoppingCriteriaList([_Cancelled(job.cancelled)]),
            )
        return [self._trim(row) for row in found[:, len(job.prompt) :].tolist()]

    def _config(self, sampling: Sampling) -> GenerationConfig:
        drawing: dict[str, Any] = {}
        if sampling.do_sample:
            drawing = {
                "temperature": sampling.temperature,
                "top_k": sampling.top_k,
                "top_p": sampling.top_p,
                "typical_p": sampling.typical_p,
            }
        ends = list(self._loaded.end_tokens)
        return GenerationConfig(
            max_new_tokens=sampling.max_new_tokens,
            min_new_tokens=sampling.min_new_tokens or None,
            do_sample=sampling.do_sample,
            num_beams=sampling.num_beams,
            num_return_sequences=sampling.choices,
            repetition_penalty=sampling.repetition_penalty,
            no_repeat_ngram_size=sampling.no_repeat_ngram_size,
            length_penalty=sampling.length_penalty,
            early_stopping=sampling.early_stopping,
            eos_token_id=ends or None,
            pad_token_id=ends[0] if ends else 0,
            **drawing,
        )

    def _trim(self, tokens: list[int]) -> list[int]:
        """Without the padding after the end token."""
        ends = [at for at, token in enumerate(tokens) if token in self._loaded.end_tokens]
        return tokens[: ends[0] + 1] if ends else tokens


class _Cancelled(StoppingCriteria):  # type: ignore[misc]
    """Ends all beams once the event is set."""

    def __init__(self, event: threading.Event) -> None:
        self._event = event

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        return torch.full((input_ids.shape[0],), self._event.is_set(), device=input_ids.device)
