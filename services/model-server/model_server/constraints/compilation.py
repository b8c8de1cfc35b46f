"""Compiles grammars with llguidance, for one vocabulary."""

from llguidance import LLMatcher, LLParserLimits, LLTokenizer

# The library's own limits, of which all but one bound the time of a step, written down because
# requests depend on them. Without its state: errors reach the client and the log.
_LIMITS = LLParserLimits(
    initial_lexer_fuel=1_000_000,
    step_lexer_fuel=200_000,
    step_max_items=50_000,
    max_lexer_states=50_000,
    max_grammar_size=500_000,
    verbose_errors=False,
)


def compile_grammar(tokenizer: LLTokenizer, text: str) -> LLMatcher:
    """A matcher at the beginning of an answer, which may be in error."""
    return LLMatcher(tokenizer, text, log_level=0, limits=_LIMITS)


def find_problem(tokenizer: LLTokenizer, text: str) -> str:
    """Why a grammar cannot be honored; empty if it can."""
    matcher = compile_grammar(tokenizer, text)
    # Some limits are only reached by the first tokens.
    for _ in range(2):
        mask = matcher.compute_logit_bias()
        if matcher.is_error():
            # In one line.
            return " ".join(str(matcher.get_error()).replace("<non-verbose/>", "").split())
        if matcher.is_stopped():
            break
        matcher.consume_token(next(token for token, allowed in enumerate(mask) if allowed))
    return ""
