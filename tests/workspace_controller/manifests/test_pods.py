"""What holds for every pod: security, mounts, nodes and GPUs."""

import pytest

from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import OWNER
from tests.workspace_controller.manifests.pod_builders import PODS, everything, mounts_of


@pytest.mark.parametrize("spec", PODS.values(), ids=PODS)
def test_every_pod_is_restricted(spec: Manifest) -> None:
    security = spec["securityContext"]
    assert security["runAsNonRoot"] is True and security["runAsUser"] == 65532
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    for container in everything(spec):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }


@pytest.mark.parametrize("spec", PODS.values(), ids=PODS)
def test_mounts_and_volumes_match(spec: Manifest) -> None:
    volumes = [volume["name"] for volume in spec["volumes"]]
    mounted = {m["name"] for c in everything(spec) for m in c["volumeMounts"]}
    assert sorted(volumes) == sorted(mounted)
    for container in everything(spec):
        assert len(mounts_of(container)) == len(container["volumeMounts"])


@pytest.mark.parametrize("spec", PODS.values(), ids=PODS)
def test_every_pod_selects_own_or_free_nodes(spec: Manifest) -> None:
    required = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    own, free = (term["matchExpressions"] for term in required["nodeSelectorTerms"])
    assert {e["key"]: e["values"] for e in own} == {k: [v] for k, v in OWNER.labels.items()}
    assert {"key": "kaito.sh/workspace", "operator": "DoesNotExist"} in free
    assert {"key": "app", "operator": "In", "values": ["phi"]} in free
    assert {"sku", "nvidia.com/gpu"} <= {t["key"] for t in spec["tolerations"]}


@pytest.mark.parametrize("spec", PODS.values(), ids=PODS)
def test_exactly_one_container_requests_gpus(spec: Manifest) -> None:
    having = [
        c["name"]
        for c in everything(spec)
        if "nvidia.com/gpu" in (c.get("resources") or {}).get("limits", {})
    ]
    assert having in (["trainer"], ["model-server"], ["engine"])
