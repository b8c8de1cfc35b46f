"""The Job of a run: its phases, what each of them sees, and its data."""

import json

import pytest

from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import CONFIG, OWNER, PRESET, settings, tuning
from tests.workspace_controller.manifests.pod_builders import (
    PLACING,
    PODS,
    env_of,
    everything,
    mounts_of,
    pod_of,
    source,
    tuning_pod,
)
from workspace_controller.manifests import tuning_job
from workspace_controller.settings import ModelDelivery, PodSettings


def test_job_runs_its_phases_in_order_and_retries_for_a_week() -> None:
    made = tuning_pod()
    spec = pod_of(made)
    assert [c["name"] for c in spec["initContainers"]] == ["data-fetcher", "trainer"]
    assert [c["name"] for c in spec["containers"]] == ["pusher"]
    assert [c["args"] for c in everything(spec)] == [["fetch"], ["train"], ["push"]]
    assert spec["restartPolicy"] == "OnFailure"
    restarts_per_day = 24 * 60 / 5
    assert made["spec"]["backoffLimit"] == 7 * restarts_per_day
    assert made["spec"]["podReplacementPolicy"] == "Failed"


def test_containers_that_remember_a_permanent_failure_know_their_pod() -> None:
    for container in pod_of(tuning_pod())["initContainers"]:
        (entry,) = [each for each in container["env"] if each["name"] == "KAITO_POD_UID"]
        assert entry["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.uid"}}


def test_only_the_pusher_mounts_the_push_secret() -> None:
    spec = pod_of(tuning_pod())
    having = [c["name"] for c in everything(spec) if "/mnt/push-secret" in mounts_of(c)]
    assert having == ["pusher"]
    (secret,) = [v["secret"] for v in spec["volumes"] if "secret" in v]
    assert secret["secretName"] == "push"


def test_only_the_pusher_sees_how_the_image_is_signed_and_its_registry_verified() -> None:
    output = {**tuning()["output"], "signingSecret": "sign", "caConfigMap": "ca", "overwrite": True}
    spec = pod_of(tuning_pod(tuning(output=output)))
    for path in ("/mnt/signing-secret", "/mnt/registry-ca"):
        having = [c["name"] for c in everything(spec) if path in mounts_of(c)]
        assert having == ["pusher"]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["signing-secret"]["secret"] == {"secretName": "sign", "defaultMode": 0o440}
    assert volumes["registry-ca"]["configMap"] == {"name": "ca", "optional": True}
    environment = {e["name"]: e.get("value") for e in spec["containers"][0]["env"]}
    assert environment["KAITO_SIGNING_SECRET_NAME"] == "sign"
    assert environment["KAITO_REGISTRY_CA_FILE"] == "/mnt/registry-ca/ca.crt"
    assert environment["KAITO_OVERWRITE_IMAGE"] == "true"


@pytest.mark.parametrize(
    ("delivery", "has_model"),
    [
        (ModelDelivery.IMAGE_VOLUME, True),
        (ModelDelivery.INIT_COPY, True),
        (ModelDelivery.HUB, False),
    ],
)
def test_data_fetcher_reads_the_tokenizer_of_a_model_that_is_there(
    delivery: ModelDelivery, has_model: bool
) -> None:
    spec = pod_of(tuning_pod(model=source(delivery=delivery)))
    (fetcher,) = [c for c in everything(spec) if c["name"] == "data-fetcher"]
    assert ("/mnt/model" in mounts_of(fetcher)) == has_model
    if has_model:
        assert mounts_of(fetcher)["/mnt/model"]["readOnly"]
        names = [container["name"] for container in spec["initContainers"]]
        assert names.index("data-fetcher") == len(names) - 2


def test_environment_of_the_tuner() -> None:
    env = env_of(pod_of(tuning_pod())["initContainers"][1])
    assert (
        env.items()
        >= {
            "KAITO_WORKSPACE": "ws",
            "KAITO_NAMESPACE": "team",
            "KAITO_BASE_MODEL": PRESET,
            "KAITO_BASE_MODEL_HUB_ID": "microsoft/Phi-3-mini-128k-instruct",
            "KAITO_BASE_MODEL_LICENSE": "mit",
            "KAITO_MODEL_PARAMETERS": "3822520893",
            "KAITO_INSTANCE_TYPE": PLACING.instance_type,
            "KAITO_METHOD": "qlora",
            "KAITO_OUTPUT_IMAGE": "registry.local/adapters/phi:1",
            "KAITO_PUSH_SECRET_NAME": "push",
            "KAITO_INSECURE_REGISTRIES": "r:5000",
            "KAITO_ALLOW_PRIVATE_DATA_HOSTS": "false",
            "DEFAULT_TARGET_MODULES": "qkv_proj,o_proj,gate_up_proj,down_proj",
            "HF_HUB_OFFLINE": "1",
            "HOME": "/tmp",
        }.items()
    )
    assert json.loads(env["KAITO_DATA_URLS"])[0].startswith("https://data.example/")


def test_environment_from_settings_overrides() -> None:
    pod = PodSettings(image="t:1", env={"KAITO_CHECKPOINT_SECONDS": "1", "HOME": "/home"})
    env = env_of(pod_of(tuning_pod(settings=settings(tuner=pod)))["containers"][0])
    assert (env["KAITO_CHECKPOINT_SECONDS"], env["HOME"]) == ("1", "/home")


def test_data_from_an_image_is_mounted_read_only() -> None:
    source_ = {"image": "r/data:1", "imagePullSecrets": ["pull"]}
    spec = pod_of(tuning_pod(tuning(input=source_)))
    mount = mounts_of(spec["initContainers"][1])["/mnt/data"]
    assert (mount["subPath"], mount["readOnly"]) == ("data", True)
    assert {"name": "pull"} in spec["imagePullSecrets"]


@pytest.mark.parametrize(
    "volume",
    [
        {"persistentVolumeClaim": {"claimName": "data", "readOnly": True}},
        {"configMap": {"name": "data", "items": [{"key": "a", "path": "train/a.jsonl"}]}},
        {"nfs": {"server": "nfs.example", "path": "/data"}},
    ],
    ids=lambda volume: next(iter(volume)),
)
def test_data_from_a_volume_is_mounted_and_not_written_to(volume: Manifest) -> None:
    spec = pod_of(tuning_pod(tuning(input={"volumeSource": volume})))
    assert {"name": "data", **volume} in spec["volumes"]
    for container in spec["initContainers"]:
        assert mounts_of(container)["/mnt/data"]["readOnly"] is True


def test_output_to_a_volume_is_not_pushed() -> None:
    spec = PODS["volume output"]
    assert [c["name"] for c in everything(spec)] == ["data-fetcher", "trainer"]
    assert {"name": "results", "emptyDir": {}} in spec["volumes"]


def test_only_the_fetcher_sees_the_access_secret() -> None:
    url = {"urls": ["https://data.example/a.parquet"]}
    spec = pod_of(tuning_pod(tuning(input={**url, "accessSecret": "data"})))
    (volume,) = (v for v in spec["volumes"] if v["name"] == "access-secret")
    assert volume["secret"] == {"secretName": "data", "defaultMode": 0o440}
    seen = {c["name"]: "/mnt/access-secret" in mounts_of(c) for c in everything(spec)}
    assert [name for name, sees in seen.items() if sees] == ["data-fetcher"]
    assert env_of(everything(spec)[0])["KAITO_ACCESS_SECRET_NAME"] == "data"
    assert "access-secret" not in str(pod_of(tuning_pod(tuning(input=url)))["volumes"])


def test_configuration_is_copied_into_its_own_config_map() -> None:
    made = tuning_job.config_map(OWNER, CONFIG)
    assert made["metadata"]["name"] == "ws-tuning-config"
    assert made["data"] == {"training_config.yaml": CONFIG}
    assert made["metadata"]["ownerReferences"][0]["uid"] == OWNER.uid


def test_only_the_trainer_gets_the_variables_of_trackers() -> None:
    spec = pod_of(tuning_pod(tuning(trackingSecret="track")))
    seen = {each["name"]: each.get("envFrom") for each in everything(spec)}
    assert seen == {
        "data-fetcher": None,
        "trainer": [{"secretRef": {"name": "track"}}],
        "pusher": None,
    }
    assert "envFrom" not in str(pod_of(tuning_pod()))
