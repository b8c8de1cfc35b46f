"""Applies adapters while the model runs, a different one to each sequence of a batch if need be.

The base weights are unchanged and shared: a hook on every linear module, which comes with the first
adapter, adds x·A.T·B.T to the tokens whose sequence uses an adapter. Each thread sets which tokens
those are before its forward pass.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import torch
from torch import Tensor, nn

from model_server.errors import AdapterInvalid
from model_server.transformers.lora import LoraAdapter, LoraPair


@dataclass(frozen=True, slots=True)
class AdapterTokens:
    """The tokens of a packed batch (1, tokens, width) that use one adapter."""

    adapter: str
    tokens: slice | Tensor


ALL_TOKENS = slice(None)


def group_by_adapter(
    lengths: Sequence[tuple[str | None, int]], device: Any
) -> tuple[AdapterTokens, ...]:
    """Group a packed batch by adapter, from each sequence's adapter and number of tokens."""
    spans: dict[str, list[tuple[int, int]]] = {}
    start = 0
    for adapter, length in lengths:
        if adapter is not None:
            ranges = spans.setdefault(adapter, [])
            if ranges and ranges[-1][1] == start:
                ranges[-1] = (ranges[-1][0], start + length)
            else:
                ranges.append((start, start + length))
        start += length
    return tuple(
        AdapterTokens(name, _select(ranges, start, device)) for name, ranges in spans.items()
    )


def _select(spans: Sequence[tuple[int, int]], total: int, device: Any) -> slice | Tensor:
    # A slice needs no copy; only scattered spans need their indices.
    if len(spans) == 1:
        first, last = spans[0]
        return ALL_TOKENS if last - first == total else slice(first, last)
    return torch.cat([torch.arange(first, last, device=device) for first, last in spans])


class LoraLayers:
    """All adapters of one model. Adding and removing is safe while other threads run the model."""

    def __init__(self, model: Any, forward_lock: threading.Lock) -> None:
        """`forward_lock` is held while the model runs."""
        self._model = model
        self._forward_lock = forward_lock
        self._thread_state = threading.local()
        self._pairs: dict[str, dict[str, LoraPair]] = {}
        self._versions: dict[str, int] = {}
        self._new_versions = count(1)
        self.shapes: dict[str, tuple[int, int]] = {}
        output_layer = model.get_output_embeddings()
        for name, module in model.named_modules():
            if isinstance(module, nn.Linear) and module is not output_layer:
                self.shapes[name] = (module.out_features, module.in_features)
                self._pairs[name] = {}
        self._hooked = False

    def add(self, name: str, lora: LoraAdapter) -> None:
        """Add an adapter, and check that all of its modules take effect.

        Raises:
            AdapterInvalid: the model does not run one of the modules on whole sequences.
        """
        self._register_hooks()
        self._versions[name] = next(self._new_versions)
        weight = {"device": self._model.device, "dtype": self._model.dtype}
        for module, pair in lora.pairs.items():
            self._pairs[module][name] = LoraPair(a=pair.a.to(**weight), b=pair.b.to(**weight))
        unused = sorted(set(lora.pairs) - self._applied_modules(name))
        if unused:
            self.remove(name)
            raise AdapterInvalid(
                f"adapter {name!r}: the change of {unused[0]!r} would be lost, since the model "
                "does not run it on whole sequences; train the adapter without this module"
            )

    def _register_hooks(self) -> None:
        """Hook every linear module, with the first adapter: a module without hooks runs faster."""
        if self._hooked:
            return
        # A module's hooks must not change while it runs.
        with self._forward_lock:
            for name in self.shapes:
                self._model.get_submodule(name).register_forward_hook(self._hook(name))
        self._hooked = True

    def remove(self, name: str) -> None:
        """Remove an adapter. Sequences that still name it continue with the base model."""
        for pairs in self._pairs.values():
            pairs.pop(name, None)

    def version(self, name: str | None) -> int:
        """A number for each time that an adapter was added; 0 for the base model."""
        return 0 if name is None else self._versions.get(name, 0)

    def set_active(self, adapters: tuple[AdapterTokens, ...]) -> None:
        """Set the adapters of the tokens in this thread's next forward passes."""
        self._thread_state.active = adapters

    @contextmanager
    def whole_batch(self, adapter: str | None) -> Iterator[None]:
        """While the context lasts, all sequences that this thread runs use one adapter."""
        self.set_active((AdapterTokens(adapter, ALL_TOKENS),) if adapter else ())
        try:
            yield
        finally:
            self.set_active(())

    def _applied_modules(self, name: str) -> set[str]:
        """The modules in which the adapter takes effect when the model runs one token."""
        self._thread_state.applied = applied = set[str]()
        try:
            with torch.no_grad(), self.whole_batch(name):
                self._model(torch.zeros((1, 1), dtype=torch.long, device=self._model.device))
        finally:
            self._thread_state.applied = None
        return applied

    def _hook(self, module: str) -> Any:
        pairs = self._pairs[module]

        def add(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            active: tuple[AdapterTokens, ...] = getattr(self._thread_state, "active", ())
            for each in active:
                pair = pairs.get(each.adapter)
                # The experts of a mixture model get tokens gathered from the batch, as (tokens,
                # width), so their sequences are unknown. The check in `add` finds such modules.
                if pair is not None and inputs[0].dim() == 3:
                    change = inputs[0][:, each.tokens] @ pair.a.T @ pair.b.T
                    if isinstance(each.tokens, slice):
                        output[:, each.tokens] += change
                    else:
                        output.index_add_(1, each.tokens, change)
                    if (applied := getattr(self._thread_state, "applied", None)) is not None:
                        applied.add(module)

        return add
