"""The dataset of a tuning that is a file of the user's machine."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from kaito_kube.kinds import VOLUME_CLAIM, WORKSPACE, Key, Manifest
from kubectl_kaito.cluster.cluster import Cluster
from kubectl_kaito.dataset.checker import DatasetReport
from kubectl_kaito.deploy.request import DeployRequest, name_of
from kubectl_kaito.environment import Environment
from kubectl_kaito.errors import CommandError
from kubectl_kaito.presets import find_preset
from kubectl_kaito.release import observe_release
from kubectl_kaito.upload.local_file import LocalFile, read_local_file
from kubectl_kaito.upload.manifests import claim_name
from kubectl_kaito.upload.progress import shown
from kubectl_kaito.upload.transfer import Upload, upload


@dataclass(frozen=True, slots=True)
class LocalData:
    """`report` is None where the file was not checked."""

    file: LocalFile
    claim: str
    report: DatasetReport | None
    storage_class: str | None


def with_local_data(
    request: DeployRequest, environment: Environment, *, storage_class: str | None, check: bool
) -> tuple[DeployRequest, LocalData]:
    """The request with the volume that the file will be in.

    Raises:
        UsageError: there is no such file.
        CommandError: it is no dataset, or it cannot be checked here.
    """
    tuning = request.tuning
    assert tuning is not None, "only a tuning has data"
    file = read_local_file(tuning.data)
    report = environment.datasets().check(file.path, tuning.method) if check else None
    if report is not None and report.problem:
        raise CommandError(f"--data {file.path}: {report.problem}")
    claim = claim_name(name_of(request, find_preset(request.model, environment.hub)), file)
    changed = replace(request, tuning=replace(tuning, data=claim, is_claim=True))
    return changed, LocalData(file, claim, report, storage_class)


def send(data: LocalData, cluster: Cluster, namespace: str, pause: Callable[[float], None]) -> None:
    """Uploads the file, with its progress on stderr. It is complete, or an error says why not.

    Raises:
        CommandError: the volume cannot be filled, or the release's image is not known.
        ClusterError: the cluster refuses, or is away for long.
    """
    image = observe_release(cluster).setting("KAITO_TUNER_IMAGE")
    if not image:
        raise CommandError(
            "the image of the tuner is not known, because you may not read the release's "
            "Deployment: put the data where pods reach it, and name its URL with --data"
        )
    wanted = Upload(data.file, Key(namespace, data.claim), image, data.storage_class)
    with shown(data.file.path.name, data.file.size, sys.stderr) as on_bytes:
        upload(cluster, wanted, pause, on_bytes)


def hand_over(data: LocalData, cluster: Cluster, workspace: Manifest) -> None:
    """The volume goes with its Workspace."""
    metadata = workspace["metadata"]
    owner = {
        "apiVersion": WORKSPACE.api_version,
        "kind": WORKSPACE.kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    changes = {"metadata": {"ownerReferences": [owner]}}
    cluster.patch(VOLUME_CLAIM, data.claim, metadata["namespace"], changes)
