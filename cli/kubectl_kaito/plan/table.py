"""The plan for people."""

from rich.console import RenderableType

from kubectl_kaito.plan.view import OfferView, PlanView, rejection_of
from kubectl_kaito.terminal import columns, text
from kubectl_kaito.words import dollars, plural

# More of either is in `--all` and in the JSON.
_SHOWN = 6


def table(view: PlanView, *, everything: bool = False) -> list[RenderableType]:
    parts: list[RenderableType] = [text(f"{view.model}, {view.purpose}", "bold")]
    parts.append(text(f"Prices: {view.prices.name}, {view.prices.region}, {view.prices.as_of}"))
    parts += [text(f"Note: {note}", "yellow") for note in view.notes]
    parts += _requested(view)
    shown = len(view.offers) if everything else _SHOWN
    if view.offers:
        headings = ["INSTANCE", "GPUS", "NODES", "VCPUS", "QUOTA FAMILY", "$/H", "$/H SPOT"]
        rows = [_row(offer) for offer in view.offers[:shown]]
        parts += [text(""), columns(headings, rows)]
        parts += _more(len(view.offers) - shown, "fits", "fit")
        parts += [text(""), text(f"The first one: {view.offers[0].explanation}")]
    else:
        parts += [text(""), text("No instance type does.", "red")]
    shown = len(view.rejected) if everything else _SHOWN
    if view.rejected:
        rejected = [(r.instance_type, _short(r.why)) for r in view.rejected[:shown]]
        parts += [text(""), columns(["NOT POSSIBLE", "WHY"], rejected)]
        parts += _more(len(view.rejected) - shown, "does not", "do not")
    if view.applied is not None:
        parts += [text(""), text(f"Workspace {view.applied} applied.", "green")]
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
        dollars(offer.price_per_hour),
        dollars(offer.spot_price_per_hour),
    )


def _short(why: str) -> str:
    """Without the arithmetic, which the JSON has: a row is one line."""
    return why.partition("; each GPU")[0]


def _more(number: int, one: str, many: str) -> list[RenderableType]:
    if number <= 0:
        return []
    what = one if number == 1 else many
    return [text(f"{plural(number, 'more instance type')} {what}: --all shows all")]
