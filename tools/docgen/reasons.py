"""The page of reasons: what the reason of a condition means, and what to do about it."""

from kaito_api.reasons import REASONS
from tools.docgen.markdown import code, codes, page, prose, table

_INTRODUCTION = prose(
    "Every condition has one of these reasons, and a message that says what is wrong, where, and "
    "what to do. `kubectl describe workspace NAME` shows both; `kubectl describe machine` or "
    "`kubectl describe nodeclaim` shows those of a node (a Machine's conditions have the prefix "
    "`Machine`, as in `MachineLaunched`). `Event` marks reasons that appear in events only. If "
    "*Recovers by itself* is yes, the Workspace continues once the cause is gone; if it is no, "
    "change the Workspace or create it again."
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
    return table(("Reason", "Conditions", "Meaning", "What to do", "Recovers by itself"), rows)


def _by_condition() -> str:
    """In the order of `Reason`, which follows the life of a Workspace."""
    conditions: dict[str, list[str]] = {}
    for reason in REASONS.values():
        for condition in reason.conditions:
            conditions.setdefault(condition, []).append(reason.value)
    rows = ((code(condition), codes(found)) for condition, found in conditions.items())
    return table(("Condition", "Reasons"), rows)
