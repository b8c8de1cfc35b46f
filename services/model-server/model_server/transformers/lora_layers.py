"""Applies adapters while the model runs, to each sequence of a batch its own.

The base weights stay as they are and are shared by all: a hook on every linear module adds
x·A·B to the rows whose sequence asked for an adapter. Which rows those are is set per thread
before each forward pass.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from model_server.errors import AdapterInvalid
from model_server.transformers.lora import Lora, Pair


@dataclass(frozen=True, slots=True)
class Part:
    """The tokens of a packed batch (1, tokens, width) that one adapter answers."""

    adapter: str
    tokens: slice | Tensor


EVERYTHING = slice(None)


def parts_of(lengths: Sequence[tuple[str | None, int]], device: Any) -> tuple[Part, ...]:
    """Group a packed batch by adapter, from each sequence's adapter and number of tokens."""
    spans: dict[str, list[tuple[int, int]]] = {}
    start = 0
    for adapter, length in lengths:
        if adapter is not None:
            known = spans.setdefault(adapter, [])
            if known and known[-1][1] == start:
                known[-1] = (known[-1][0], start + length)
            else:
                known.append((start, start + length))
        start += length
    return tuple(Part(name, _select(found, start, device)) for name, found in spans.items())


def _select(spans: Sequence[tuple[int, int]], total: int, device: Any) -> slice | Tensor:
    if len(spans) == 1:
        first, last = spans[0]
        return EVERYTHING if last - first == total else slice(first, last)
    return torch.cat([torch.arange(first, last, device=device) for first, last in spans])


class LoraLayers:
    """All adapters of one model. Adding and removing is safe while other threads run the model."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._now = threading.local()
        self._pairs: dict[str, dict[str, Pair]] = {}
        self.shapes: dict[str, tuple[int, int]] = {}
        head = model.get_output_embeddings()
        for name, module in model.named_modules():
            if isinstance(module, nn.Linear) and module is not head:
                self.shapes[name] = (module.out_features, module.in_features)
                self._pairs[name] = {}
                module.register_forward_hook(self._hook(name))

    def add(self, name: str, lora: Lora) -> None:
        """Make an adapter ready, and prove that every module of it takes part.

        Raises AdapterInvalid when it does not.
        """
        weight = {"device": self._model.device, "dtype": self._model.dtype}
        for module, pair in lora.pairs.items():
            self._pairs[module][name] = Pair(down=pair.down.to(**weight), up=pair.up.to(**weight))
        silent = sorted(set(lora.pairs) - self._touched(name))
        if silent:
            self.remove(name)
            raise AdapterInvalid(
                f"adapter {name!r}: the change of {silent[0]!r} would be lost, since the model "
                "does not run it on whole sequences; train the adapter without this module"
            )

    def remove(self, name: str) -> None:
        """Forget an adapter. Sequences that still name it go on with the base model."""
        for pairs in self._pairs.values():
            pairs.pop(name, None)

    def set_parts(self, parts: tuple[Part, ...]) -> None:
        """Say which tokens belong to which adapter in this thread's next forward passes."""
        self._now.parts = parts

    @contextmanager
    def whole_batch(self, adapter: str | None) -> Iterator[None]:
        """Within this, every sequence that this thread runs belongs to one adapter."""
        self.set_parts((Part(adapter, EVERYTHING),) if adapter else ())
        try:
            yield
        finally:
            self.set_parts(())

    def _touched(self, name: str) -> set[str]:
        """Run one token through the model and note which modules the adapter took part in."""
        self._now.touched = touched = set[str]()
        try:
            with torch.no_grad(), self.whole_batch(name):
                self._model(torch.zeros((1, 1), dtype=torch.long, device=self._model.device))
        finally:
            self._now.touched = None
        return touched

    def _hook(self, module: str) -> Any:
        pairs = self._pairs[module]

        def add(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            parts: tuple[Part, ...] = getattr(self._now, "parts", ())
            for part in parts:
                pair = pairs.get(part.adapter)
                # Experts see their tokens picked out of the batch, as (tokens, width): there is
                # no telling whose they are. Such modules stay silent in the proof of `add`.
                if pair is not None and inputs[0].dim() == 3:
                    change = inputs[0][:, part.tokens] @ pair.down.T @ pair.up.T
                    if isinstance(part.tokens, slice):
                        output[:, part.tokens] += change
                    else:
                        output.index_add_(1, part.tokens, change)
                    if (touched := getattr(self._now, "touched", None)) is not None:
                        touched.add(module)

        return add
