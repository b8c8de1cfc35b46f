"""The cause that `kubectl kaito why` names first, in each test that provokes one."""

from tools.demo.kubectl import Manifest

_ROWS: list[tuple[str, str, str, bool]] = []


def named_first(trouble: str, explanation: Manifest, reason: str, *words: str) -> None:
    """The explanation's cause is the one that was provoked, and something can be done about it."""
    cause, found = str(explanation["cause"]), str(explanation["reason"])
    right = found == reason and all(word in cause for word in words)
    _ROWS.append((trouble, reason, f"{found}: {cause}", right))
    assert right, explanation
    assert explanation["verdict"] == "failing"
    assert explanation["remedy"] and explanation["commands"]
    assert any(reason in each["text"] for each in explanation["evidence"])


def table() -> list[str]:
    """A line for each trouble of this run; none if there was none."""
    if not _ROWS:
        return []
    right = sum(row[-1] for row in _ROWS)
    return [
        *(f"{'yes' if ok else 'NO '}  {trouble}: {cause}" for trouble, _, cause, ok in _ROWS),
        f"kubectl kaito why named the provoked cause first in {right} of {len(_ROWS)}",
    ]
