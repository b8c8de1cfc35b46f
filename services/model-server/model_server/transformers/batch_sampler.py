"""What happens around each forward pass of the batch: adapters before it, sampling after it."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from model_server.transformers.lora_layers import LoraLayers, group_by_adapter
from model_server.transformers.sampler import BatchRow, SequenceSampling, select_tokens

logger = logging.getLogger(__name__)


class BatchSampler:
    """Takes the place of the batching manager's logits processors.

    Before a forward pass it sets the adapters of the batch; after it, it selects each sequence's
    next token. The methods are those that the manager calls.
    """

    do_processing = True
    tensors_required = 0

    def __init__(
        self, layers: LoraLayers, device: Any, fail_sequence: Callable[[str, str], None]
    ) -> None:
        """`fail_sequence` takes the id of a sequence that cannot be continued, and the cause."""
        self._layers = layers
        self._device = device
        self._fail_sequence = fail_sequence
        self._rows: list[BatchRow] = []
        self._ids: list[str] = []

    def check_kwargs(self, kwargs: dict[str, Any]) -> None:
        """Accepts every argument: each sequence carries its sampling and its adapter."""

    def fill_defaults(self, storage: Tensor) -> None:
        """None of the arguments is a tensor, so there is nothing to fill."""

    def prepare_tensor_args(self, requests_in_batch: Sequence[Any], arg_storage: Tensor) -> Tensor:
        lengths, self._rows, self._ids = [], [], []
        for request in requests_in_batch:
            arguments = request.state.logit_processor_kwargs
            lengths.append((arguments["adapter"], request.query_length))
            # Part of a long prompt gets no token in this pass.
            if request.has_new_token:
                sampling: SequenceSampling = arguments["sampling"]
                state = request.state
                tokens = (
                    state.initial_tokens + state.generated_tokens
                    if sampling.logits_processors
                    else ()
                )
                self._rows.append(BatchRow(sampling, tokens))
                self._ids.append(state.request_id)
        self._layers.set_active(group_by_adapter(lengths, self._device))
        return arg_storage

    def __call__(self, _tokens: Tensor, scores: Tensor, _arguments: Tensor) -> Tensor:
        scores, failures = select_tokens(self._rows, scores)
        for at, cause in failures.items():
            logger.error("no token can be selected: %s", cause, extra={"sequence": self._ids[at]})
            self._fail_sequence(self._ids[at], cause)
        return scores
