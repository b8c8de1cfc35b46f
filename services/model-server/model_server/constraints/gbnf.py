"""Grammars in GBNF, the form of llama.cpp, as grammars in Lark. Pure."""

import re

from llguidance.gbnf_to_lark import gbnf_to_lark

_LARK_LINE = re.compile(r"\s*(%llguidance\b|start\s*:)")


def is_lark(grammar: str) -> bool:
    """Whether a grammar is in Lark already.

    Line by line: over many empty lines, the library's own search takes minutes.
    """
    return any(map(_LARK_LINE.match, grammar.split("\n")))


def to_lark(grammar: str) -> tuple[str, str]:
    """The grammar in Lark, and what is wrong with it, of which one is empty."""
    try:
        return gbnf_to_lark(grammar), ""
    # The converter has no common class for its errors.
    except Exception as error:
        return "", f"is no grammar in GBNF or Lark: {error}"
