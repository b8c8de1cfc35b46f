"""The page of KAITO's own examples: which of them are taken, and what serves them.

Only their facts are here: preset, instance type, number of nodes and configuration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kaito_kube.kinds import WORKSPACE, Manifest
from kaito_presets.sizing import Sizing
from tools.docgen.markdown import code, page, prose, table
from workspace_controller.catalog_facts import catalog_facts
from workspace_controller.observed import Observed, UserFile
from workspace_controller.plan.serving.engines.engine import engine
from workspace_controller.plan.sizing import sizing
from workspace_controller.plan.spec import parse_spec
from workspace_controller.plan.validation import problems
from workspace_controller.settings import NodeProvisioner, PodSettings, Settings

A10, A100, TWO_A100, FOUR_A100 = (
    "Standard_NV36ads_A10_v5",
    "Standard_NC24ads_A100_v4",
    "Standard_NC48ads_A100_v4",
    "Standard_NC96ads_A100_v4",
)
TWO_H100, TWO_V100, FOUR_V100 = (
    "Standard_NC80adis_H100_v5",
    "Standard_NC12s_v3",
    "Standard_NC24s_v3",
)
_TRANSFORMERS = {"kaito.sh/runtime": "transformers"}
# The example has no node of its own; these are the GPUs that KAITO's page about it has.
_EIGHT_A100: Manifest = {
    "metadata": {
        "name": "own",
        "labels": {
            "nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB",
            "nvidia.com/gpu.count": "8",
            "nvidia.com/gpu.memory": "81920",
        },
    },
    "status": {"allocatable": {"nvidia.com/gpu": "8"}},
}
_IMAGE = PodSettings(image="image")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """`instance_type` is None where the example brings its own nodes."""

    file: str
    preset: str
    instance_type: str | None = A100
    count: int = 1
    tuning: bool = False
    token: bool = False
    annotations: Mapping[str, str] = field(default_factory=dict)
    partition: Mapping[str, Any] | None = None
    config: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`problem` is empty for an example that is taken."""

    engine: str
    nodes: int
    problem: str = ""


_INFERENCE = "inference/kaito_workspace_"
_ARC = "inference/arc-examples/kaito_workspace_"
_AZURE_LINUX = "inference/azure-linux-kaito-workspaces.yaml"
_LLAMA_CONFIG = """
vllm: {cpu-offload-gb: 0, gpu-memory-utilization: 0.95, swap-space: 4, max-model-len: 16384}
"""
EXAMPLES = (
    Example(file=f"{_INFERENCE}gemma_4_12b_instruct.yaml", preset="google/gemma-4-12B-it",
            instance_type=TWO_H100, token=True),
    Example(file=f"{_INFERENCE}gpt_oss_120b.yaml", preset="gpt-oss-120b",
            annotations=_TRANSFORMERS),
    Example(file=f"{_INFERENCE}gpt_oss_20b.yaml", preset="gpt-oss-20b",
            annotations=_TRANSFORMERS),
    Example(file="KAITO's page about gpt-oss", preset="gpt-oss-20b", instance_type=A10),
    Example(file=f"{_INFERENCE}llama-3.1_8b_instruct.yaml",
            preset="meta-llama/Llama-3.1-8B-Instruct", instance_type=FOUR_A100, token=True),
    Example(file=f"{_INFERENCE}llama-3.3_70b_instruct.yaml",
            preset="meta-llama/Llama-3.3-70B-Instruct", instance_type=TWO_A100, count=2,
            token=True, config=_LLAMA_CONFIG),
    Example(file="KAITO's page about DeepSeek R1", preset="deepseek-r1-0528",
            instance_type=TWO_H100, count=6),
    Example(file=f"{_INFERENCE}mistral-3-3b-instruct-2512.yaml",
            preset="mistralai/Ministral-3-3B-Instruct-2512", instance_type=TWO_H100),
    Example(file=f"{_INFERENCE}mistral-medium-3.5.yaml",
            preset="mistralai/Mistral-Small-4-119B-2603", token=True),
    Example(file=f"{_INFERENCE}phi_3.5-instruct.yaml", preset="microsoft/Phi-3.5-mini-instruct"),
    Example(file=f"{_INFERENCE}phi_3_medium_128k.yaml",
            preset="microsoft/Phi-3-medium-128k-instruct"),
    Example(file=f"{_INFERENCE}phi_3_medium_4k.yaml",
            preset="microsoft/Phi-3-medium-4k-instruct"),
    Example(file=f"{_INFERENCE}phi_3_mini_128k.yaml",
            preset="microsoft/Phi-3-mini-128k-instruct"),
    Example(file=f"{_INFERENCE}phi_3_mini_4k.yaml", preset="microsoft/Phi-3-mini-4k-instruct"),
    Example(file=f"{_INFERENCE}qwen_2.5_coder_32b-instruct.yaml",
            preset="Qwen/Qwen2.5-Coder-32B-Instruct"),
    Example(file=f"{_INFERENCE}qwen_2.5_coder_7b-instruct.yaml",
            preset="Qwen/Qwen2.5-Coder-7B-Instruct"),
    Example(file=f"{_INFERENCE}accelerator.yaml", preset="llama-3.1-8b-instruct",
            instance_type=None, token=True, partition={"mode": "accelerator", "count": 2}),
    Example(file=f"{_INFERENCE}deepseek_v4_flash_node_image.yaml",
            preset="deepseek-ai/DeepSeek-V4-Flash", instance_type=None),
    Example(file=_AZURE_LINUX, preset="phi-2", instance_type=TWO_V100),
    Example(file=_AZURE_LINUX, preset="falcon-7b", instance_type=FOUR_V100),
    Example(file=_AZURE_LINUX, preset="llama-3.1-8b-instruct", count=2, token=True),
    Example(file="inference/kaito_inferenceset_llama-3.1_8b_instruct.yaml",
            preset="llama-3.1-8b-instruct", token=True),
    Example(file="inference/kaito_inferenceset_mistral_7b-instruct.yaml",
            preset="mistralai/Mistral-7B-Instruct-v0.3"),
    Example(file="inference/kaito_multiroleinference_phi4_4.yaml", preset="phi-4-mini-instruct"),
    Example(file=f"{_ARC}deepseek_r1_distill_llama_8b.yaml",
            preset="deepseek-r1-distill-llama-8b", instance_type="Standard_NC16_A2"),
    Example(file=f"{_ARC}deepseek_r1_distill_qwen_14b.yaml",
            preset="deepseek-r1-distill-qwen-14b", instance_type="Standard_NC16_A2"),
    Example(file=f"{_ARC}phi_2.yaml", preset="phi-2", instance_type="Standard_NK6"),
    Example(file=f"{_ARC}phi_3_with_adapters.yaml", preset="phi-3-mini-128k-instruct",
            instance_type="Standard_NC4_A2"),
    Example(file=f"{_ARC}phi_3_mini_4k.yaml", preset="microsoft/Phi-3-mini-4k-instruct",
            instance_type="<your-vm-sku>"),
    Example(file="fine-tuning/kaito_workspace_tuning_falcon_7b_oai.yaml", preset="falcon-7b",
            instance_type=TWO_V100, tuning=True),
)  # fmt: skip


def verdict(example: Example) -> Verdict:
    """What the controller decides about an example, in a release as it is installed."""
    observed = _observed(example)
    spec = observed.spec
    assert spec is not None, observed.spec_problem
    found, size = problems(observed), sizing(observed, spec)
    if not found and observed.preset is None:
        return Verdict("as its files on the hub say", 0)
    if found or not isinstance(size, Sizing):
        return Verdict("", 0, "; ".join(map(str, found)))
    return Verdict(engine(observed, spec).value, size.nodes)


def _observed(example: Example) -> Observed:
    byo = example.instance_type is None
    settings = Settings(
        node_provisioner=NodeProvisioner.BYO if byo else NodeProvisioner.MACHINE,
        tuner=_IMAGE,
        model_server=_IMAGE,
        gateway=_IMAGE,
    )
    manifest = _manifest(example)
    spec, problem = parse_spec(manifest)
    nodes = (_EIGHT_A100,) if byo else ()
    text = _TRAINING if example.tuning else example.config
    key = "training_config.yaml" if example.tuning else "inference_config.yaml"
    return Observed(
        workspace=manifest,
        settings=settings,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        spec=spec,
        spec_problem=problem,
        nodes=nodes,
        file=UserFile("default", "config", key, text) if text else None,
        **catalog_facts(spec, settings, nodes),
    )


_TRAINING = "training_config: {QuantizationConfig: {load_in_4bit: true}}"


def _manifest(example: Example) -> Manifest:
    options = {"presetOptions": {"modelAccessSecret": "hf"}} if example.token else {}
    preset = {"name": example.preset, **options}
    resource: Manifest = {
        "count": example.count,
        "labelSelector": {"matchLabels": {"apps": "example"}},
    }
    if example.instance_type is not None:
        resource["instanceType"] = example.instance_type
    if example.partition is not None:
        resource["partition"] = dict(example.partition)
    inference: Manifest = {"preset": preset, **({"config": "c"} if example.config else {})}
    tuning: Manifest = {
        "preset": preset,
        "method": "qlora",
        "input": {"urls": ["https://data.example/train.parquet"]},
        "output": {"image": "registry.example/adapter:1", "imagePushSecret": "push"},
    }
    return {
        "apiVersion": WORKSPACE.api_version,
        "kind": WORKSPACE.kind,
        "metadata": {
            "namespace": "default",
            "name": "example",
            "uid": "uid",
            "annotations": dict(example.annotations),
        },
        "resource": resource,
        **({"tuning": tuning} if example.tuning else {"inference": inference}),
    }


_INTRODUCTION = prose(
    "What this release does with the example manifests that KAITO publishes, by their presets, "
    "instance types and configurations. *Count* is `resource.count` of the example; the estimate "
    "decides how many nodes a preset gets. The rows of InferenceSets and MultiRoleInferences are "
    "about the Workspaces that they create; MultiRoleInference is no kind of this release. "
    "A model of the hub that is no preset is looked up there, before a node is requested. "
    "Examples without an instance type bring their own nodes, here with eight A100."
)


def text() -> str:
    return page(
        "KAITO's examples",
        _INTRODUCTION,
        table(
            ("Example", "Preset", "Instance type", "Count", "Engine", "Nodes", "Refused because"),
            map(_row, EXAMPLES),
        ),
    )


def _row(example: Example) -> tuple[str, ...]:
    found = verdict(example)
    return (
        example.file,
        code(example.preset),
        code(example.instance_type or ""),
        str(example.count),
        found.engine,
        str(found.nodes or ""),
        found.problem,
    )
