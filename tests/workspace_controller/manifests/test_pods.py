"""What all pods must have: the essentials, not every line."""

import json
from typing import Any

import pytest

from kaito_api.workspace import DataSource, Tuning
from kaito_kube.kinds import Manifest
from kaito_presets import catalog
from tests.workspace_controller.given import CONFIG, INSTANCE, OWNER, PRESET, settings, tuning
from workspace_controller.manifests import tuning_job
from workspace_controller.manifests.administration import token, token_sha256
from workspace_controller.manifests.model_pod import ModelPod, ServedAdapter, model_pod_spec
from workspace_controller.manifests.placement import Placement
from workspace_controller.manifests.pods import ModelSource
from workspace_controller.manifests.tuning_job import TuningPod, job
from workspace_controller.manifests.tuning_revision import adapter_revision, job_revision
from workspace_controller.settings import ModelDelivery, PodSettings

PLACING = Placement(
    owner=OWNER,
    node_labels={"app": "phi"},
    instance_type=INSTANCE,
    gpus={"nvidia.com/gpu": "1"},
)


def source(**changes: Any) -> ModelSource:
    preset = catalog.load().find(PRESET)
    assert preset is not None
    given = {
        "delivery": ModelDelivery.IMAGE_VOLUME,
        "preset": preset,
        "image": "r/kaito-phi:1",
        "path": "/workspace/tfs/weights",
    }
    return ModelSource(**{**given, **changes})


def tuning_pod(spec: Manifest | None = None, **changes: Any) -> Manifest:
    given: dict[str, Any] = {
        "owner": OWNER,
        "tuning": Tuning.model_validate(spec or tuning()),
        "model": source(),
        "config": CONFIG,
        "placement": PLACING,
        "settings": settings(insecure_registries=("r:5000",)),
    }
    return job(TuningPod(**{**given, **changes}))


def model_pod(**changes: Any) -> Manifest:
    given: dict[str, Any] = {
        "owner": OWNER,
        "model": source(),
        "adapters": (),
        "default_adapter": "",
        "max_model_len": 0,
        "nodes": 1,
        "placement": PLACING,
        "settings": settings(),
    }
    return model_pod_spec(ModelPod(**{**given, **changes}))


def pod_of(made: Manifest) -> Manifest:
    spec: Manifest = made["spec"]["template"]["spec"]
    return spec


def everything(spec: Manifest) -> list[Manifest]:
    return [*spec.get("initContainers", ()), *spec["containers"]]


def env_of(container: Manifest) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in container["env"]}


def mounts_of(container: Manifest) -> dict[str, Manifest]:
    return {mount["mountPath"]: mount for mount in container["volumeMounts"]}


PODS = {
    "tuning": pod_of(tuning_pod()),
    "inference": model_pod(adapters=(ServedAdapter(name="style", image="r/a@sha256:1"),)),
    "init-copy": model_pod(model=source(delivery=ModelDelivery.INIT_COPY)),
    "hub": model_pod(model=source(delivery=ModelDelivery.HUB, access_secret="hf")),
    "volume output": pod_of(tuning_pod(tuning(output={"volumeSource": {"emptyDir": {}}}))),
}


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


def test_a_model_pods_times_follow_from_one_grace_period() -> None:
    spec = model_pod(settings=settings(termination_grace_period_seconds=100))
    server, gateway = spec["containers"]
    assert spec["terminationGracePeriodSeconds"] == 100
    assert env_of(server)["KAITO_DRAIN_SECONDS"] == "90"
    assert env_of(gateway)["KAITO_SHUTDOWN_TIMEOUT_SECONDS"] == "90"
    assert server["lifecycle"] == {"preStop": {"sleep": {"seconds": 7}}}
    assert gateway["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}


def test_a_model_pod_gets_the_digest_of_its_token_and_never_the_key() -> None:
    spec = model_pod(settings=settings(administration_key="s3cret"))
    env = env_of(spec["containers"][0])
    assert env["KAITO_ADMINISTRATION_TOKEN_SHA256"] == token_sha256("s3cret", OWNER)
    assert "s3cret" not in json.dumps(spec)
    assert token("s3cret", OWNER) not in json.dumps(spec)
    without_key = env_of(model_pod()["containers"][0])
    assert "KAITO_ADMINISTRATION_TOKEN_SHA256" not in without_key


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
    assert having in (["trainer"], ["model-server"])


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


@pytest.mark.parametrize(
    ("change", "same_adapter"),
    [
        ({"output": {"image": "r/x:2", "imagePushSecret": "push"}}, False),
        ({"input": {"urls": ["https://other.example/x.parquet"]}}, False),
        ({"config": "mine"}, False),
        ({"method": "lora"}, False),
        ({"output": {**tuning()["output"], "imagePushSecret": "other"}}, True),
        ({}, True),
    ],
    ids=["output", "input", "config", "method", "push secret", "nothing"],
)
def test_changes_of_adapter_and_job_revision(change: Manifest, same_adapter: bool) -> None:
    before, after = (Tuning.model_validate(tuning(**c)) for c in ({}, change))
    assert (adapter_revision(before) == adapter_revision(after)) is same_adapter
    assert (job_revision(before, CONFIG) == job_revision(after, CONFIG)) is (change == {})


@pytest.mark.parametrize(
    ("changes", "revision"),
    [
        ({}, "ca4644a801dbfc8c-571becc24ac796f2"),
        (
            {
                "preset": {"name": PRESET, "presetOptions": {"imagePullSecrets": ["a"]}},
                "method": "lora",
                "config": "mine",
                "input": {"name": "n", "image": "r/d:1", "imagePullSecrets": ["b"]},
                "output": {"volumeSource": {"emptyDir": {}}},
            },
            "05693c7948657b24-047f5b427a8331d7",
        ),
    ],
    ids=["defaults", "other fields"],
)
def test_revision_is_the_one_that_earlier_releases_gave(changes: Manifest, revision: str) -> None:
    """With another one, an upgrade deletes the Jobs of all runs, and trains all adapters again."""
    assert job_revision(Tuning.model_validate(tuning(**changes)), "text") == revision


@pytest.mark.parametrize(
    "changes",
    [{"trackingSecret": "t"}, {"input": {**tuning()["input"], "accessSecret": "a"}}],
    ids=["trackingSecret", "accessSecret"],
)
def test_secret_that_is_named_later_makes_another_job_of_the_same_adapter(
    changes: Manifest,
) -> None:
    before, after = (Tuning.model_validate(tuning(**c)) for c in ({}, changes))
    assert job_revision(before, CONFIG) != job_revision(after, CONFIG)
    assert adapter_revision(before) == adapter_revision(after)


def test_new_fields_of_the_api_do_not_restart_a_run() -> None:
    class LaterSource(DataSource):
        added: str | None = None

    class LaterTuning(Tuning):
        input: LaterSource

    before, after = Tuning.model_validate(tuning()), LaterTuning.model_validate(tuning())
    assert job_revision(before, CONFIG).split("-")[1] == job_revision(after, CONFIG).split("-")[1]


def test_only_the_fetcher_sees_the_access_secret() -> None:
    url = {"urls": ["https://data.example/a.parquet"]}
    spec = pod_of(tuning_pod(tuning(input={**url, "accessSecret": "data"})))
    (volume,) = (v for v in spec["volumes"] if v["name"] == "access-secret")
    assert volume["secret"] == {"secretName": "data", "defaultMode": 0o440}
    seen = {c["name"]: "/mnt/access-secret" in mounts_of(c) for c in everything(spec)}
    assert [name for name, sees in seen.items() if sees] == ["data-fetcher"]
    assert env_of(everything(spec)[0])["KAITO_ACCESS_SECRET_NAME"] == "data"
    assert "access-secret" not in str(pod_of(tuning_pod(tuning(input=url)))["volumes"])


def test_changed_configuration_makes_another_job_of_the_same_adapter() -> None:
    spec = Tuning.model_validate(tuning(config="mine"))
    one, two = job_revision(spec, CONFIG), job_revision(spec, CONFIG + " ")
    assert one != two and one.split("-")[0] == two.split("-")[0]


def test_changed_default_configuration_does_not_restart_a_run() -> None:
    spec = Tuning.model_validate(tuning())
    assert job_revision(spec, CONFIG) == job_revision(spec, CONFIG + " ")


def test_configuration_is_copied_into_its_own_config_map() -> None:
    made = tuning_job.config_map(OWNER, CONFIG)
    assert made["metadata"]["name"] == "ws-tuning-config"
    assert made["data"] == {"training_config.yaml": CONFIG}
    assert made["metadata"]["ownerReferences"][0]["uid"] == OWNER.uid


def test_model_pod_of_a_tuned_model() -> None:
    tuned = ServedAdapter(name="ws", image="r/a@sha256:1", pull_secrets=("push",))
    spec = model_pod(adapters=(tuned,), default_adapter="ws", max_model_len=4096)
    server, gateway = spec["containers"]
    env = env_of(server)
    assert (
        env.items()
        >= {
            "KAITO_MODEL_PATH": "/mnt/model",
            "KAITO_MODEL_NAME": PRESET,
            "KAITO_DEFAULT_ADAPTER": "ws",
            "KAITO_ADAPTER_STRENGTHS": '{"ws": 1.0}',
            "KAITO_MAX_MODEL_LEN": "4096",
        }.items()
    )
    assert mounts_of(server)["/mnt/adapters/ws"]["subPath"] == "data"
    assert mounts_of(server)["/mnt/model"]["subPath"] == "workspace/tfs/weights"
    assert env_of(gateway)["KAITO_BACKEND"] == "localhost:29500"
    assert spec["imagePullSecrets"] == [{"name": "push"}]


def test_probes_use_grpc_for_the_model_and_http_for_the_gateway() -> None:
    server, gateway = model_pod()["containers"]
    service = "kaito.inference.v1.InferenceService"
    assert server["startupProbe"]["grpc"] == {"port": 29500, "service": service}
    assert server["readinessProbe"]["grpc"]["service"] == service
    assert server["livenessProbe"]["grpc"]["service"] == ""
    patience = server["startupProbe"]["failureThreshold"] * server["startupProbe"]["periodSeconds"]
    assert patience >= 1800
    assert gateway["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": 5000}


def test_model_from_the_hub_gets_its_token() -> None:
    server = PODS["hub"]["containers"][0]
    (token,) = [e for e in server["env"] if e["name"] == "HF_TOKEN"]
    assert token["valueFrom"]["secretKeyRef"] == {"name": "hf", "key": "HF_TOKEN"}
    env = env_of(server)
    assert env["KAITO_HUB_ID"] == "microsoft/Phi-3-mini-128k-instruct"
    assert "HF_HUB_OFFLINE" not in env


def test_model_can_be_copied_from_its_image() -> None:
    (copy,) = PODS["init-copy"]["initContainers"]
    assert copy["image"] == "r/kaito-phi:1"
    assert copy["command"][-1] == "cp -R /workspace/tfs/weights/. /mnt/model/"


def test_pods_of_a_multi_node_model_know_their_number_and_leader() -> None:
    env = env_of(model_pod(nodes=3)["containers"][0])
    assert env["KAITO_NODES"] == "3"
    assert env["KAITO_LEADER"] == "ws-0.ws-headless.team.svc"


def test_only_the_trainer_gets_the_variables_of_trackers() -> None:
    spec = pod_of(tuning_pod(tuning(trackingSecret="track")))
    seen = {each["name"]: each.get("envFrom") for each in everything(spec)}
    assert seen == {
        "data-fetcher": None,
        "trainer": [{"secretRef": {"name": "track"}}],
        "pusher": None,
    }
    assert "envFrom" not in str(pod_of(tuning_pod()))
