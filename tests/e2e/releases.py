"""The installed release, for tests that change its values."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tools.demo.cluster import NAMESPACE, wait_for_ended_controllers
from tools.demo.kubectl import Kubectl, run
from tools.local_cluster.paths import Paths


def helm(*arguments: str) -> None:
    paths = Paths.from_env(os.environ)
    run(paths.bin / "helm", *arguments, "-n", NAMESPACE, "--kubeconfig", str(paths.kubeconfig))


@contextmanager
def restored(kubectl: Kubectl) -> Iterator[None]:
    """The release is afterwards as it was, also where the test fails in between."""
    found = kubectl.items("secrets", "-n", NAMESPACE, "-l", "owner=helm,name=kaito")
    revision = max(int(secret["metadata"]["labels"]["version"]) for secret in found)
    try:
        yield
    finally:
        helm("rollback", "kaito", str(revision), "--wait")
        wait_for_ended_controllers(kubectl)
