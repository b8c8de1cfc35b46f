"""The names that people give to those who speak in a conversation."""

from collections.abc import Mapping

# Qwen's and other templates pass over a `developer` in silence; those that know it read `system`
# in the same way.
_NAMES = {
    "system": "system developer",
    "user": "user human prompter customer",
    "assistant": "assistant gpt bot model ai chatbot chatgpt gpt4 gpt-4 bing bard claude agent",
    "tool": (
        "tool function observation observations function_response function-response "
        "tool_response tool_result tool_output function_output ipython"
    ),
}
ROLES: Mapping[str, str] = {name: role for role, names in _NAMES.items() for name in names.split()}
# In these the assistant speaks, and what it says is a tool call or a list of them.
CALL_ROLES = frozenset("function_call function-call tool_call tool_calls".split())
