"""What is compared, and what all have in common."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

PLAIN, BEST, TUNER = "TRL, plain", "TRL, best", "tuner"
# As in the templates of upstream and of the tuner.
LORA = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0}
_FILE = "subject.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """How a model is trained by all, on a CPU or on a GPU ("cuda")."""

    learning_rate: float
    target_modules: tuple[str, ...]
    device: str = "cpu"


# Small models need a higher one than the tuner's default, which suits models of billions.
PHI_SMALL = Subject(
    learning_rate=2e-3, target_modules=("qkv_proj", "o_proj", "gate_up_proj", "down_proj")
)


def write_subject(folder: Path, subject: Subject) -> None:
    """For the trainings, which are processes of their own."""
    (folder / _FILE).write_text(json.dumps(asdict(subject)))


def read_subject(folder: Path) -> Subject:
    found = json.loads((folder / _FILE).read_bytes())
    return Subject(**found | {"target_modules": tuple(found["target_modules"])})
