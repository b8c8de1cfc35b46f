"""What a status says about the download of a model into a pod that is to serve it."""

from workspace_controller.observed import ModelDownload

_GIB, _MIB = 2**30, 2**20
_MAX_PROBLEM = 200


def download_message(download: ModelDownload | None) -> str:
    """What the condition says: how much is there, and how long the rest takes."""
    if download is None or not download.total_bytes:
        return "downloading the model; the log of container model-download shows the progress"
    unit, size = ("GiB", _GIB) if download.total_bytes >= _GIB else ("MiB", _MIB)
    done = f"{download.done_bytes / size:.1f} of {download.total_bytes / size:.1f} {unit}"
    left = f", about {_rounded(download.remaining_seconds)} left" if download.has_rest else ""
    if download.problem:
        problem = download.problem[:_MAX_PROBLEM]
        return f"downloading the model: {done}; the last attempt failed, and it goes on: {problem}"
    return f"downloading the model: {done}{left}"


def download_progress(download: ModelDownload) -> str:
    """The same in a few words, for a column."""
    if not download.total_bytes:
        return "downloading the model"
    return f"downloading the model ({100 * download.done_bytes // download.total_bytes}%)"


def _rounded(seconds: float | None) -> str:
    """An estimate is not known to the second."""
    whole = max(0, round(seconds or 0))
    if whole < 60:
        return "a minute"
    minutes = -(-whole // 60)
    return f"{minutes} min" if minutes < 120 else f"{whole / 3600:.1f} h"
