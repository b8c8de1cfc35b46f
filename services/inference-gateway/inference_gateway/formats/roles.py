"""The roles of a conversation, as chat templates name them."""

# OpenAI's newer name for the role that chat templates call "system".
_NEWER_NAMES = {"developer": "system"}


def template_role(role: str) -> str:
    """The name of a client's role in chat templates."""
    return _NEWER_NAMES.get(role, role)
