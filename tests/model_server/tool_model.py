"""The tiny model with a chat template that knows tools, in the format of Hermes and Qwen."""

from collections.abc import Sequence
from pathlib import Path

from tests.model_server.tiny_model import make_model

TEMPLATE = (
    "{% if tools %}<|system|>{% for tool in tools %}{{ tool.function | tojson }}\n{% endfor %}"
    "<|end|>{% endif %}"
    "{% for m in messages %}<|{{ m.role }}|>"
    "{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}"
    "{{ m.content }}"
    "{% for call in m.tool_calls or [] %}<tool_call>\n"
    '{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}\n'
    "</tool_call>{% endfor %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    "{% if add_generation_prompt and thinks %}<think>{% endif %}"
)


def make_tool_model(folder: Path, tokens: Sequence[str] = (), *, heads: int = 4) -> Path:
    """Write a model folder whose template knows tools; the rest is as in `make_model`."""
    make_model(folder, tokens, heads=heads)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder
