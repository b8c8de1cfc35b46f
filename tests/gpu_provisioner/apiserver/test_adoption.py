"""The process itself, on a real API server, from what KAITO's own gpu-provisioner leaves."""

from kaito_api import conditions
from kaito_kube.kinds import NODE, NODE_CLAIM, Manifest
from tests.gpu_provisioner import upstream
from tests.gpu_provisioner.apiserver.sandbox import Sandbox
from tests.gpu_provisioner.upstream import NAME, NODE_NAME


def properties(sandbox: Sandbox) -> Manifest:
    return sandbox.aks.azure.state.pools[NAME].properties


async def test_claim_of_kaito_is_adopted_and_its_deletion_deletes_the_pool(
    sandbox: Sandbox,
) -> None:
    claim = await sandbox.leave_as_kaito_does()
    await sandbox.start()
    await sandbox.until(lambda: properties(sandbox).get("tags"))
    uid = claim["metadata"]["uid"]
    assert properties(sandbox)["tags"]["kaito-claim-uid"] == uid
    assert properties(sandbox)["nodeLabels"]["kaito.sh/claim-uid"] == uid
    await sandbox.until(
        lambda: not (sandbox.get(NODE, NODE_NAME) or {})["metadata"].get("finalizers")
    )
    found = sandbox.get(NODE_CLAIM, NAME)
    assert found is not None and conditions.is_true(found, "Ready")
    assert sandbox.aks.azure.calls["agentPools.delete"] == 0
    sandbox.api.admin.delete(sandbox.path(NODE_CLAIM, NAME))
    await sandbox.until(lambda: sandbox.get(NODE_CLAIM, NAME) is None)
    assert NAME not in sandbox.aks.azure.state.pools
    assert sandbox.get(NODE, NODE_NAME) is None


async def test_other_cluster_is_refused_with_both_names(sandbox: Sandbox) -> None:
    group = "/subscriptions/s/resourceGroups/mc_rg_staging_eastus/providers/Microsoft.Compute"
    sandbox.join(upstream.node("uid"), f"azure://{group}/virtualMachineScaleSets/a/x/0")
    process = await sandbox.start()
    _, errors = await process.communicate()
    last = errors.decode().splitlines()[-1]
    assert process.returncode == 2
    assert "/managedClusters/kaito-local, whose machines are in" in last
    assert "are machines in s/mc_rg_staging_eastus" in last
    assert "Set azureSubscriptionId, azureResourceGroup and azureClusterName" in last
