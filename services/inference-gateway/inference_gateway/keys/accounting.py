"""Where usage goes: the ledger, one line of JSON for each request, and metrics."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from inference_gateway.endpoints.address import EndpointAddress
from inference_gateway.errors import CLIENT_CLOSED_REQUEST
from inference_gateway.keys.key_metrics import KeyMetrics
from inference_gateway.keys.ledger.ledger import KeyLedger
from inference_gateway.keys.prices import Prices
from inference_gateway.keys.usage_record import UsageRecord, UsageWriter
from inference_gateway.request_context import RequestContext
from kaito_keys.key_policy import KeyPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    """`now` gives seconds since 1970."""

    ledger: KeyLedger
    prices: Prices
    usage: UsageWriter
    metrics: KeyMetrics
    now: Callable[[], float]

    def record(
        self,
        context: RequestContext,
        policy: KeyPolicy,
        address: EndpointAddress,
        *,
        model: str,
        prompt_tokens: int,
        completion_tokens: int,
        nanodollars: int | None,
        estimated: bool,
    ) -> None:
        """Writes down what a request has used."""
        time = datetime.fromtimestamp(self.now(), UTC)
        self.metrics.record_usage(policy.id, prompt_tokens, completion_tokens, nanodollars or 0)
        self.usage.add(
            UsageRecord(
                time=time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                key=policy.id,
                request_id=context.request_id,
                route=context.route,
                status=context.status or CLIENT_CLOSED_REQUEST,
                namespace=address.namespace,
                workspace=address.workspace,
                model=model,
                prompt_tokens=prompt_tokens,
                completion_tokens=completion_tokens,
                nanodollars=nanodollars,
                estimated=estimated,
            )
        )
