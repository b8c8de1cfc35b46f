"""Finds the weights among the files of a repository."""

import re
from dataclasses import dataclass

from kaito_presets.hub.downloads import MISTRAL_WEIGHTS, PICKLES, downloaded, matches
from kaito_presets.hub.refusal import Refused
from kaito_presets.hub.repository import Repository, RepositoryFile

_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.safetensors$")
_OWN_PODS = "serve it with your own pods (inference.template)"


@dataclass(frozen=True, slots=True)
class Weights:
    """`mistral_format`: the files are in Mistral's own format. `size_bytes` is of the weights."""

    size_bytes: int
    mistral_format: bool


def find_weights(repository: Repository) -> Weights:
    """The safetensors that an engine reads: those at the top of the repository.

    Raises:
        Refused: there are none, or some of them are missing.
    """
    top = [file for file in repository.files if "/" not in file.path]
    mistral = any(matches(file.path, (MISTRAL_WEIGHTS,)) for file in top)
    tensors = [
        file
        for file in downloaded(top, mistral_format=mistral)
        if file.path.endswith(".safetensors")
    ]
    if not tensors:
        raise _no_safetensors(repository)
    if repository.has("adapter_config.json") and not repository.has("config.json"):
        raise _adapter(repository)
    _check_shards(repository, tensors)
    return Weights(sum(file.size_bytes for file in tensors), mistral)


def _no_safetensors(repository: Repository) -> Refused:
    paths = [file.path for file in repository.files]
    if repository.has("adapter_config.json"):
        return _adapter(repository)
    if repository.has("model_index.json"):
        return Refused(
            f"{repository.name} is a pipeline of diffusers (it has model_index.json), not a model "
            "that writes text",
            _OWN_PODS,
        )
    pickles = [path for path in paths if "/" not in path and matches(path, PICKLES)]
    if pickles:
        return Refused(
            f"{repository.name} has its weights only as {pickles[0]}, a format that can run code "
            "when it is read",
            "use a repository with *.safetensors: "
            "https://huggingface.co/spaces/safetensors/convert makes one",
        )
    if any(path.endswith(".gguf") for path in paths):
        return Refused(
            f"{repository.name} has its weights only as GGUF, which is llama.cpp's format",
            f"use the repository that they were made from, or {_OWN_PODS}",
        )
    return Refused(
        f"{repository.name} has no weights: none of its {len(paths)} files at commit "
        f"{repository.commit[:12]} is a *.safetensors",
        "name a repository that holds a model",
    )


def _adapter(repository: Repository) -> Refused:
    return Refused(
        f"{repository.name} is an adapter (it has adapter_config.json), not a model",
        "name its base model in preset.name, and put the adapter into inference.adapters",
    )


def _check_shards(repository: Repository, tensors: list[RepositoryFile]) -> None:
    """An upload that was given up leaves gaps, which show only when the model is loaded."""
    shards = [found for file in tensors if (found := _SHARD.search(file.path)) is not None]
    if not shards:
        return
    total, present = int(shards[0].group(2)), {int(shard.group(1)) for shard in shards}
    missing = sorted(set(range(1, total + 1)) - present)
    # Some count from zero.
    if missing and len(present) < total:
        raise Refused(
            f"{repository.name} has {len(present)} of {total} files of weights: "
            f"number {missing[0]} is missing at commit {repository.commit[:12]}",
            "ask its authors to complete the upload, or name another revision with the annotation "
            "kaito.sh/model-revision",
        )
