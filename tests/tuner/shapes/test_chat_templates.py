"""Records are what the chat templates of well-known models take. TRL brings these templates."""

from pathlib import Path
from typing import Any

import pytest
import trl
from transformers.utils.chat_template_utils import render_jinja_template

from tests.tuner.shapes.public_datasets import PUBLIC_DATASETS
from tests.tuner.shapes.rows import record_of
from tuner.rows.record import Conversation

TEMPLATES = Path(trl.__file__).parent / "chat_templates"
WITH_TOOLS = ("qwen2_5", "qwen3", "glm4moe", "nemotron_3_nano", "gemma4", "llama3_1")
WITHOUT_TOOLS = ("llama3", "phi3", "cohere2", "gemma3")
# Columns of a typed table: each object has the keys of all.
AGENT_ROW: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "Be brief.", "tool_calls": None, "tool_call_id": None},
        {"role": "user", "content": "Weather in Rome?", "tool_calls": None, "tool_call_id": None},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call00001",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city": "Rome"}'},
                }
            ],
            "tool_call_id": None,
        },
        {"role": "tool", "content": "14 degrees", "tool_calls": None, "tool_call_id": "call00001"},
        {"role": "assistant", "content": "It is 14 degrees.", "tool_calls": None},
    ],
    "tools": '[{"name": "get_weather", "description": "Weather", "parameters": '
    '{"city": {"type": "str", "description": "A city"}}}]',
}


def _render(template: str, row: dict[str, Any]) -> str:
    record = record_of(row)
    assert isinstance(record, Conversation)
    (text,), _ = render_jinja_template(
        [list(record.messages)],
        tools=list(record.tools) or None,
        chat_template=(TEMPLATES / f"{template}.jinja").read_text(),
        bos_token="<s>",
        eos_token="</s>",
    )
    return str(text)


@pytest.mark.parametrize("template", WITH_TOOLS)
def test_tools_and_calls_are_rendered(template: str) -> None:
    text = _render(template, AGENT_ROW)
    for part in ("Be brief.", "Weather in Rome?", "14 degrees", "It is 14 degrees.", "A city"):
        assert part in text
    # In the tool's definition and in its call, whose arguments are an object and no text.
    assert text.count("get_weather") >= 2
    assert '\\"city' not in text
    assert "None" not in text
    assert "null" not in text


@pytest.mark.parametrize("template", WITH_TOOLS + WITHOUT_TOOLS)
@pytest.mark.parametrize(
    "name", ["HuggingFaceH4/ultrachat_200k", "Open-Orca/SlimOrca", "Anthropic/hh-rlhf"]
)
def test_conversations_are_rendered(template: str, name: str) -> None:
    row = PUBLIC_DATASETS[name]
    record = record_of(row)
    assert isinstance(record, Conversation)
    text = _render(template, row)
    assert all(message["content"] in text for message in record.messages)
