"""Serves the sums to KEDA (externalscaler.ExternalScaler), by polling and by pushing.

A trigger names its set: `metadata: {scalerAddress: <release>-demand.<namespace>:9090,
inferenceSet: phi, targetRequests: "16"}`.
"""

import math
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from externalscaler import externalscaler_pb2 as pb
from externalscaler import externalscaler_pb2_grpc
from kaito_api.inference_set import DEFAULT_TARGET_REQUESTS
from kaito_kube.kinds import INFERENCE_SET, Key
from kaito_kube.store import Store
from workspace_controller.demand.current_demand import CurrentDemand
from workspace_controller.demand.recommendations import autoscaling_of

METRIC = "kaito-requests"
_INVALID = grpc.StatusCode.INVALID_ARGUMENT


class TriggerRefused(Exception):
    """The trigger cannot be served. `code` is gRPC's; the message says what to change."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Trigger:
    """What a ScaledObject asks for."""

    key: Key
    target_requests: float


def read_trigger(namespace: str, metadata: Mapping[str, str]) -> Trigger:
    """The trigger's metadata, which KEDA passes on as it is.

    Raises:
        TriggerRefused: INVALID_ARGUMENT, a field is missing or unusable.
    """
    name = metadata.get("inferenceSet", "")
    if not name:
        raise TriggerRefused(
            _INVALID, "metadata.inferenceSet is missing: set it to the InferenceSet's name"
        )
    text = metadata.get("targetRequests", str(DEFAULT_TARGET_REQUESTS))
    try:
        target = float(text)
    except ValueError:
        target = math.nan
    if not 0 < target < math.inf:
        raise TriggerRefused(
            _INVALID,
            f"metadata.targetRequests is {text[:40]!r}: set the requests at once that one replica "
            f'should have, for example "{DEFAULT_TARGET_REQUESTS}"',
        )
    return Trigger(Key(namespace, name), target)


class ExternalScaler(externalscaler_pb2_grpc.ExternalScalerServicer):
    """Answers on every replica: all of them have the same sums."""

    def __init__(self, current: CurrentDemand, store: Store) -> None:
        self._current = current
        self._store = store

    async def IsActive(self, request: pb.ScaledObjectRef, context: Any) -> Any:  # noqa: N802
        trigger = await self._trigger(request, context)
        return pb.IsActiveResponse(result=await self._requests(trigger, context) > 0)

    async def StreamIsActive(  # noqa: N802
        self, request: pb.ScaledObjectRef, context: Any
    ) -> AsyncIterator[Any]:
        trigger = await self._trigger(request, context)
        sent: bool | None = None
        while True:
            next_report = self._current.next_report
            is_active = await self._requests(trigger, context) > 0
            if is_active is not sent:
                yield pb.IsActiveResponse(result=is_active)
                sent = is_active
            await next_report.wait()

    async def GetMetricSpec(self, request: pb.ScaledObjectRef, context: Any) -> Any:  # noqa: N802
        target = (await self._trigger(request, context)).target_requests
        spec = pb.MetricSpec(
            metricName=METRIC, targetSize=max(1, round(target)), targetSizeFloat=target
        )
        return pb.GetMetricSpecResponse(metricSpecs=[spec])

    async def GetMetrics(self, request: pb.GetMetricsRequest, context: Any) -> Any:  # noqa: N802
        if request.metricName not in ("", METRIC):
            await context.abort(_INVALID, f"metric {request.metricName[:80]!r}: it is {METRIC}")
        trigger = await self._trigger(request.scaledObjectRef, context)
        requests = await self._requests(trigger, context)
        value = pb.MetricValue(
            metricName=METRIC, metricValue=math.ceil(requests), metricValueFloat=requests
        )
        return pb.GetMetricsResponse(metricValues=[value])

    async def _trigger(self, reference: pb.ScaledObjectRef, context: Any) -> Trigger:
        try:
            trigger = read_trigger(reference.namespace, reference.scalerMetadata)
            self._check(trigger)
        except TriggerRefused as error:
            await context.abort(error.code, str(error))
        return trigger

    def _check(self, trigger: Trigger) -> None:
        """Whether KEDA may scale the set, as far as this replica knows yet.

        Raises:
            TriggerRefused: it may not. Zero requests for a set that is not there would be a guess.
        """
        if not self._store.is_synced(INFERENCE_SET):
            message = "this replica has not listed the InferenceSets yet"
            raise TriggerRefused(grpc.StatusCode.UNAVAILABLE, message)
        manifest = self._store.get(INFERENCE_SET, trigger.key)
        if manifest is None:
            raise TriggerRefused(
                grpc.StatusCode.NOT_FOUND,
                f"there is no InferenceSet {trigger.key}: correct metadata.inferenceSet",
            )
        if autoscaling_of(manifest) is not None:
            raise TriggerRefused(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"InferenceSet {trigger.key} has spec.autoscaling: remove it to let KEDA scale",
            )

    async def _requests(self, trigger: Trigger, context: Any) -> float:
        """At once, of all gateways. Without a gateway, KEDA uses its fallback."""
        requests = self._current.requests(str(trigger.key))
        if requests is None:
            message = "no front door reports its requests to this controller yet"
            await context.abort(grpc.StatusCode.UNAVAILABLE, message)
        return requests or 0.0
