"""Which engine serves a model, and which ones are refused."""

from typing import Any

import pytest

from kaito_kube.kinds import Manifest
from kaito_presets.sizing import Sizing
from tests.workspace_controller.given import (
    inference,
    inference_workspace,
    node,
    observation,
    own_node,
    resource,
    settings,
    stored,
)
from workspace_controller.observed import Observed, UserFile
from workspace_controller.plan.serving.engines.engine import engine, serving_engine
from workspace_controller.plan.sizing import sizing
from workspace_controller.plan.validation import problems
from workspace_controller.settings import EngineChoice

A100, V100 = "Standard_NC24ads_A100_v4", "Standard_NC6s_v3"
PRESET = "phi-3-mini-4k-instruct"
BYO = settings(node_provisioner="byo")


def of(runtime: str | None = None, name: str = PRESET, type_: str | None = A100) -> Manifest:
    annotations = {"kaito.sh/runtime": runtime} if runtime is not None else {}
    return inference_workspace(
        annotations=annotations,
        resource=resource(instanceType=type_),
        inference=inference(preset={"name": name}),
    )


def seen(manifest: Manifest, **changes: Any) -> Observed:
    return observation(stored(manifest), **changes)


def chosen(observed: Observed) -> str:
    assert observed.spec is not None
    return engine(observed, observed.spec).value


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (seen(of()), "vllm"),
        (seen(of("transformers")), "transformers"),
        (seen(of(), settings=settings(engine=EngineChoice.TRANSFORMERS)), "transformers"),
        (seen(of("vllm"), settings=settings(engine=EngineChoice.TRANSFORMERS)), "vllm"),
        # Volta is too old for CUDA 13.
        (seen(of(type_=V100)), "transformers"),
        (seen(of(type_=V100), settings=settings(engine=EngineChoice.VLLM)), "vllm"),
        (seen(of(type_=None), settings=BYO, nodes=(node("a", gpus=2),)), "vllm"),
        (seen(of(type_=None), settings=BYO, nodes=(node("a", gpus=0),)), "transformers"),
        (seen(of(type_=None), settings=BYO), "transformers"),
    ],
    ids=[
        "GPUs", "annotation", "release", "annotation over release", "old GPUs", "release vllm",
        "allocatable GPUs", "no allocatable GPUs", "no node yet",
    ],
)  # fmt: skip
def test_engine_of_a_workspace(observed: Observed, expected: str) -> None:
    assert chosen(observed) == expected


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        (
            seen(of("VLLM")),
            "'VLLM' is not an engine: set vllm or transformers, or remove the annotation",
        ),
        (
            seen(of("vllm", type_=V100)),
            "'vllm', but NVIDIA V100 has CUDA capability 7.0, and vLLM needs at least 7.5: set "
            "transformers, or remove the annotation",
        ),
        (
            seen(of("vllm", type_=None), settings=BYO, nodes=(node("a", gpus=0),)),
            "'vllm', but the nodes have no GPUs, and vLLM needs them: set transformers, or remove "
            "the annotation",
        ),
        (
            seen(of("transformers", name="qwen3-8b-awq")),
            "'transformers' cannot serve qwen3-8b-awq: set vllm, or remove the annotation",
        ),
    ],
    ids=["unknown", "old GPUs", "no GPUs", "preset"],
)
def test_an_engine_that_cannot_serve_is_refused(observed: Observed, message: str) -> None:
    found = [p for p in problems(observed) if "runtime" in p.field]
    assert [(p.reason.value, p.field, p.message) for p in found] == [
        ("WorkspaceInvalid", "metadata.annotations[kaito.sh/runtime]", message)
    ]


def test_nothing_is_refused_before_there_is_a_node_that_tells() -> None:
    observed = seen(of("vllm", type_=None), settings=BYO)
    assert not [p for p in problems(observed) if "runtime" in p.field]


def configured(text: str, **changes: Any) -> list[str]:
    file = UserFile("team", "mine", "inference_config.yaml", text)
    return [p.message for p in problems(seen(of(**changes), file=file))]


def test_options_of_vllm_are_checked_where_vllm_reads_them() -> None:
    text = "vllm: {gpu-memory-utilisation: 0.9}"
    (message,) = configured(text)
    assert message == (
        "inference_config.yaml of ConfigMap team/mine sets vllm.gpu-memory-utilisation, which is "
        "no option of vLLM 0.33.0: did you mean gpu-memory-utilization?"
    )
    assert configured(text, runtime="transformers") == []


def test_a_misspelled_section_is_named() -> None:
    (message,) = configured("vlm: {max-num-seqs: 8}")
    assert message.endswith("has the unknown key 'vlm': did you mean vllm?")


@pytest.mark.parametrize(
    ("sizes", "type_", "fits"),
    [
        ("tensor-parallel-size: 4", "Standard_NC96ads_A100_v4", True),
        ("tensor-parallel-size: 2", "Standard_NC96ads_A100_v4", True),
        ("tensor-parallel-size: 8", "Standard_NC96ads_A100_v4", False),
        ("tensor-parallel-size: 2, data-parallel-size: 2", "Standard_NC96ads_A100_v4", True),
        ("tensor-parallel-size: 2", A100, False),
    ],
)
def test_parallel_sizes_must_fit_the_gpus(sizes: str, type_: str, fits: bool) -> None:
    found = configured(f"vllm: {{{sizes}}}", type_=type_)
    assert (found == []) is fits
    if not fits:
        assert "sets parallel sizes for" in found[0] and "vllm.tensor-parallel-size" in found[0]


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        ({"initContainers": [{"name": "engine"}], "containers": [{"name": "model-server"}]},
         "vllm"),
        ({"initContainers": [{"name": "model-copy"}], "containers": [{"name": "model-server"}]},
         "transformers"),
        ({"containers": [{"name": "model-server"}]}, "transformers"),
        # KAITO's own, which an upgrade keeps.
        ({"containers": [{"name": "ws"}]}, None),
    ],
)  # fmt: skip
def test_the_status_names_the_engine_that_runs(pod: Manifest, expected: str | None) -> None:
    workload = {"metadata": {"name": "ws"}, "spec": {"template": {"spec": pod}}}
    observed = seen(of(), nodes=(own_node(),), deployment=workload)
    assert observed.spec is not None
    assert serving_engine(observed, observed.spec) == expected


@pytest.mark.parametrize(
    ("config", "nodes"),
    [
        ("", 2),
        ("vllm: {gpu-memory-utilization: 0.95}", 2),
        ("vllm: {gpu-memory-utilization: 0.4}", 3),
    ],
)
def test_a_smaller_share_of_memory_needs_more_nodes_and_a_larger_one_is_a_reserve(
    config: str, nodes: int
) -> None:
    file = UserFile("team", "mine", "inference_config.yaml", config)
    observed = seen(of(name="qwen2.5-coder-32b-instruct"), file=file)
    assert observed.spec is not None
    size = sizing(observed, observed.spec)
    assert isinstance(size, Sizing)
    assert size.nodes == nodes


def test_transformers_does_not_span_nodes() -> None:
    observed = seen(of("transformers", name="llama-3.3-70b-instruct"))
    (problem,) = [p for p in problems(observed) if p.reason == "InstanceTypeTooSmall"]
    assert (
        "the engine transformers serves from one node, and llama-3.3-70b-instruct needs more"
        in (problem.message)
    )
