"""References to objects of the chart that own what a controller creates, so that `helm uninstall`
takes it along."""

import logging

from kaito_kube.cluster import Cluster
from kaito_kube.errors import Forbidden, NotFound, Unavailable
from kaito_kube.kinds import Kind, Manifest
from kaito_process.retry import retry_until_done

logger = logging.getLogger(__name__)


async def owner_references(
    cluster: Cluster, kind: Kind, name: str, namespace: str = ""
) -> tuple[Manifest, ...]:
    """The reference to one owner; none where it does not exist, as outside of a cluster.

    The owner is read, because Kubernetes deletes an object whose owner's UID does not exist. While
    the API server does not answer, this waits: without an owner, the object would stay for ever.
    """
    try:
        owner = await retry_until_done(
            lambda: cluster.get(kind, name, namespace),
            Unavailable,
            f"read the {kind.kind} that owns what is created",
            logger,
        )
    except NotFound:
        return ()
    except Forbidden as error:
        logger.warning("helm uninstall will leave objects behind: cannot read %s: %s", kind, error)
        return ()
    uid = owner["metadata"]["uid"]
    return ({"apiVersion": kind.api_version, "kind": kind.kind, "name": name, "uid": uid},)
