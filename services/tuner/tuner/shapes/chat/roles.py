"""The names that people give to those who speak in a conversation."""

import difflib
from collections.abc import Mapping

# Qwen's and other templates pass over a `developer` in silence; those that know it read `system`
# in the same way.
_NAMES = {
    "system": "system developer",
    "user": "user human prompter customer",
    "assistant": "assistant gpt bot model ai chatbot chatgpt gpt4 gpt_4 bing bard claude agent",
    "tool": (
        "tool function observation observations function_response tool_response tool_result "
        "tool_output function_output ipython"
    ),
}
ROLES: Mapping[str, str] = {name: role for role, names in _NAMES.items() for name in names.split()}
# In these the assistant speaks, and what it says is a tool call or a list of them.
CALL_ROLES = frozenset("function_call tool_call tool_calls".split())


def fold_role(name: object) -> str:
    """`name` as in `ROLES` and `CALL_ROLES`, whatever its case and its hyphens."""
    return name.strip().casefold().replace("-", "_") if isinstance(name, str) else ""


def is_role(name: object) -> bool:
    """True if `name` is one that people give to those who speak."""
    return fold_role(name) in ROLES or fold_role(name) in CALL_ROLES


def expected_role(name: object) -> str:
    """What an author reads who wrote `name`, which is no role."""
    known = [*ROLES, *sorted(CALL_ROLES)]
    close = difflib.get_close_matches(fold_role(name), known, n=1)
    hint = f"did you mean {close[0]!r}? Use one of" if close else "use one of"
    return f"{hint}: {', '.join(known)}"
