"""Whether the node of a pod keeps the model that the pod downloads, for the pods after it."""

import hashlib
import json
import re
from collections.abc import Mapping

from kaito_kube.kinds import Manifest
from kaito_presets.hub.downloads import ignored_patterns
from kaito_presets.preset import Preset
from workspace_controller.manifests.pods import NodeFolder

ENFORCE = "pod-security.kubernetes.io/enforce"
# Both Pod Security levels refuse volumes of the node.
_REFUSING = ("baseline", "restricted")
_COMMIT = re.compile("[0-9a-f]{40}")
# With the longest name of a model and what the cache appends, no more than Linux takes: 255. The
# whole commit is compared within the folder.
_COMMIT_CHARACTERS = 16


def node_folder(
    root: str, namespace: str, namespace_labels: Mapping[str, str], preset: Preset, revision: str
) -> NodeFolder | str:
    """Where the node keeps it, or why it does not; empty where nobody wants it to.

    A branch is no name for files that stay. The same commit has other files for each engine's
    format.
    """
    if not root:
        return ""
    level = namespace_labels.get(ENFORCE, "")
    if level in _REFUSING:
        return (
            f"namespace {namespace} enforces the Pod Security level {level}, which refuses volumes "
            "of the node"
        )
    if not _COMMIT.fullmatch(revision):
        return "the model has no fixed commit"
    ignored = json.dumps(ignored_patterns(mistral_format=preset.vllm.mistral_format))
    files = hashlib.sha256(ignored.encode()).hexdigest()[:8]
    name = preset.hf_id.replace("/", "--")
    return NodeFolder(
        root=root, path=f"{namespace}/{name}--{revision[:_COMMIT_CHARACTERS]}--{files}"
    )


def labels_that_matter(namespace: Manifest | None) -> dict[str, str]:
    """The labels of a Namespace that decide here; none where it is not known yet."""
    found = ((namespace or {}).get("metadata") or {}).get("labels") or {}
    return {ENFORCE: found[ENFORCE]} if ENFORCE in found else {}
