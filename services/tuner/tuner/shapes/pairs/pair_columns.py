"""The usual names of columns with questions, what they are about, and answers."""

from itertools import product

# In the order of preference.
PROMPT_COLUMNS = ("prompt", "instruction", "question", "query", "problem", "input", "inputs")
ANSWER_COLUMNS = (
    "completion",
    "response",
    "output",
    # With its reasoning, where there is a column with the result alone.
    "solution",
    "generated_solution",
    "answer",
    "target",
    "targets",
)
_FIRST = (
    ("prompt", "completion"),
    # Before `prompt`, which in some such files holds all of this as one text, answer included.
    ("instruction", "output"),
    ("instruction", "response"),
)
# Names that mean something else without each other, such as where a row is from.
_ONLY_TOGETHER = (("user", "assistant"), ("source", "target"))
PAIRS = tuple(dict.fromkeys((*_FIRST, *product(PROMPT_COLUMNS, ANSWER_COLUMNS), *_ONLY_TOGETHER)))
# What a question is about. It may be blank.
CONTEXT_COLUMNS = ("input", "context", "passage", "article")
PROMPTS_WITH_CONTEXT = frozenset(("instruction", "question", "query"))
SUMMARY_COLUMNS = (
    ("dialogue", "summary"),
    ("document", "summary"),
    ("article", "summary"),
    ("article", "highlights"),
    ("article", "abstract"),
    ("text", "summary"),
)
ALPACA = "alpaca"
# Names by which pairs of (prompt, context, answer) are known.
_NAMES = {
    ("instruction", None, "output"): ALPACA,
    ("instruction", "input", "output"): ALPACA,
    ("instruction", "context", "response"): "dolly",
}


def pair_name(prompt: str, context: str | None, answer: str) -> str:
    """What a pair is called in reports."""
    return _NAMES.get((prompt, context, answer), f"{prompt}-{answer}")
