"""Finds the files that `check` is called with: on disk, in directories, and behind URLs."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from kaito_training.sections import DatasetConfig
from tuner.data.data_directory import find_data_files
from tuner.data.dataset import Dataset
from tuner.data.selection import log_left_out
from tuner.data_report.input_file import InputFile
from tuner.errors import RunError
from tuner.layout.layout import SplitFile
from tuner.reasons import Reason

Fetch = Callable[[Sequence[str], Path], Dataset]


def find_inputs(
    names: Sequence[str], config: DatasetConfig, downloads: Path, fetch: Fetch
) -> list[InputFile]:
    """The data files that `names` stand for; `fetch` downloads those behind URLs to `downloads`.

    Raises:
        RunError: DATA_EMPTY, a file does not exist, or what `fetch` raises.
    """
    urls = [name for name in names if is_url(name)]
    found = [item for name in names if not is_url(name) for item in _on_disk(name, config)]
    if urls:
        data = fetch(urls, downloads)
        found += [InputFile(downloads, file) for file in data.split_files]
    return found


def is_url(name: str) -> bool:
    """Whether `name` is an address, not a path."""
    return "://" in name


def _on_disk(name: str, config: DatasetConfig) -> Iterator[InputFile]:
    path, here = Path(name), Path()
    if path.is_dir():
        layout = find_data_files(path, config)
        log_left_out(layout)
        for file in layout.files:
            yield InputFile(here, SplitFile(str(path / file.name), file.split))
    elif path.exists():
        yield InputFile(here, SplitFile(name, "train"))
    else:
        raise RunError(
            Reason.DATA_EMPTY, f"there is no file {name}; check the path", retryable=False
        )
