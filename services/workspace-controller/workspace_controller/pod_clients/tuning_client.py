"""Asks TuningService in a tuning pod for the progress of its run."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from kaito.tuning.v1 import tuning_pb2, tuning_pb2_grpc
from workspace_controller.manifests.pods import GRPC_PORT
from workspace_controller.observed import Divergence, TuningRun
from workspace_controller.pod_clients.pod_calls import ask


class TuningClient(Protocol):
    """The seam to TuningService."""

    async def get(self, address: str) -> TuningRun | None:
        """The run in the pod at that IP address; None where it does not answer in time."""
        ...


@dataclass(frozen=True, slots=True)
class GrpcTuningClient:
    """Calls the pod's gRPC port."""

    port: int = GRPC_PORT

    async def get(self, address: str) -> TuningRun | None:
        request = tuning_pb2.GetTuningRequest()
        response: tuning_pb2.GetTuningResponse | None = await ask(
            address,
            self.port,
            lambda channel: tuning_pb2_grpc.TuningServiceStub(channel).GetTuning(request),
        )
        return None if response is None else from_message(response.tuning)


class FakeTuningClient:
    """Returns `run` and records the addresses that it was asked for."""

    def __init__(self, run: TuningRun | None = None) -> None:
        self.run = run
        self.addresses: list[str] = []

    async def get(self, address: str) -> TuningRun | None:
        self.addresses.append(address)
        return self.run


def from_message(tuning: tuning_pb2.Tuning) -> TuningRun:
    """The contract's message as a value."""
    progress, checkpoint = tuning.progress, tuning.checkpoint
    lost, gpu = tuning.lost_rows, tuning.gpu_memory
    has_lost, has_gpu = tuning.HasField("lost_rows"), tuning.HasField("gpu_memory")
    return TuningRun(
        state=tuning_pb2.Tuning.State.Name(tuning.state),
        step=progress.step,
        total_steps=progress.total_steps,
        epoch=progress.epoch,
        loss=progress.loss if progress.HasField("loss") else None,
        learning_rate=progress.learning_rate if progress.HasField("learning_rate") else None,
        eval_loss=progress.eval_loss if progress.HasField("eval_loss") else None,
        eval_step=progress.eval_step if progress.HasField("eval_step") else None,
        tokens_per_second=progress.tokens_per_second,
        eta_seconds=progress.eta.ToTimedelta().total_seconds()
        if progress.HasField("eta")
        else None,
        resumed_step=progress.resumed_step if progress.HasField("resumed_step") else None,
        checkpoint_step=checkpoint.step if tuning.HasField("checkpoint") else None,
        checkpoint_time=_time(checkpoint, "time"),
        divergence=_divergence(tuning),
        dropped_rows=lost.dropped if has_lost else None,
        cut_rows=lost.cut if has_lost else None,
        peak_gpu_memory_bytes=gpu.peak_bytes if has_gpu else None,
        gpu_memory_bytes=gpu.total_bytes if has_gpu else None,
        started=_time(tuning, "start_time"),
        ended=_time(tuning, "end_time"),
    )


def _divergence(tuning: tuning_pb2.Tuning) -> Divergence | None:
    if not tuning.HasField("divergence"):
        return None
    reported = tuning.divergence
    return Divergence(
        step=reported.step,
        loss=reported.loss,
        lowest_loss=reported.lowest_loss,
        remedy=reported.remedy,
    )


def _time(message: tuning_pb2.Tuning | tuning_pb2.Checkpoint, field: str) -> datetime | None:
    if not message.HasField(field):
        return None
    moment: datetime = getattr(message, field).ToDatetime(tzinfo=UTC)
    return moment
