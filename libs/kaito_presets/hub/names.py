"""The names of models of the hub: organization/model."""

import re

# The hub's own rule, without the names of models that have no organization.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
# A branch, a tag or a commit. What a URL would read otherwise is left out.
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")
DEFAULT_REVISION = "main"


def is_hub_name(name: str) -> bool:
    """Whether it has the form organization/model. Says nothing about whether the model exists."""
    return bool(_NAME.fullmatch(name)) and not any(bad in name for bad in ("--", ".."))


def is_revision(text: str) -> bool:
    """Whether it can name a branch, a tag or a commit."""
    return bool(_REVISION.fullmatch(text)) and ".." not in text and "//" not in text
