"""Nothing measures a span with the machine's time of day: it is set back and forth."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_TIME_OF_DAY = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time")}
# What reads it, how often, and why that is no span.
READERS = {
    # The age of what people look at.
    "cli/kubectl_kaito/__main__.py": 1,
    # The start of a clock that then passes evenly.
    "libs/kaito_kube/clock.py": 1,
    # Times of day for people: the start and the end of a run, of its checkpoints and its steps. How
    # long a run took is their difference, because it spans restarts on other nodes.
    "services/tuner/tuner/__main__.py": 3,
    "services/tuner/tuner/reporting/run_session.py": 3,
    "services/tuner/tuner/training/checkpoint_callback.py": 1,
    "services/tuner/tuner/training/progress_callback.py": 1,
    "services/tuner/tuner/training/train.py": 1,
    # The age of a model on a node's disk: the times of files are times of day.
    "services/workspace-controller/workspace_controller/model_cache.py": 1,
    # "created" of the OpenAI API.
    "services/inference-gateway/inference_gateway/__main__.py": 1,
    "services/model-server/model_server/contract/server.py": 1,
}


def _reads(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                if (name, attribute) in _TIME_OF_DAY:
                    yield f"{name}.{attribute}"


def test_time_of_day_is_read_only_where_it_is_shown_to_people() -> None:
    found = Counter(
        str(path.relative_to(ROOT))
        for folder in ("cli", "libs", "services")
        for path in (ROOT / folder).rglob("*.py")
        for _ in _reads(path)
    )
    assert dict(found) == READERS
