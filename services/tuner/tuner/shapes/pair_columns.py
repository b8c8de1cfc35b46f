"""The usual names of columns with questions, what they are about, and answers."""

# In the order of preference.
PROMPT_COLUMNS = (
    "prompt",
    "instruction",
    "question",
    "query",
    "problem",
    "user",
    "input",
    "inputs",
    "source",
)
ANSWER_COLUMNS = (
    "completion",
    "response",
    "output",
    "answer",
    "solution",
    "assistant",
    "target",
    "targets",
)
# What a question is about. It may be blank.
CONTEXT_COLUMNS = ("input", "context")
PROMPTS_WITH_CONTEXT = frozenset(("instruction", "question", "query"))
SUMMARY_COLUMNS = (
    ("dialogue", "summary"),
    ("document", "summary"),
    ("article", "summary"),
    ("article", "highlights"),
    ("article", "abstract"),
    ("text", "summary"),
)
# Names by which pairs of (prompt, context, answer) are known.
_NAMES = {
    ("instruction", None, "output"): "alpaca",
    ("instruction", "input", "output"): "alpaca",
    ("instruction", "context", "response"): "dolly",
}


def pair_name(prompt: str, context: str | None, answer: str) -> str:
    """What a pair is called in reports."""
    return _NAMES.get((prompt, context, answer), f"{prompt}-{answer}")
