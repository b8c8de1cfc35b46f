"""The Job that checks the data."""

from typing import Any

import pytest

from kaito_api.workspace import Tuning
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import CONFIG, OWNER, settings, tuning
from tests.workspace_controller.manifests.pod_builders import (
    PLACING,
    env_of,
    mounts_of,
    pod_of,
    source,
    tuning_pod,
)
from workspace_controller.manifests.data_check import data_check
from workspace_controller.manifests.tuning_job import TuningPod
from workspace_controller.settings import PodSettings


def check(spec: Manifest | None = None, **changes: Any) -> Manifest:
    return data_check(
        TuningPod(
            owner=OWNER,
            tuning=Tuning.model_validate(spec or tuning()),
            model=source(),
            config=CONFIG,
            placement=PLACING,
            settings=settings(**changes),
        )
    )


def test_check_reads_the_data_as_the_data_fetcher_does() -> None:
    spec = tuning(input={"urls": ["https://data.example/a.csv"], "accessSecret": "data"})
    made, tuned = pod_of(check(spec)), pod_of(tuning_pod(spec, settings=settings()))
    (checker, push), (fetcher, _) = made["containers"], tuned["initContainers"]
    mounted = {m["name"] for m in (*checker["volumeMounts"], *push["volumeMounts"])}
    assert {v["name"] for v in made["volumes"]} == mounted
    for key in ("image", "args", "securityContext", "terminationMessagePolicy"):
        assert checker[key] == fetcher[key]
    # Without the model, which ordinary nodes need not pull: the tokens are estimated.
    assert env_of(checker).items() == env_of(fetcher).items() - {("HF_HUB_OFFLINE", "1")}
    assert (
        mounts_of(checker).items()
        == {
            path: mount for path, mount in mounts_of(fetcher).items() if path != "/mnt/model"
        }.items()
    )


def test_check_runs_on_any_node_and_costs_no_gpu() -> None:
    large = PodSettings(image="t:1", resources={"requests": {"cpu": "8", "nvidia.com/gpu": "1"}})
    spec = pod_of(check(tuner=large, max_data_bytes=2**30))
    assert "affinity" not in spec and "tolerations" not in spec
    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    assert spec["containers"][0]["resources"] == {
        "requests": {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "1Gi"},
        "limits": {"memory": "2Gi", "ephemeral-storage": str(2 * 2**30)},
    }
    assert [volume["name"] for volume in spec["volumes"]] == [
        "data",
        "push-secret",
        "config",
        "tmp",
    ]


def test_check_is_restricted_and_owned_by_the_workspace() -> None:
    made = check()
    spec, metadata = pod_of(made), made["metadata"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert metadata["name"] == "ws.data-check"
    assert metadata["ownerReferences"][0]["uid"] == OWNER.uid
    labels = made["spec"]["template"]["metadata"]["labels"]
    assert labels["kaito.sh/role"] == "data-check" and labels["kaito.sh/workspace"] == "ws"


def test_only_the_push_checker_mounts_the_push_secret() -> None:
    data, push = pod_of(check())["containers"]
    assert push["args"] == ["check-push"]
    assert "/mnt/push-secret" in mounts_of(push) and "/mnt/push-secret" not in mounts_of(data)
    assert env_of(push)["KAITO_OUTPUT_IMAGE"] == "registry.local/adapters/phi:1"
    assert push["resources"]["requests"]["memory"] == "64Mi"


def test_output_to_a_volume_has_no_push_to_check() -> None:
    spec = pod_of(check(tuning(output={"volumeSource": {"emptyDir": {}}})))
    assert [container["name"] for container in spec["containers"]] == ["data-checker"]
    assert [volume["name"] for volume in spec["volumes"]] == ["data", "config", "tmp"]


def test_check_is_repeated_until_the_data_is_right() -> None:
    made = check()
    assert pod_of(made)["restartPolicy"] == "OnFailure"
    assert made["spec"]["backoffLimit"] == 2**31 - 1
    # A Job that exceeds its deadline deletes its pod, and with it the report.
    assert "activeDeadlineSeconds" not in made["spec"]


@pytest.mark.parametrize("name", ["config", "input", "output"])
def test_change_of_the_run_changes_the_revision(name: str) -> None:
    changed = {
        "config": "mine",
        "input": {"urls": ["https://data.example/other"]},
        "output": {**tuning()["output"], "imagePushSecret": "other"},
    }[name]
    revisions = [
        made["metadata"]["annotations"]["workspace.kaito.io/revision"]
        for made in (check(), check(tuning(**{name: changed})))
    ]
    assert revisions[0] != revisions[1]


def test_data_image_is_pulled_with_its_secrets() -> None:
    spec = pod_of(check(tuning(input={"image": "r/data:1", "imagePullSecrets": ["pull"]})))
    assert spec["imagePullSecrets"] == [{"name": "pull"}]
    assert spec["volumes"][0]["image"]["reference"] == "r/data:1"
