"""What a chat template can render is found out, and what it leaves out is named."""

from typing import Any

import pytest
from tokenizers import AddedToken

from model_server.engine import ChatMessage, Conversation, Tool, ToolCall
from model_server.errors import InvalidRequest
from model_server.tool_calls.call_format import CallFormat
from model_server.tool_calls.formats import (
    DEEPSEEK_V31,
    HERMES,
    LLAMA,
    MISTRAL,
    MISTRAL_ARGS,
    PHI4,
)
from model_server.transformers.chat_template import ChatTemplate
from tests.model_server.tiny_model import make_tokenizer
from tools.preset_models.tokenizer import CHAT_TEMPLATE as DEMO

# How the families' own templates write tools and calls, without the rest of them.
_TOOLS = "{% if tools %}<|system|>{{ tools | tojson }}{% endif %}"
QWEN = (
    '{% if tools %}{{ "# Tools\\n\\n<tools>" }}{% for tool in tools %}{{ "\\n" }}'
    '{{ tool | tojson }}{% endfor %}{{ "\\n</tools>\\n\\nreturn a json object within XML tags:'
    '\\n<tool_call>\\n{\\"name\\": <function-name>, \\"arguments\\": <args-json-object>}'
    '\\n</tool_call>" }}{% endif %}'
    "{% for message in messages %}{{ '<|im_start|>' + message.role }}"
    "{% if message.content %}{{ '\\n' + message.content }}{% endif %}"
    "{% for tool_call in message.tool_calls %}{% set tool_call = tool_call.function %}"
    '{{ \'\\n<tool_call>\\n{"name": "\' }}{{ tool_call.name }}{{ \'", "arguments": \' }}'
    "{{ tool_call.arguments | tojson }}{{ '}\\n</tool_call>' }}{% endfor %}"
    "{{ '<|im_end|>\\n' }}{% endfor %}"
)
LLAMA_31 = (
    "{% if tools is not none %}{% for t in tools %}{{ t | tojson(indent=4) }}{% endfor %}"
    "{% endif %}{% for message in messages %}"
    "{% if not (message.role == 'tool' or 'tool_calls' in message) %}"
    "<|{{ message['role'] }}|>{{ message['content'] | trim }}"
    "{% elif 'tool_calls' in message %}{% if not message.tool_calls | length == 1 %}"
    "{{ raise_exception('This model only supports single tool-calls at once!') }}{% endif %}"
    "{% set tool_call = message.tool_calls[0].function %}"
    '{{ \'{"name": "\' + tool_call.name + \'", "parameters": \' }}'
    "{{ tool_call.arguments | tojson }}{{ '}' }}"
    "{% else %}<|ipython|>{{ message.content | tojson }}{% endif %}{% endfor %}"
)
MISTRAL_V3 = (
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    "{% if tools is not none %}{{ '[AVAILABLE_TOOLS] ' + tools | tojson }}{% endif %}"
    "{{ '[INST] ' + message['content'] + '[/INST]' }}"
    "{% elif message.tool_calls is defined and message.tool_calls is not none %}"
    "{{ '[TOOL_CALLS] [' }}{% for tool_call in message.tool_calls %}"
    "{% set out = tool_call.function | tojson %}{{ out[:-1] }}"
    "{% if tool_call.id | length != 9 %}{{ raise_exception('9 characters') }}{% endif %}"
    "{{ ', \"id\": \"' + tool_call.id + '\"}' }}{% if loop.last %}{{ ']' }}{% else %}{{ ', ' }}"
    "{% endif %}{% endfor %}{% else %}{{ message['content'] }}{% endif %}{% endfor %}"
)
MISTRAL_SMALL = (
    _TOOLS + "{% for message in messages %}{{ message.content }}"
    "{% for call in message.tool_calls or [] %}{{ '[TOOL_CALLS]' + call.function.name + '[ARGS]' }}"
    "{{ call.function.arguments | tojson }}{% endfor %}{% endfor %}"
)
# Concatenates, so that an object is an error.
DEEPSEEK = (
    _TOOLS + "{% for message in messages %}{{ message.content }}{% if message.tool_calls %}"
    "{{ '<｜tool▁calls▁begin｜>' }}{% for tool in message.tool_calls %}"
    "{{ '<｜tool▁call▁begin｜>' + tool.function.name + '<｜tool▁sep｜>' + tool.function.arguments "
    "+ '<｜tool▁call▁end｜>' }}{% endfor %}{{ '<｜tool▁calls▁end｜>' }}{% endif %}{% endfor %}"
)
NO_CALLS = _TOOLS + "{% for message in messages %}{{ message.content }}{% endfor %}"
# The word stands there, but no tool does.
NO_TOOLS = (
    "{% if tools and false %}{{ tools }}{% endif %}"
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}{% endfor %}"
)


def template(text: str, *special: str) -> ChatTemplate:
    tokenizer: Any = make_tokenizer()
    tokenizer.add_tokens([AddedToken(each, special=True) for each in special])
    tokenizer.chat_template = text
    return ChatTemplate(tokenizer)


@pytest.mark.parametrize(
    ("text", "tools", "calls", "as_text", "call_format"),
    [
        (QWEN, True, True, False, HERMES),
        (LLAMA_31, True, True, False, LLAMA),
        (MISTRAL_V3, True, True, False, MISTRAL),
        (MISTRAL_SMALL, True, True, False, MISTRAL_ARGS),
        (DEEPSEEK, True, True, True, DEEPSEEK_V31),
        (DEMO, True, True, False, HERMES),
        (NO_CALLS, True, False, False, LLAMA),
        (NO_TOOLS, False, False, False, LLAMA),
    ],
    ids="qwen llama mistral mistral-small deepseek demo no-calls no-tools".split(),
)
def test_abilities_are_found_by_rendering(
    text: str, tools: bool, calls: bool, as_text: bool, call_format: CallFormat
) -> None:
    found = template(text).abilities
    assert (found.tools, found.calls, found.arguments_as_text) == (tools, calls, as_text)
    assert found.call_format is call_format
    features = template(text).features
    assert ("chat.tools" in features) == tools
    assert ("chat.messages.tool_calls" in features) == calls


def test_markers_in_the_vocabulary_tell_the_format_of_a_template_without_calls() -> None:
    found = template(NO_CALLS, "<|tool_call|>", "<|/tool_call|>").abilities
    assert found.call_format is PHI4


def test_the_demo_models_chats_without_tools_are_those_of_phi_3() -> None:
    messages = (
        ChatMessage("user", "Time?"),
        ChatMessage("assistant", "12"),
        ChatMessage("user", "?"),
    )
    assert template(DEMO).render(Conversation(messages=messages)) == (
        "<|user|>\nTime?<|end|>\n<|assistant|>\n12<|end|>\n<|user|>\n?<|end|>\n<|assistant|>\n"
    )


CALL = ToolCall("callid123", "now", '{"zone": "東京"}')
USER = ChatMessage("user", "Time?")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (QWEN, '<tool_call>\n{"name": "now", "arguments": {"zone": "東京"}}\n</tool_call>'),
        (LLAMA_31, '{"name": "now", "parameters": {"zone": "東京"}}'),
        (
            MISTRAL_V3,
            '[TOOL_CALLS] [{"name": "now", "arguments": {"zone": "東京"}, "id": "callid123"}]',
        ),
        (DEEPSEEK, '<｜tool▁call▁begin｜>now<｜tool▁sep｜>{"zone": "東京"}<｜tool▁call▁end｜>'),
    ],
    ids="qwen llama mistral deepseek".split(),
)
def test_a_call_is_written_as_the_template_expects(text: str, expected: str) -> None:
    messages = (USER, ChatMessage("assistant", "", (CALL,)), ChatMessage("tool", "12", (), "x"))
    assert expected in template(text).render(Conversation(messages=messages))


@pytest.mark.parametrize(
    ("text", "conversation", "field"),
    [
        (
            NO_CALLS,
            Conversation(messages=(USER, ChatMessage("assistant", "", (CALL,)))),
            "chat.messages[1].tool_calls",
        ),
        (
            NO_TOOLS,
            Conversation(messages=(USER,), tools=(Tool("now", "", {}),)),
            "chat.tools",
        ),
        (
            LLAMA_31,
            Conversation(messages=(USER, ChatMessage("assistant", "", (CALL, CALL)))),
            "chat.messages",
        ),
        (
            QWEN,
            Conversation(messages=(USER,), template_arguments={"messages": []}),
            "chat.template_arguments",
        ),
        (
            QWEN,
            Conversation(messages=(USER,), template_arguments={"eos_token": "x"}),
            "chat.template_arguments",
        ),
    ],
)
def test_what_the_template_cannot_render_is_named(
    text: str, conversation: Conversation, field: str
) -> None:
    with pytest.raises(InvalidRequest) as error:
        template(text).render(conversation)
    assert error.value.field == field
