"""Reads what is known of each adapter: from the Workspaces, and from the registries."""

from collections.abc import Mapping

from kaito_kube.errors import NotFound
from kaito_kube.kinds import WORKSPACE, Manifest, key_of
from kaito_registry.reference import parse_reference
from kubectl_kaito.cluster.cluster import Cluster
from kubectl_kaito.lineage.access import NamespaceReader, read_access, read_public_keys
from kubectl_kaito.lineage.adapters import ServedAdapter, named_workspaces, served_adapters
from kubectl_kaito.lineage.evidence import Evidence, SignatureState, weigh
from kubectl_kaito.lineage.registries import Registries, RegistryTrouble
from kubectl_kaito.release import observe_release

Found = tuple[ServedAdapter, str, Evidence]


def gather(
    cluster: Cluster, workspace: Manifest, registries: Registries, key: tuple[str, bytes] | None
) -> list[Found]:
    """Each adapter, its image by digest, and what is known of it.

    `key` is where the user's own public keys are from, and the keys; None: those of the cluster.

    Raises:
        ClusterError: the cluster does not answer.
    """
    tuning = _tuning_workspaces(cluster, workspace)
    insecure = (observe_release(cluster).setting("KAITO_INSECURE_REGISTRIES") or "").split(",")
    plain = frozenset(name.strip() for name in insecure if name.strip())
    found = []
    for adapter in served_adapters(workspace, tuning):
        reader = NamespaceReader(cluster, key_of(workspace).namespace)
        image, evidence = _look(adapter, reader, registries, key, plain)
        found.append((adapter, image, evidence))
    return found


def _look(
    adapter: ServedAdapter,
    reader: NamespaceReader,
    registries: Registries,
    key: tuple[str, bytes] | None,
    plain: frozenset[str],
) -> tuple[str, Evidence]:
    if not adapter.image:
        return "", Evidence(state=SignatureState.UNKNOWN, detail=adapter.problem)
    try:
        reference = parse_reference(adapter.image)
    except ValueError as error:
        return adapter.image, Evidence(state=SignatureState.UNKNOWN, detail=str(error))
    access = read_access(
        reader,
        reference,
        adapter.pull_secrets,
        adapter.ca_config_map,
        plain_http=reference.registry in plain,
    )
    source, keys = key if key is not None else read_public_keys(reader, adapter.key_secrets)
    try:
        attached = registries.read(reference, access)
    except RegistryTrouble as error:
        return adapter.image, Evidence(state=SignatureState.UNKNOWN, detail=str(error))
    return str(reference.at(attached.digest)), weigh(attached, keys, source)


def _tuning_workspaces(cluster: Cluster, workspace: Manifest) -> Mapping[str, Manifest]:
    found = {}
    for name in named_workspaces(workspace):
        try:
            found[name] = cluster.get(WORKSPACE, name, key_of(workspace).namespace)
        except NotFound:
            continue
    return found
