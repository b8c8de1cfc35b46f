"""Asks a tuning pod how far it is. The one module here that speaks gRPC."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import grpc

from kaito.tuning.v1 import tuning_pb2, tuning_pb2_grpc
from workspace_controller.manifests.pods import GRPC_PORT
from workspace_controller.observed import TuningRun

logger = logging.getLogger(__name__)
TIMEOUT_SECONDS = 2.0


class TuningClient(Protocol):
    async def get(self, address: str) -> TuningRun | None:
        """The run of the pod at that IP address; None when it does not answer in time."""
        ...


@dataclass(frozen=True, slots=True)
class GrpcTuningClient:
    """One short connection a question: there is one every few seconds, and pods come and go."""

    port: int = GRPC_PORT

    async def get(self, address: str) -> TuningRun | None:
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                grpc.aio.insecure_channel(target(address, self.port)) as channel,
            ):
                stub = tuning_pb2_grpc.TuningServiceStub(channel)
                answer = await stub.GetTuning(tuning_pb2.GetTuningRequest())
        except (grpc.aio.AioRpcError, TimeoutError) as error:
            logger.debug("%s tells nothing: %s", address, type(error).__name__)
            return None
        return from_message(answer.tuning)


def target(address: str, port: int) -> str:
    """host:port of an IP address of either family."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class FakeTuningClient:
    """Answers what it was told to; records whom it was asked about."""

    def __init__(self, run: TuningRun | None = None) -> None:
        self.run = run
        self.asked: list[str] = []

    async def get(self, address: str) -> TuningRun | None:
        self.asked.append(address)
        return self.run


def from_message(tuning: tuning_pb2.Tuning) -> TuningRun:
    progress = tuning.progress
    return TuningRun(
        state=tuning_pb2.Tuning.State.Name(tuning.state),
        step=progress.step,
        total_steps=progress.total_steps,
        epoch=progress.epoch,
        loss=progress.loss if progress.HasField("loss") else None,
        learning_rate=progress.learning_rate if progress.HasField("learning_rate") else None,
        tokens_per_second=progress.tokens_per_second,
        eta_seconds=progress.eta.ToTimedelta().total_seconds()
        if progress.HasField("eta")
        else None,
        checkpoint_step=tuning.checkpoint.step if tuning.HasField("checkpoint") else None,
        started=_time(tuning, "start_time"),
        ended=_time(tuning, "end_time"),
    )


def _time(tuning: tuning_pb2.Tuning, field: str) -> datetime | None:
    if not tuning.HasField(field):
        return None
    moment: datetime = getattr(tuning, field).ToDatetime(tzinfo=UTC)
    return moment
