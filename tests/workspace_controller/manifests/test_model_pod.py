"""The pod that serves a model: its settings, probes and model files."""

import json

from kaito_presets import catalog
from kaito_presets.preset import Runtime
from tests.workspace_controller.given import OWNER, PRESET, settings
from tests.workspace_controller.manifests.pod_builders import (
    PODS,
    env_of,
    model_pod,
    mounts_of,
    source,
)
from workspace_controller.manifests.administration import token, token_sha256
from workspace_controller.manifests.model_pod import ServedAdapter
from workspace_controller.settings import ModelDelivery


def test_a_model_pods_times_follow_from_one_grace_period() -> None:
    spec = model_pod(settings=settings(termination_grace_period_seconds=100))
    server, gateway = spec["containers"]
    assert spec["terminationGracePeriodSeconds"] == 100
    assert env_of(server)["KAITO_DRAIN_SECONDS"] == "90"
    assert env_of(gateway)["KAITO_SHUTDOWN_TIMEOUT_SECONDS"] == "90"
    assert server["lifecycle"] == {"preStop": {"sleep": {"seconds": 7}}}
    assert gateway["lifecycle"] == {"preStop": {"sleep": {"seconds": 3}}}


def test_a_model_pod_gets_the_digest_of_its_token_and_never_the_key() -> None:
    spec = model_pod(settings=settings(administration_key="s3cret"))
    env = env_of(spec["containers"][0])
    assert env["KAITO_ADMINISTRATION_TOKEN_SHA256"] == token_sha256("s3cret", OWNER)
    assert "s3cret" not in json.dumps(spec)
    assert token("s3cret", OWNER) not in json.dumps(spec)
    without_key = env_of(model_pod()["containers"][0])
    assert "KAITO_ADMINISTRATION_TOKEN_SHA256" not in without_key


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


def test_model_pod_that_pulls_adapters_has_a_folder_for_them_and_no_secret() -> None:
    spec = model_pod(pulls_adapters=True)
    server, gateway = spec["containers"]
    folder = env_of(server)["KAITO_PULLED_ADAPTERS_DIR"]
    assert env_of(server)["KAITO_PULLED_ADAPTERS_WAIT_SECONDS"] == "60"
    assert mounts_of(server)[folder]["name"] == "pulled-adapters"
    assert folder not in mounts_of(gateway)
    assert {"name": "pulled-adapters", "emptyDir": {}} in spec["volumes"]
    assert "imagePullSecrets" not in spec


def test_vllm_reads_copies_of_adapters_where_one_pod_has_them_all() -> None:
    adapter = ServedAdapter(name="style", image="r/a@sha256:1")
    vllm = {"engine": Runtime.VLLM, "vllm_arguments": ("/mnt/model",)}
    for pod in (
        model_pod(**vllm, adapters=(adapter,)),
        model_pod(**vllm, pulls_adapters=True),
    ):
        (engine,), (server, _) = pod["initContainers"], pod["containers"]
        copies = env_of(server)["KAITO_ENGINE_ADAPTERS_DIR"]
        assert copies in mounts_of(engine)
        # Only model-server sees what is pulled.
        assert "/var/run/kaito/pulled-adapters" not in mounts_of(engine)
    several = model_pod(**vllm, adapters=(adapter,), nodes=2)
    assert "KAITO_ENGINE_ADAPTERS_DIR" not in env_of(several["containers"][0])
    assert "/mnt/adapters/style" in mounts_of(several["initContainers"][0])


def test_probes_use_grpc_for_the_model_and_http_for_the_gateway() -> None:
    server, gateway = model_pod()["containers"]
    service = "kaito.inference.v1.InferenceService"
    assert server["startupProbe"]["grpc"] == {"port": 29500, "service": service}
    assert server["readinessProbe"]["grpc"]["service"] == service
    assert server["livenessProbe"]["grpc"]["service"] == ""
    patience = server["startupProbe"]["failureThreshold"] * server["startupProbe"]["periodSeconds"]
    assert patience >= 1800
    assert gateway["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": 5000}


def test_only_the_download_of_a_model_gets_the_token_of_the_hub() -> None:
    (download,) = PODS["hub"]["initContainers"]
    (token,) = [e for e in download["env"] if e["name"] == "HF_TOKEN"]
    assert token["valueFrom"]["secretKeyRef"] == {"name": "hf", "key": "HF_TOKEN"}
    env = env_of(download)
    assert env["KAITO_HUB_ID"] == "microsoft/Phi-3-mini-128k-instruct"
    assert "HF_HUB_OFFLINE" not in env
    assert mounts_of(download)["/mnt/model"].get("readOnly") is None
    for container in PODS["hub"]["containers"]:
        assert "HF_TOKEN" not in env_of(container)
    server = PODS["hub"]["containers"][0]
    assert env_of(server)["HF_HUB_OFFLINE"] == "1"
    assert mounts_of(server)["/mnt/model"]["readOnly"] is True


def test_a_download_leaves_the_other_format_of_the_weights_out() -> None:
    def ignored(name: str) -> list[str]:
        preset = catalog.load().find(name)
        assert preset is not None
        spec = model_pod(model=source(delivery=ModelDelivery.HUB, preset=preset))
        patterns: list[str] = json.loads(env_of(spec["initContainers"][0])["KAITO_HUB_IGNORE"])
        return patterns

    assert "consolidated*" in ignored("llama-3.1-8b-instruct")
    assert "model*.safetensors" in ignored("mistral-7b-instruct-v0.3")
    assert "consolidated*" not in ignored("mistral-7b-instruct-v0.3")


def test_model_can_be_copied_from_its_image() -> None:
    (copy,) = PODS["init-copy"]["initContainers"]
    assert copy["image"] == "r/kaito-phi:1"
    copies = "cp -R /workspace/tfs/weights/. /mnt/model/ & wait $!"
    assert copy["command"][-1] == f"trap 'exit 143' TERM; {copies}"


def test_pods_of_a_multi_node_model_know_their_number_and_leader() -> None:
    spec = model_pod(nodes=3, engine=Runtime.VLLM, vllm_arguments=("/mnt/model", "--port=8000"))
    for container in (spec["initContainers"][0], spec["containers"][0]):
        env = env_of(container)
        assert env["KAITO_NODES"] == "3"
        assert env["KAITO_LEADER"] == "ws-0.ws-headless.team.svc"
        (rank,) = [e for e in container["env"] if e["name"] == "KAITO_NODE_RANK"]
        path = rank["valueFrom"]["fieldRef"]["fieldPath"]
        assert path == "metadata.labels['apps.kubernetes.io/pod-index']"
