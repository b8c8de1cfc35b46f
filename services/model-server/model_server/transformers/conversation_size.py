"""How much text a conversation holds. Pure."""

import json

from model_server.engine import ChatMessage, Conversation


def conversation_bytes(conversation: Conversation) -> int:
    """The size of all that the chat template is given, in bytes.

    Each message counts a byte more, for what the template adds: rendering takes time as well.
    """
    rest = [
        *(
            tool.name + tool.description + json.dumps(tool.parameters)
            for tool in conversation.tools
        ),
        json.dumps(conversation.template_arguments) if conversation.template_arguments else "",
    ]
    return sum(map(_message_bytes, conversation.messages)) + sum(len(each) for each in rest)


def _message_bytes(message: ChatMessage) -> int:
    texts = [message.content, message.tool_call_id, message.name, message.reasoning]
    for call in message.tool_calls:
        texts += [call.id, call.name, call.arguments]
    return sum(len(text.encode()) for text in texts) + 1
