"""What differs between two configurations of a workload, in words."""

from typing import Any

import pytest

from kaito_kube.kinds import Manifest
from workspace_controller.manifests.controller_revision import Revision
from workspace_controller.plan.serving.updates.changes import describe_change


def revision(**changes: Any) -> Revision:
    """A workload with vLLM; `changes` are parts of its pod."""
    engine = {
        "name": "engine",
        "image": "vllm:1",
        "args": ["serve", "--max-model-len=4096", "--enable-lora", *changes.get("args", ())],
        **changes.get("engine", {}),
    }
    mounts = [
        {"name": f"adapter-{index}", "mountPath": f"/mnt/adapters/{name}"}
        for index, name in enumerate(changes.get("adapters", {}))
    ]
    server = {
        "name": "model-server",
        "image": "model-server:1",
        "env": [{"name": k, "value": v} for k, v in changes.get("env", {}).items()],
        "volumeMounts": mounts,
        **changes.get("server", {}),
    }
    volumes: list[Manifest] = [{"name": "model", "image": {"reference": "kaito-phi:1"}}]
    volumes += changes.get("volumes", [])
    volumes += [
        {"name": f"adapter-{index}", "image": {"reference": image}}
        for index, image in enumerate(changes.get("adapters", {}).values())
    ]
    by_name = {volume["name"]: volume for volume in volumes}
    pod = {
        "initContainers": [engine] if changes.get("vllm", True) else [],
        "containers": [server],
        "volumes": [*by_name.values()],
        **changes.get("pod", {}),
    }
    spec = {"replicas": changes.get("replicas", 1), "template": {"spec": pod}}
    return Revision(number=1, name="ws-1", kind="Deployment", spec=spec)


STYLE = {"adapters": {"style": "style:1"}}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "image": ({}, {"engine": {"image": "vllm:2"}}, "image of engine: vllm:1 → vllm:2"),
    "preset revision": (
        {},
        {"volumes": [{"name": "model", "image": {"reference": "kaito-phi:2"}}]},
        "model: kaito-phi:1 → kaito-phi:2",
    ),
    "delivery": (
        {},
        {"volumes": [{"name": "model", "emptyDir": {}}]},
        "model: kaito-phi:1 → emptyDir",
    ),
    "engine argument": (
        {},
        {"engine": {"args": ["serve", "--max-model-len=8192", "--enable-lora"]}},
        "engine arguments: --max-model-len 4096 → 8192",
    ),
    "engine argument new": (
        {},
        {"args": ["--lora-modules", "a=1", "b=2", "--seed=1"]},
        "engine arguments: + --lora-modules a=1 b=2, + --seed 1",
    ),
    "engine argument gone": ({"args": ["--seed=1"]}, {}, "engine arguments: - --seed 1"),
    "adapter": ({}, STYLE, "adapters: + style"),
    "adapter gone": (STYLE, {}, "adapters: - style"),
    "adapter changed": (
        STYLE,
        {"adapters": {"style": "style:2"}},
        "adapter style: style:1 → style:2",
    ),
    "config": (
        {},
        {"env": {"KAITO_MAX_MODEL_LEN": "2048"}},
        "max-model-len: none → 2048",
    ),
    "secret of a user": (
        {"env": {"TOKEN": "hunter2"}},
        {"env": {"TOKEN": "hunter3", "MORE": "x"}},
        "environment of model-server: MORE, TOKEN",
    ),
    "engine": ({}, {"vllm": False}, "container engine is gone"),
    "resources": (
        {},
        {"server": {"resources": {"limits": {"cpu": "1"}}}},
        "resources of model-server",
    ),
    "nodes": ({}, {"replicas": 2}, "pods: 1 → 2"),
    "anything else": ({}, {"pod": {"hostNetwork": True}}, "other fields of the pod"),
}


@pytest.mark.parametrize(("before", "now", "expected"), CASES.values(), ids=CASES)
def test_change_is_described(before: dict[str, Any], now: dict[str, Any], expected: str) -> None:
    assert describe_change(revision(**before), revision(**now)) == expected


def test_several_changes_are_joined() -> None:
    text = describe_change(revision(), revision(engine={"image": "vllm:2"}, **STYLE))
    assert text == "adapters: + style; image of engine: vllm:1 → vllm:2"


def test_a_long_change_is_cut() -> None:
    many = {name * 30: "image:1" for name in "abcdefghijklmnopqrstuvwxyz"}
    text = describe_change(revision(), revision(adapters=many))
    assert len(text) == 500 and text.endswith("…")


@pytest.mark.parametrize("spec", [{}, {"template": {"spec": "text"}}])
def test_a_record_that_somebody_damaged_is_no_error(spec: Manifest) -> None:
    damaged = Revision(number=1, name="ws-1", kind="Deployment", spec=spec)
    assert "container engine is new" in describe_change(damaged, revision())
