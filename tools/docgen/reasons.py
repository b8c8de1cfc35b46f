"""The page of reasons: what a condition's reason means, and what to do."""

from kaito_api.reasons import REASONS
from tools.docgen.markdown import code, codes, page, table

_INTRODUCTION = (
    "Every condition that is not True carries one of these reasons, and a message with what is "
    "wrong, where, and what to do. `kubectl describe workspace NAME` shows both, "
    "`kubectl describe machine` or `nodeclaim` those of a node (a Machine's conditions carry the "
    "prefix `Machine`, as in `MachineLaunched`); `Event` stands for events alone. *Passes by "
    "itself* says whether the Workspace goes on without being touched once the cause is gone; "
    "where it says no, change the Workspace or make it anew."
)


def text() -> str:
    return page("Reasons", _INTRODUCTION, _all(), "## By condition", _by_condition())


def _all() -> str:
    rows = (
        (
            code(reason.value),
            codes(reason.conditions),
            reason.meaning,
            reason.remedy,
            "no" if reason.permanent else "yes",
        )
        for reason in REASONS.values()
    )
    return table(("Reason", "Conditions", "Meaning", "What to do", "Passes by itself"), rows)


def _by_condition() -> str:
    """In the table's own order, which is the order of a Workspace's life."""
    conditions: dict[str, list[str]] = {}
    for reason in REASONS.values():
        for condition in reason.conditions:
            conditions.setdefault(condition, []).append(reason.value)
    rows = ((code(condition), codes(found)) for condition, found in conditions.items())
    return table(("Condition", "Reasons"), rows)
