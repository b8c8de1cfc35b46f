"""The documentation's walkthrough, unchanged, and a clean deletion."""

import pytest

from tools.demo import manifests
from tools.demo.checks import run_checks, table
from tools.demo.cluster import KaitoCluster, set_up
from tools.demo.kubectl import wait_for
from tools.demo.phase_timer import PhaseTimer
from tools.demo.walkthrough import leftovers, walk


@pytest.mark.parametrize("provisioner", ["machine", "nodeclaim"])
def test_all_claims_hold_and_deletion_leaves_nothing(clean: KaitoCluster, provisioner: str) -> None:
    cluster = set_up(PhaseTimer(), provisioner) if provisioner != "machine" else clean
    try:
        results = run_checks(walk(cluster, PhaseTimer()))
        assert all(result.passed for result in results), f"\n{table(results)}"
        kubectl = cluster.kubectl
        for name in (manifests.TUNED, manifests.UNTUNED):
            kubectl.delete("workspace", name, wait=False)
        wait_for("everything to be deleted", lambda: leftovers(cluster), 60)
    finally:
        if provisioner != "machine":
            set_up(PhaseTimer(), "machine")
