"""The engine in the user's own pods is found by a port or by the annotation, or refused."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from kaito_api import labels
from kaito_kube.kinds import Manifest
from kaito_presets.sizing import Sizing
from tests.workspace_controller.given import (
    claim,
    inference_workspace,
    observation,
    own_node,
    pod,
    stored,
)
from workspace_controller.manifests.own_engine_pod import OWN_ENGINES, OwnEngine
from workspace_controller.observed import Observed, UserFile
from workspace_controller.plan.nodes.provisioning import decide_nodes
from workspace_controller.plan.plan import Apply
from workspace_controller.plan.serving.adapters.served import ready_condition
from workspace_controller.plan.serving.engines.own_engine import own_engine
from workspace_controller.plan.serving.workload import ServingPlan, decide_serving
from workspace_controller.plan.status.document import compute_status
from workspace_controller.plan.subplans import Subplans
from workspace_controller.plan.validation import problems


def container(name: str, *ports: Any, **more: Any) -> Manifest:
    declared = [{"name": n, "containerPort": p} if n else {"containerPort": p} for n, p in ports]
    return {"name": name, "image": "i", "ports": declared, **more}


def workspace(*containers: Any, runtime: str | None = None, **spec: Any) -> Manifest:
    annotations = {labels.RUNTIME: runtime} if runtime is not None else {}
    template = {"spec": {"containers": list(containers), **spec}}
    return inference_workspace(inference={"template": template}, annotations=annotations)


def seen(manifest: Manifest, **changes: Any) -> Observed:
    nodes = {"nodes": (own_node(),), "claims": (claim(0, Ready="True/Ready/"),)}
    return observation(stored(manifest), **{**nodes, **changes})


def decided(observed: Observed) -> ServingPlan:
    assert observed.spec is not None
    return decide_serving(observed, observed.spec, decide_nodes(observed, observed.spec, 1), None)


SGLANG = container("sglang", ("openai", 30000))
TGI = container("tgi", ("tgi", 8000))
WEB = container("web", ("http", 8080), ("", 9090))


@pytest.mark.parametrize(
    ("manifest", "engine"),
    [
        (workspace(SGLANG), OwnEngine("openai", "sglang", 30000)),
        (workspace(WEB, TGI), OwnEngine("text-generation-server", "tgi", 8000)),
        (workspace(WEB), None),
        (workspace(container("c")), None),
        (workspace("odd", {"name": "c", "ports": ["odd", {"containerPort": "x"}]}), None),
        # The annotation: the engine's port, or else that of HTTP, or else the first.
        (workspace(WEB, runtime="openai"), OwnEngine("openai", "web", 8080)),
        (
            workspace(container("c", ("", 1234)), runtime="text-generation-server"),
            OwnEngine("text-generation-server", "c", 1234),
        ),
        (workspace(WEB, SGLANG, runtime="openai"), OwnEngine("openai", "sglang", 30000)),
        # Those of presets have always been ignored here.
        (workspace(WEB, runtime="vllm"), None),
        (workspace(TGI, runtime="vllm"), OwnEngine("text-generation-server", "tgi", 8000)),
        # A server that is a sidecar already.
        (
            workspace(initContainers=[{**SGLANG, "restartPolicy": "Always"}]),
            OwnEngine("openai", "sglang", 30000),
        ),
        (workspace(initContainers=[SGLANG]), None),
        (inference_workspace(), None),
    ],
)
def test_the_engine_is_found(manifest: Manifest, engine: OwnEngine | None) -> None:
    assert own_engine(seen(manifest)) == engine


def test_the_servers_name_of_its_model_reaches_the_model_server() -> None:
    named = workspace(SGLANG)
    named["metadata"]["annotations"][labels.ENGINE_MODEL] = "/models/own"
    assert own_engine(seen(named)) == OwnEngine("openai", "sglang", 30000, "/models/own")
    assert model_server_variables(named)["KAITO_ENGINE_MODEL"] == "/models/own"
    assert "KAITO_ENGINE_MODEL" not in model_server_variables(workspace(SGLANG))


def model_server_variables(manifest: Manifest) -> dict[str, str]:
    containers = applied(seen(manifest))["spec"]["template"]["spec"]["containers"]
    (server,) = [each for each in containers if each["name"] == "model-server"]
    return {each["name"]: each["value"] for each in server["env"]}


@pytest.mark.parametrize("name", OWN_ENGINES)
def test_the_annotation_may_name_each_of_them(name: str) -> None:
    assert own_engine(seen(workspace(WEB, runtime=name))) == OwnEngine(name, "web", 8080)


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        (
            workspace(WEB, runtime="open-ai"),
            "metadata.annotations[kaito.sh/runtime]: 'open-ai' is not an engine: set openai or "
            "text-generation-server, or remove the annotation",
        ),
        (
            workspace(container("c"), runtime="text-generation-server"),
            "inference.template.spec.containers: no containerPort, and "
            "metadata.annotations[kaito.sh/runtime] is 'text-generation-server': declare the port "
            "that the server listens on, with the name tgi",
        ),
        (
            workspace(container("c", ("openai", 5000)), runtime="openai"),
            "inference.template.spec.containers: container 'c' has the containerPort 5000, on "
            "which inference-gateway listens beside it: let the server listen on another port",
        ),
        (
            workspace(container("model-server", ("openai", 8000)), runtime="openai"),
            "inference.template.spec.containers: 'model-server' is the name of a container that is "
            "added: use another",
        ),
        (
            workspace(SGLANG, container("model-server"), runtime="openai"),
            "inference.template.spec.containers: 'model-server' is the name of a container that is "
            "added: use another",
        ),
        (
            workspace(SGLANG, runtime="openai", initContainers=[container("inference-gateway")]),
            "inference.template.spec.containers: 'inference-gateway' is the name of a container "
            "that is added: use another",
        ),
        (
            workspace(SGLANG, runtime="openai", volumes=[{"name": "kaito-tmp", "emptyDir": {}}]),
            "inference.template.spec.volumes: 'kaito-tmp' is the name of a volume that is added: "
            "use another",
        ),
        (
            inference_workspace(annotations={labels.RUNTIME: "openai"}),
            "metadata.annotations[kaito.sh/runtime]: 'openai' serves the pods of an "
            "inference.template, and not a preset: set vllm or transformers, or remove the "
            "annotation",
        ),
    ],
)
def test_what_cannot_be_served_is_refused(manifest: Manifest, problem: str) -> None:
    assert [str(found) for found in problems(seen(manifest))] == [problem]


@pytest.mark.parametrize(
    "manifest", [workspace(SGLANG), workspace(WEB), workspace(WEB, runtime="vllm")]
)
def test_what_can_be_served_is_taken(manifest: Manifest) -> None:
    assert not problems(seen(manifest))


@pytest.mark.parametrize(
    ("manifest", "note"),
    [
        (
            workspace(container("c", ("openai", 5000))),
            "container 'c' has the containerPort 5000, on which inference-gateway listens",
        ),
        (workspace(SGLANG, container("model-server")), "'model-server' is the name of a container"),
        (workspace(SGLANG, volumes=[{"name": "kaito-tmp"}]), "'kaito-tmp' is the name of a volume"),
    ],
)
def test_pods_of_before_that_happen_to_have_such_a_port_are_served_as_they_are(
    manifest: Manifest, note: str
) -> None:
    observed = seen(manifest)
    assert not problems(observed)
    assert own_engine(observed) is None
    given = manifest["inference"]["template"]["spec"]["containers"]
    assert applied(observed)["spec"]["template"]["spec"]["containers"] == given
    condition = ready_condition(observed)
    assert condition.is_true
    start = "the model answers requests; model-server and inference-gateway are not put beside it: "
    assert condition.message.startswith(start + note)


def test_the_documented_example_is_taken() -> None:
    page = Path("docs/serving.md").read_text(encoding="utf-8")
    (text,) = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.S) if "zephyr" in block]
    manifest = yaml.safe_load(text)
    manifest["metadata"]["namespace"] = "team"
    observed = seen(manifest)
    assert not problems(observed)
    assert own_engine(observed) == OwnEngine("text-generation-server", "tgi", 8000)


def applied(observed: Observed) -> Manifest:
    (action,) = decided(observed).actions
    assert isinstance(action, Apply)
    return action.manifest


def test_the_workload_has_the_model_server_and_the_gateway_beside_the_engine() -> None:
    file = UserFile("team", "mine", "inference_config.yaml", "vllm: {max-model-len: 4096}")
    spec = applied(seen(workspace(SGLANG), file=file))["spec"]["template"]["spec"]
    assert [each["name"] for each in spec["containers"]] == ["model-server", "inference-gateway"]
    assert [each["name"] for each in spec["initContainers"]] == ["sglang"]
    assert {"name": "KAITO_MAX_MODEL_LEN", "value": "4096"} in spec["containers"][0]["env"]
    assert spec["affinity"] and spec["tolerations"]


def test_pods_that_are_no_engine_stay_as_they_are() -> None:
    spec = applied(seen(workspace(WEB)))["spec"]["template"]["spec"]
    assert [each["name"] for each in spec["containers"]] == ["web"]
    assert "initContainers" not in spec


def runs(*names: str) -> tuple[Manifest, ...]:
    running = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    sidecars = [{"name": n, "state": running} for n in names if n == "sglang"]
    others = [{"name": n, "state": running} for n in names if n != "sglang"]
    return (pod("inference", initContainerStatuses=sidecars, containerStatuses=others),)


@pytest.mark.parametrize(
    ("ready", "pods", "expected"),
    [
        (0, (), "False/InferencePending: starting the pods of inference.template"),
        (0, runs("sglang"),
         "False/ModelLoading: container sglang starts; its log shows the progress"),
        (0, runs("sglang", "model-server"),
         "False/ModelLoading: model-server waits for the openai server in container sglang, on "
         "port 30000; the logs of both show the progress"),
        (1, runs("sglang", "model-server"), "True/InferenceReady: the model answers requests"),
    ],
)  # fmt: skip
def test_the_condition_says_how_far_the_engine_is(
    ready: int, pods: tuple[Manifest, ...], expected: str
) -> None:
    made = applied(seen(workspace(SGLANG)))
    status = {"observedGeneration": 1, "readyReplicas": ready, "updatedReplicas": 1}
    workload = {**made, "metadata": {**made["metadata"], "generation": 1}, "status": status}
    condition = decided(seen(workspace(SGLANG), deployment=workload, pods=pods)).condition
    assert f"{condition.status}/{condition.reason}: {condition.message}" == expected


def test_the_status_names_the_engine() -> None:
    observed = seen(workspace(TGI))
    assert observed.spec is not None
    nodes = decide_nodes(observed, observed.spec, 1)
    status = compute_status(observed, Subplans(Sizing(1), nodes, None, None, decided(observed)))
    assert status["engine"] == "text-generation-server"
