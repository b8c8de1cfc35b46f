"""Reads the Workspace to plan out of a file."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from kaito_api.workspace import WorkspaceSpec, parse
from kaito_kube.kinds import WORKSPACE, Manifest
from kubectl_kaito.errors import UsageError

_STDIN = "-"


@dataclass(frozen=True, slots=True)
class Given:
    """The Workspace of a file, and the data of its ConfigMaps by name."""

    manifest: Manifest
    spec: WorkspaceSpec
    config_maps: dict[str, dict[str, str]]


def read(file: str) -> Given:
    """Raises:
    UsageError: it cannot be read, is no YAML, or has not exactly one valid Workspace.
    """
    documents = _documents(file)
    found = [each for each in documents if each.get("kind") == WORKSPACE.kind]
    if len(found) != 1:
        what = "has no Workspace" if not found else f"has {len(found)} Workspaces"
        raise UsageError(f"{file} {what}: name a file with exactly one")
    maps = {
        str((each.get("metadata") or {}).get("name")): each.get("data") or {}
        for each in documents
        if each.get("kind") == "ConfigMap"
    }
    return Given(found[0], spec_of(found[0], file), maps)


def spec_of(manifest: Manifest, file: str) -> WorkspaceSpec:
    """Raises:
    UsageError: a field is invalid; names each.
    """
    if not str(manifest.get("apiVersion", "")).startswith(f"{WORKSPACE.group}/"):
        version = manifest.get("apiVersion")
        raise UsageError(f"{file}: apiVersion is {version!r}: use {WORKSPACE.api_version}")
    if not (manifest.get("metadata") or {}).get("name"):
        raise UsageError(f"{file}: metadata.name is missing")
    try:
        spec = parse(manifest)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UsageError(f"{file}: {'; '.join(problems)}") from None
    if (spec.inference is None) == (spec.tuning is None):
        raise UsageError(f"{file}: set exactly one of inference and tuning")
    return spec


def _documents(file: str) -> list[dict[str, Any]]:
    try:
        text = sys.stdin.read() if file == _STDIN else Path(file).read_text(encoding="utf-8")
        documents = [each for each in yaml.safe_load_all(text) if each is not None]
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not YAML: {' '.join(str(error).split())}") from None
    if not all(isinstance(each, dict) for each in documents):
        raise UsageError(f"{file} is no manifest: expected mappings with apiVersion and kind")
    return documents
