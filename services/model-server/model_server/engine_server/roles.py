"""The roles of messages that a server's chat template knows. Pure."""

from collections.abc import Sequence

from model_server.engine import ChatMessage
from model_server.errors import InvalidRequest


def check_role(index: int, message: ChatMessage, known: Sequence[str]) -> None:
    """Check a message's role: templates often leave out a message of one that they do not know.

    Raises:
        InvalidRequest: the role is not known.
    """
    if message.role not in known:
        raise InvalidRequest(
            f"chat.messages[{index}].role", message.role, f"must be one of {', '.join(known)}"
        )
