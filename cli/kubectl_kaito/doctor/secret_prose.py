"""Secrets that people write into sentences: "the password is x", "with token x". Pure."""

import re

MASK = "<redacted>"
# What a sentence says about a secret without saying it.
_PREDICATES = frozenset(
    """
    a about again all already also an and any are as at authentication based be because been before
    but by can cannot check correct could count did do does empty error expired expires failed field
    file flag for found from given granted has have in incorrect instead into invalid is it its left
    length limit list login longer malformed may mismatch missing more must needed new no none not
    null of ok old on only optional or out policy present prompt protected refused rejected required
    reset revoked right same set should so such than that the there this to too type under unknown
    unset until used user using valid value was were when which while will with without wrong you
    your
    """.split()
)
_WORD = r"(?P<quote>[\"'`]?)(?P<value>[^\s\"'`<>,;]{3,256})(?P=quote)"
_LINK = (
    r"(?P<link>\s+(?:(?:is|was|are|were)(?:\s+set\s+to)?|of|to|being|set\s+to)\s*:?"
    r"|\s+(?:provided|given|used|received)\s*:|\s*[-=]>)?\s+"
)
# Bounded, so that no line is read again from each of its characters.
_PASSWORD = (
    r"(?P<name>(?<![\w\-])(?:[\w\-]{0,32}?password|passphrase|passwd|passcode|pwd)(?P<plural>s?))"
)
_OTHER = (
    r"(?P<name>(?<![\w\-])(?:(?:[\w\-]{0,32}?[_\-])?(?:client|secret|access|api|account|subscription|storage|shared|private"
    r"|license|wandb|comet|signing|encryption)[ _\-]?key|[\w\-]{0,32}?(?:token|secret)|PAT"
    r"|credential)(?P<plural>s?))"
)
_OF_PASSWORD = re.compile(_PASSWORD + _LINK + _WORD, re.IGNORECASE)
_OF_OTHER = re.compile(_OTHER + _LINK + _WORD, re.IGNORECASE)
# A name and a password, as people write them.
_PAIR = re.compile(
    r"(?i)(\bcredentials?\s+(?:are|is|of)?\s*[\w.@\-]{1,64}\s*[:/]\s*)([^\s\"',;]{3,256})"
)
# In a command line: `docker login -p x`, `mysql -px`, `sshpass -p x`, `wandb login x`.
_OPTION = re.compile(
    r"(\bwandb\s+login\s"
    r"|\b(?:login|mysql\w{0,8}|mariadb|sshpass|redis-cli|mongosh?)\b[^\n]{0,200}?\s-[pa]\s?)"
    r"([^\s\"'\-][^\s\"']*)"
)
_ELEMENT = re.compile(
    r"(?i)(<[\w:\-]{0,32}(?:password|passwd|token|secret|key)[\w:\-]{0,32}>)[^<\n]+(</)"
)


def mask_prose(text: str) -> str:
    """Takes away what follows the name of a secret, unless it is a word about it."""
    text = _ELEMENT.sub(rf"\1{MASK}\2", text)
    text = _OPTION.sub(rf"\1{MASK}", text)
    text = _PAIR.sub(rf"\1{MASK}", text)
    text = _OF_PASSWORD.sub(lambda found: _masked(found, any_word=True), text)
    return _OF_OTHER.sub(lambda found: _masked(found, any_word=False), text)


def _masked(found: re.Match[str], *, any_word: bool) -> str:
    value = found["value"].rstrip(".:)")
    is_named = found["link"] is not None or found["quote"] != ""
    # A Secret of Kubernetes has a name, which is none.
    if found["name"].casefold() in ("secret", "secrets") and found["link"] is None:
        return found[0]
    if value.casefold() in _PREDICATES or value == MASK or value.startswith("sha256:"):
        return found[0]
    if not (_is_random(value) or ((is_named or any_word) and not found["plural"])):
        return found[0]
    start, end = found.start("value") - found.start(), found.end("value") - found.start()
    rest = found["value"][len(value) :]
    return f"{found[0][:start]}{MASK}{rest}{found[0][end:]}"


def _is_random(word: str) -> bool:
    """Letters and digits together: hardly a word of a sentence."""
    has_letter, has_digit = any(c.isalpha() for c in word), any(c.isdigit() for c in word)
    return len(word) >= 6 and has_letter and has_digit and not word.startswith(("/", "http"))
