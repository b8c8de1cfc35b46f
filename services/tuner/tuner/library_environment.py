"""Environment variables that the training libraries read when they are imported."""

from collections.abc import MutableMapping
from pathlib import Path


def confine_libraries(cache: Path, environ: MutableMapping[str, str]) -> None:
    """Make the libraries write below `cache` only, and never contact a model hub.

    The container's root file system is read-only, and its user has neither a home nor a name.
    """
    temporary = cache / "tmp"
    temporary.mkdir(exist_ok=True)
    environ.update(
        HF_HOME=str(cache / "huggingface"),
        HF_HUB_OFFLINE="1",
        TMPDIR=str(temporary),
        TORCHINDUCTOR_CACHE_DIR=str(cache / "torch"),
        TRITON_CACHE_DIR=str(cache / "triton"),
        TOKENIZERS_PARALLELISM="false",
        MPLCONFIGDIR=str(cache / "matplotlib"),
    )
    # torch looks up the user's name for its cache, and this user has no entry in /etc/passwd.
    environ.setdefault("USER", "kaito")
    # As torchrun does: OpenMP's barriers slow to a crawl when a core is shared with anything else.
    environ.setdefault("OMP_NUM_THREADS", "1")
    # As upstream KAITO does, under the older name PYTORCH_CUDA_ALLOC_CONF.
    environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
