"""Reads and writes the Secret of keys."""

from collections.abc import Sequence

from kaito_keys.key_policy import KeyPolicy
from kaito_kube.errors import AlreadyExists, NotFound
from kaito_kube.kinds import SECRET, Key, Manifest
from kubectl_kaito.cluster.cluster import Cluster
from kubectl_kaito.errors import NotFoundError, UsageError
from kubectl_kaito.keys.changes import added, new_secret, removed
from kubectl_kaito.release import observe_release


def secret_of(cluster: Cluster, name: str, namespace: str | None) -> Key:
    """Where the keys are: in the namespace of the release, unless another is named.

    Raises:
        UsageError: no release is found.
    """
    found = namespace or observe_release(cluster).namespace
    if not found:
        raise UsageError(
            "no release of Kaito is found, or you may not see it: name its namespace with -n"
        )
    return Key(found, name)


def read_keys(cluster: Cluster, where: Key) -> Manifest:
    """The Secret.

    Raises:
        NotFoundError: there is none.
    """
    try:
        return cluster.get(SECRET, where.name, where.namespace)
    except NotFound:
        raise NotFoundError(
            f"no Secret {where.namespace}/{where.name}: `kubectl kaito keys create` makes it"
        ) from None


def add_key(cluster: Cluster, where: Key, policy: KeyPolicy) -> None:
    """Adds a key, and makes the Secret if it is the first.

    Raises:
        UsageError: the Secret has no room for it.
        ClusterError: the cluster refuses it.
    """
    try:
        secret = cluster.get(SECRET, where.name, where.namespace)
    except NotFound:
        try:
            cluster.create(SECRET, new_secret(where.name, where.namespace, policy))
            return
        except AlreadyExists:
            secret = cluster.get(SECRET, where.name, where.namespace)
    # A merge: keys that others add at this moment stay.
    cluster.patch(SECRET, where.name, where.namespace, added(secret, policy))


def remove_keys(cluster: Cluster, where: Key, names: Sequence[str]) -> None:
    """Takes keys away.

    Raises:
        NotFoundError: one of them is not there.
    """
    changes = removed(read_keys(cluster, where), names)
    cluster.patch(SECRET, where.name, where.namespace, changes)
