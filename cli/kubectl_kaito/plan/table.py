"""The plan for people."""

from rich.console import RenderableType

from kubectl_kaito.dataset.training_cost import in_words
from kubectl_kaito.plan.view import OfferView, PlanView, rejection_of
from kubectl_kaito.terminal import columns, text
from kubectl_kaito.words import age, dollars, plural

# More of either is in `--all` and in the JSON.
_SHOWN = 6


def table(view: PlanView, *, everything: bool = False) -> list[RenderableType]:
    parts: list[RenderableType] = [text(f"{view.model}, {view.purpose}", "bold")]
    parts.append(text(f"Prices: {view.prices.name}, {view.prices.region}, {view.prices.as_of}"))
    parts += [text(f"Note: {note}", "yellow") for note in view.notes]
    if view.dataset is not None:
        parts.append(text(f"Data: {view.dataset.summary}"))
    parts += _requested(view)
    shown = len(view.offers) if everything else _SHOWN
    if view.offers:
        headings = [
            "INSTANCE", "GPUS", "NODES", "VCPUS", "QUOTA FAMILY", "LEFT", "ZONES", "$/H",
            "$/H SPOT", "READY IN",
        ]  # fmt: skip
        rows = [_row(offer) for offer in view.offers[:shown]]
        parts += [text(""), columns(headings, rows)]
        parts += _more(len(view.offers) - shown, "fits", "fit")
        parts += [text(""), text(f"The first one: {view.offers[0].explanation}")]
        if (training := _training(view.offers[0])) is not None:
            parts.append(text(training))
        parts.append(text(f"Ready in about {_ready(view.offers[0])}"))
    else:
        parts += [text(""), text("No instance type does.", "red")]
    shown = len(view.rejected) if everything else _SHOWN
    if view.rejected:
        rejected = [(r.instance_type, _short(r.why)) for r in view.rejected[:shown]]
        parts += [text(""), columns(["NOT POSSIBLE", "WHY"], rejected)]
        parts += _more(len(view.rejected) - shown, "does not", "do not")
    if view.applied is not None:
        limit = f", for at most ${view.max_price}/h" if view.max_price is not None else ""
        parts += [text(""), text(f"Workspace {view.applied} applied{limit}.", "green")]
    return parts


def _requested(view: PlanView) -> list[RenderableType]:
    if view.requested is None:
        return []
    if view.requested_fits:
        return [text(f"{view.requested}, which the file names, fits.", "green")]
    why = rejection_of(view, view.requested)
    detail = f": {why}" if why else ""
    return [text(f"{view.requested}, which the file names, does not do{detail}", "red")]


def _row(offer: OfferView) -> tuple[object, ...]:
    return (
        offer.instance_type,
        offer.gpus,
        offer.nodes,
        offer.vcpus,
        offer.quota_family,
        _left(offer),
        None if offer.zones is None else ",".join(offer.zones) or "none",
        dollars(offer.price_per_hour),
        dollars(offer.spot_price_per_hour),
        f"~{round(offer.ready_seconds / 60)}m",
    )


def _left(offer: OfferView) -> int | None:
    """The vCPUs that both the family and the region have left."""
    known = [n for n in (offer.quota_left, offer.regional_quota_left) if n is not None]
    return min(known, default=None)


def _training(offer: OfferView) -> str | None:
    if offer.training_hours is None:
        return None
    return f"Training takes {in_words(offer.training_hours, offer.training_dollars)}"


def _ready(offer: OfferView) -> str:
    phases = ", ".join(f"{p.name} {age(p.seconds)} ({p.source})" for p in offer.phases)
    return f"{age(offer.ready_seconds)}: {phases}"


def _short(why: str) -> str:
    """Without the arithmetic, which the JSON has: a row is one line."""
    return why.partition("; each GPU")[0]


def _more(number: int, one: str, many: str) -> list[RenderableType]:
    if number <= 0:
        return []
    what = one if number == 1 else many
    return [text(f"{plural(number, 'more instance type')} {what}: --all shows all")]
