"""How many processes of a node share a training, and where the user sees it."""

from typing import Any

import pytest

from kaito_api import labels
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import (
    claim,
    node,
    own_node,
    resource,
    settings,
    tuning,
    tuning_workspace,
)
from tests.workspace_controller.plan.tuning.test_run import CURRENT, TRAINS, decided, seen
from workspace_controller.manifests.spread import Spread, spread_of
from workspace_controller.manifests.tuning_job import job
from workspace_controller.observed import Observed, TuningRun, UserFile
from workspace_controller.plan.decide import decide
from workspace_controller.plan.tuning.pod import tuning_pod

ONE, FOUR, SMALL = "Standard_NC24ads_A100_v4", "Standard_NC96ads_A100_v4", "Standard_NC24s_v3"
FALCON: dict[str, Any] = {"preset": {"name": "falcon-40b"}, "method": "lora"}
PISSA = "training_config:\n  LoraConfig: {init_lora_weights: pissa}\n"
PARTITION = {"mode": "accelerator", "count": 2}


def on(instance: str | None, *, config: str = "", **changes: Any) -> Observed:
    """A Workspace that tunes on that instance type, with the text of its configuration."""
    partition = changes.pop("partition", None)
    parts = {"instanceType": instance, **({"partition": partition} if partition else {})}
    spec = tuning(**changes)
    has = {"nodes": (own_node(gpus=4),), "claims": (claim(0, Ready="True/Ready/"),)}
    file = UserFile("n", "c", "training_config.yaml", config or "training_config: {}")
    return seen(tuning_workspace(resource=resource(**parts), tuning=spec), file=file, **has)


def made(observed: Observed) -> Manifest:
    assert observed.spec is not None and observed.spec.tuning is not None
    pod = tuning_pod(observed, observed.spec, observed.spec.tuning)
    assert pod is not None
    return job(pod)


def with_job(observed: Observed, processes: int) -> Observed:
    running: Manifest = {
        **made(observed),
        "status": {},
    }
    running["metadata"] |= {"uid": "job-1"}
    assert spread_of(running).processes == processes
    return seen(observed.workspace, file=observed.file, job=running, pods=(TRAINS,))


QLORA_CONFIG = "training_config:\n  QuantizationConfig: {load_in_4bit: true}\n"
DPO: dict[str, Any] = {"preset": {"name": "phi-3-medium-4k-instruct"}, "method": "dpo"}
SPREADS = {
    # Of 16 GiB each, where the weights in 16 bits need 33.
    "pairs of answers on a quantized model": (on(SMALL, config=QLORA_CONFIG, **DPO), 4),
    "pairs of answers on weights in 16 bits": (on(SMALL, **DPO), 1),
    "pairs of answers on larger GPUs": (on(FOUR, **DPO), 4),
    "one GPU": (on(ONE, method="lora"), 1),
    "a copy on each": (on(FOUR, method="lora"), 4),
    "a quantized copy on each": (on(FOUR, method="qlora", config=QLORA_CONFIG), 4),
    "half of the node": (on(FOUR, method="lora", partition=PARTITION), 2),
    "a model that none has room for": (on(FOUR, **FALCON), 1),
    "the same model with QLoRA": (
        on(FOUR, preset={"name": "falcon-40b"}, method="qlora", config=QLORA_CONFIG),
        4,
    ),
    "less memory than a copy takes": (
        on(SMALL, method="lora", preset={"name": "phi-4"}),
        1,
    ),
    "a start that is computed once": (on(FOUR, method="lora", config=PISSA), 1),
}


@pytest.mark.parametrize(("observed", "processes"), SPREADS.values(), ids=SPREADS)
def test_each_gpu_with_room_for_the_model_trains(observed: Observed, processes: int) -> None:
    assert spread_of(made(observed)) == Spread(processes=processes)


def test_gpus_that_nothing_describes_hold_the_model_together() -> None:
    given = settings(node_provisioner="byo")
    manifest = tuning_workspace(resource=resource(instanceType=None))
    observed = seen(manifest, settings=given, nodes=(node("mine", gpus=4),), claims=())
    assert spread_of(made(observed)).processes == 1


def test_the_job_of_one_gpu_says_nothing_of_processes() -> None:
    assert "KAITO_PROCESSES" not in str(made(on(ONE, method="lora")))


def test_the_run_that_is_there_keeps_its_processes() -> None:
    """An upgrade, or labels of the node that change, must not restart it."""
    observed = on(FOUR, method="qlora", config=QLORA_CONFIG)
    running = made(on(ONE, method="qlora", config=QLORA_CONFIG))
    running["metadata"] |= {"uid": "job-1", "annotations": {labels.REVISION: CURRENT}}
    plan = decided(seen(observed.workspace, job=running, pods=(TRAINS,)))
    assert plan.actions == ()


def test_status_and_condition_say_how_many_gpus_train() -> None:
    run = TuningRun(state="RUNNING", step=10, total_steps=100)
    observed = with_job(on(FOUR, method="lora"), 4)
    observed = seen(
        observed.workspace, file=observed.file, job=observed.job, pods=(TRAINS,), run=run
    )
    plan = decide(observed)
    assert plan.status is not None
    assert plan.status["tuning"]["processes"] == 4
    (condition,) = [c for c in plan.status["conditions"] if c["type"] == "TuningSucceeded"]
    assert condition["message"].startswith("training on 4 GPUs: step 10/100 (10%)")


def test_one_gpu_is_not_worth_a_word() -> None:
    run = TuningRun(state="RUNNING", step=10, total_steps=100)
    observed = with_job(on(ONE, method="lora"), 1)
    plan = decide(
        seen(observed.workspace, file=observed.file, job=observed.job, pods=(TRAINS,), run=run)
    )
    assert plan.status is not None and "processes" not in plan.status["tuning"]
    (condition,) = [c for c in plan.status["conditions"] if c["type"] == "TuningSucceeded"]
    assert condition["message"].startswith("training: step 10/100 (10%)")


@pytest.mark.parametrize(
    ("observed", "words"),
    [
        (
            on(FOUR, method="lora"),
            "; 4 processes train, each with the whole model (16 GiB) on its own GPU",
        ),
        (
            on(FOUR, **FALCON),
            "; one process trains, with the model spread over the GPUs, because the whole model "
            "takes 90 GiB of a GPU",
        ),
        (on(ONE, method="lora"), "the node has 1x NVIDIA A100 80 GiB"),
    ],
)
def test_the_estimate_says_what_each_gpu_holds(observed: Observed, words: str) -> None:
    plan = decide(observed)
    assert plan.status is not None
    assert plan.status["estimate"]["explanation"].endswith(words)


def test_the_revision_of_a_run_does_not_depend_on_its_processes() -> None:
    one, four = made(on(ONE, method="lora")), made(on(FOUR, method="lora"))
    assert one["metadata"]["annotations"] == four["metadata"]["annotations"]
