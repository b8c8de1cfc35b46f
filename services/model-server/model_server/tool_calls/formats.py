"""The formats of the families of models that the presets name."""

from model_server.tool_calls.call_format import CallFormat, CallSyntax

HERMES = CallFormat(
    "hermes",
    (
        CallSyntax(
            '<tool_call>\n{"name": "$name", "arguments": $arguments}\n</tool_call>',
            separator="\n",
        ),
    ),
    markers=("<tool_call>", "</tool_call>"),
)
MISTRAL = CallFormat(
    "mistral",
    (
        CallSyntax(
            '{"name": "$name", "arguments": $arguments}',
            opening="[TOOL_CALLS] [",
            separator=", ",
            closing="]",
        ),
        CallSyntax(
            '{"name": "$name", "arguments": $arguments, "id": "$id"}',
            opening="[TOOL_CALLS] [",
            separator=", ",
            closing="]",
        ),
    ),
    markers=("[TOOL_CALLS]",),
)
# Since Mistral Small 3.2.
MISTRAL_ARGS = CallFormat(
    "mistral-args",
    (CallSyntax("[TOOL_CALLS]$name[ARGS]$arguments"),),
    markers=("[TOOL_CALLS]", "[ARGS]"),
)
PHI4 = CallFormat(
    "phi4",
    (
        CallSyntax(
            '{"name": "$name", "arguments": $arguments}',
            opening="<|tool_call|>[",
            separator=", ",
            closing="]<|/tool_call|>",
        ),
        CallSyntax(
            '{"name": "$name", "arguments": $arguments}',
            opening="functools[",
            separator=", ",
            closing="]",
        ),
    ),
    markers=("<|tool_call|>", "<|/tool_call|>"),
)
DEEPSEEK_V3 = CallFormat(
    "deepseek-v3",
    (
        CallSyntax(
            "<｜tool▁call▁begin｜>function<｜tool▁sep｜>$name\n```json\n$arguments\n```<｜tool▁call▁end｜>",
            opening="<｜tool▁calls▁begin｜>",
            separator="\n",
            closing="<｜tool▁calls▁end｜>",
        ),
    ),
    markers=(
        "<｜tool▁calls▁begin｜>",
        "<｜tool▁call▁begin｜>",
        "<｜tool▁sep｜>",
        "<｜tool▁call▁end｜>",
        "<｜tool▁calls▁end｜>",
    ),
)
DEEPSEEK_V31 = CallFormat(
    "deepseek-v3.1",
    (
        CallSyntax(
            "<｜tool▁call▁begin｜>$name<｜tool▁sep｜>$arguments<｜tool▁call▁end｜>",
            opening="<｜tool▁calls▁begin｜>",
            closing="<｜tool▁calls▁end｜>",
        ),
    ),
    markers=DEEPSEEK_V3.markers,
)
LLAMA = CallFormat(
    "llama",
    (
        CallSyntax('{"name": "$name", "parameters": $arguments}', separator="; "),
        CallSyntax(
            '{"name": "$name", "parameters": $arguments}', opening="<|python_tag|>", separator="; "
        ),
        CallSyntax(
            '{"type": "function", "name": "$name", "parameters": $arguments}', separator="; "
        ),
        CallSyntax('{"name": "$name", "arguments": $arguments}', separator="; "),
    ),
    markers=("<|python_tag|>",),
    anchored=True,
)
# From the most specific syntax to the least: a bare JSON object stands within others.
FORMATS = (HERMES, MISTRAL, MISTRAL_ARGS, PHI4, DEEPSEEK_V3, DEEPSEEK_V31, LLAMA)
