"""Which files of a repository a pod downloads."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from kaito_presets.hub.repository import RepositoryFile

# Weights in formats that no engine here reads, some of them beside the ones that are read. The
# first are formats that can run code when they are read.
PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
_OTHER_FORMATS = (
    *("*.gguf", "*.ggml", "*.onnx", "*.onnx_data", "*.h5", "*.msgpack", "*.tflite", "*.ot"),
    *("*.mlmodel", "*.nemo"),
)
# Copies of the weights in other layouts.
_COPIES = ("original/*", "metal/*", "onnx/*", "coreml/*", "openvino/*")
MISTRAL_WEIGHTS = "consolidated*.safetensors"
_PLAIN_WEIGHTS = "model*.safetensors"


def ignored_patterns(*, mistral_format: bool) -> tuple[str, ...]:
    """Patterns of the files that are left out, as huggingface_hub's `ignore_patterns` takes them.

    Repositories with weights in Mistral's own format often have them once more in the usual one.
    """
    other = _PLAIN_WEIGHTS if mistral_format else "consolidated*"
    return (*PICKLES, *_OTHER_FORMATS, *_COPIES, other)


def downloaded(
    files: Iterable[RepositoryFile], *, mistral_format: bool
) -> tuple[RepositoryFile, ...]:
    """The files that are downloaded."""
    ignored = ignored_patterns(mistral_format=mistral_format)
    return tuple(file for file in files if not matches(file.path, ignored))


def matches(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)
