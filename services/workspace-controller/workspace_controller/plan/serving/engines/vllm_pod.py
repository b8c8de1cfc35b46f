"""The command line of vLLM in the pods of a Workspace, and whether it fits their GPUs."""

from kaito_api.workspace import WorkspaceSpec
from kaito_presets.sizing import SizingFailure
from workspace_controller.manifests.pods import MODEL_PATH
from workspace_controller.observed import Observed
from workspace_controller.plan.placement import gpu_count, gpu_limits, pod_gpus
from workspace_controller.plan.sizing import sizing, user_config
from workspace_controller.vllm.command import ServeCommand, chosen_parallelism, serve_arguments


def vllm_arguments(
    observed: Observed, spec: WorkspaceSpec, *, nodes: int, adapters: int
) -> tuple[str, ...]:
    """The arguments of `vllm serve`; empty for an unknown preset."""
    command = _command(observed, spec, nodes, adapters)
    return serve_arguments(command) if command is not None else ()


def parallel_problem(observed: Observed, spec: WorkspaceSpec) -> str:
    """What is wrong with the parallel sizes that a user sets; empty where nothing is.

    It continues a sentence that starts with the file's name.
    """
    size = sizing(observed, spec)
    command = _command(observed, spec, 1 if isinstance(size, SizingFailure) else size.nodes, 0)
    if command is None:
        return ""
    wants, has = chosen_parallelism(command).gpus, command.gpu_count * command.nodes
    if wants == has or (wants < has and command.nodes == 1):
        return ""
    where = f"{command.nodes} nodes of {command.gpu_count}" if command.nodes > 1 else "the pod"
    return (
        f"sets parallel sizes for {wants} GPUs, but {where} has {has}: the product of "
        "vllm.tensor-parallel-size, vllm.pipeline-parallel-size and vllm.data-parallel-size must "
        f"be {has}; without them, it is"
    )


def _command(
    observed: Observed, spec: WorkspaceSpec, nodes: int, adapters: int
) -> ServeCommand | None:
    if observed.preset is None:
        return None
    config = user_config(observed, spec)
    return ServeCommand(
        preset=observed.preset,
        model_path=MODEL_PATH,
        gpu_count=gpu_count(gpu_limits(observed, spec)) or 1,
        gpus=pod_gpus(observed, spec),
        nodes=nodes,
        max_model_len=config.max_model_len,
        adapters=adapters,
        user_options=config.options,
    )
