"""What a device is given to do: the model, the load and the rows. Pure."""

from dataclasses import dataclass

from benchmarks.gpu.part import GIB
from benchmarks.serving.load import Load
from benchmarks.tuner.contenders import Subject

_LLAMA_MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`model` is a file in benchmarks/models. The GPU needs `memory_bytes`.

    `context` limits vLLM's, and `rounds` are those of the load.
    """

    model: str
    memory_bytes: int
    context: int
    rounds: int
    load: Load
    rows: int
    learning_rate: float

    def subject(self, device: str) -> Subject:
        return Subject(
            learning_rate=self.learning_rate, target_modules=_LLAMA_MODULES, device=device
        )


# As many streams as keep a GPU busy, and answers that are long enough to tell the rate.
_BUSY = Load(streams=64, requests=256, new_tokens=128)
SIZES = {
    # Shows on a CPU that everything works, and measures nothing.
    "tiny": Size(
        model="llama-1m",
        memory_bytes=0,
        context=512,
        rounds=1,
        load=Load(streams=4, requests=8, new_tokens=16),
        rows=12,
        learning_rate=1e-3,
    ),
    "1b": Size(
        model="llama-1b",
        memory_bytes=12 * GIB,
        context=4096,
        rounds=3,
        load=_BUSY,
        rows=400,
        learning_rate=2e-4,
    ),
    "8b": Size(
        model="llama-8b",
        memory_bytes=36 * GIB,
        context=4096,
        rounds=2,
        load=_BUSY,
        rows=200,
        learning_rate=1e-4,
    ),
}
