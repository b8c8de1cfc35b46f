"""Uploads a file into a volume of its own: resumes what broke, and is complete or says why not."""

from collections.abc import Callable
from dataclasses import dataclass

from kaito_kube.errors import AlreadyExists, ClusterError, NotFound, Throttled, Unavailable
from kaito_kube.kinds import POD, VOLUME_CLAIM, Key, Manifest, annotations_of
from kubectl_kaito.cluster.cluster import Cluster, Process
from kubectl_kaito.errors import CommandError
from kubectl_kaito.upload import manifests
from kubectl_kaito.upload.local_file import LocalFile
from kubectl_kaito.upload.waiting import has_ended, is_running, obstacle

_PAUSE_SECONDS = 2.0
# Ten minutes for a volume, a node and the image of the tuner.
_MAX_LOOKS = 300
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Upload:
    """What to upload, and to where. Without a `storage_class`, the cluster's default."""

    file: LocalFile
    claim: Key
    image: str
    storage_class: str | None = None


def upload(
    cluster: Cluster,
    wanted: Upload,
    pause: Callable[[float], None],
    on_bytes: Callable[[int], None],
) -> None:
    """`on_bytes` gets the bytes that the volume has. A volume that has the file is left alone.

    Raises:
        CommandError: the volume cannot be filled.
        ClusterError: the cluster refuses, or is away for long.
    """
    if _is_complete(cluster, wanted):
        on_bytes(wanted.file.size)
        return
    pod = Key(wanted.claim.namespace, f"{wanted.claim.name}-upload")
    try:
        _start(cluster, wanted, pod, pause)
        _send_until_complete(cluster, wanted, pod, pause, on_bytes)
    finally:
        _delete(cluster, pod)
    marked = {"metadata": {"annotations": {manifests.DATASET_DIGEST: wanted.file.digest}}}
    cluster.patch(VOLUME_CLAIM, wanted.claim.name, wanted.claim.namespace, marked)


def _is_complete(cluster: Cluster, wanted: Upload) -> bool:
    """Creates the claim where there is none."""
    try:
        found = cluster.get(VOLUME_CLAIM, wanted.claim.name, wanted.claim.namespace)
    except NotFound:
        manifest = manifests.claim(wanted.claim.name, wanted.file, wanted.storage_class)
        cluster.create(VOLUME_CLAIM, _within(manifest, wanted.claim.namespace))
        return False
    return annotations_of(found).get(manifests.DATASET_DIGEST) == wanted.file.digest


def _start(cluster: Cluster, wanted: Upload, pod: Key, pause: Callable[[float], None]) -> None:
    """Until the pod runs; one that an earlier try has left is used again."""
    manifest = _within(manifests.pod(wanted.claim.name, wanted.image), pod.namespace)
    found: Manifest | None = None
    for _ in range(_MAX_LOOKS):
        try:
            found = cluster.get(POD, pod.name, pod.namespace)
        except NotFound:
            try:
                found = cluster.create(POD, manifest)
            except AlreadyExists:
                continue
        if has_ended(found):
            _delete(cluster, pod)
        elif is_running(found):
            return
        pause(_PAUSE_SECONDS)
    raise CommandError(
        f"pod {pod} does not start, so nothing was uploaded: {obstacle(found or {})}; "
        "--storage-class names another kind of volume"
    )


def _send_until_complete(
    cluster: Cluster,
    wanted: Upload,
    pod: Key,
    pause: Callable[[float], None],
    on_bytes: Callable[[int], None],
) -> None:
    for left in reversed(range(_TRIES)):
        try:
            with cluster.run(pod, manifests.CONTAINER, manifests.command(wanted.file)) as process:
                _send(wanted.file, process, on_bytes)
                return
        except (Unavailable, Throttled):
            if not left:
                raise
            pause(_PAUSE_SECONDS)


def _send(file: LocalFile, process: Process, on_bytes: Callable[[int], None]) -> None:
    """Raises:
    CommandError: the file changes while it is read.
    Unavailable: the connection is lost.
    """
    answer = process.read_line()
    if answer == "complete":
        on_bytes(file.size)
        return
    word, _, rest = answer.partition(" ")
    size, _, digest = rest.partition(" ")
    if word != "have" or not size.isdecimal():
        raise Unavailable(f"the pod of the upload answers {answer[:200]!r}")
    # What is there counts only if it is the beginning of this file.
    start = int(size) if file.prefix_digest(int(size)) == digest else 0
    process.write(f"{start}\n".encode())
    sent = start
    for chunk in file.chunks(start):
        process.write(chunk)
        sent += len(chunk)
        on_bytes(min(sent, file.size))
    if sent != file.size or (answer := process.read_line()) == "damaged":
        raise CommandError(f"{file.path} has changed while it was uploaded: run the command again")
    if answer != "complete":
        raise Unavailable(f"the pod of the upload answers {answer[:200]!r}")


def _delete(cluster: Cluster, pod: Key) -> None:
    """The pod ends by itself if it cannot be deleted now."""
    try:
        cluster.delete(POD, pod.name, pod.namespace)
    except ClusterError:
        return


def _within(manifest: Manifest, namespace: str) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
