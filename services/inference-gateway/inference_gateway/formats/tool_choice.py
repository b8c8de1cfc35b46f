"""Which tools the model may or must call, as the contract has it. Pure."""

from inference_gateway.errors import Problem, RequestRejected
from inference_gateway.formats.openai_chat_schema import ChatCompletionRequest
from inference_gateway.formats.openai_tools_schema import AllowedTools, NamedTool, ToolChoice
from kaito.inference.v1 import inference_pb2 as pb

Mode = pb.ToolChoice.Mode
_MODES = {"none": Mode.MODE_NONE, "auto": Mode.MODE_AUTO, "required": Mode.MODE_REQUIRED}


def check_tool_choice(body: ChatCompletionRequest) -> None:
    """Checks that the choice names tools of the request.

    Raises:
        RequestRejected: 400, naming the field.
    """
    choice = body.tool_choice
    names = [tool.function.name for tool in body.tools or ()]
    if not names and choice not in (None, "none", "auto"):
        raise RequestRejected(
            _invalid("tool_choice: there is nothing to choose from; send tools", "tool_choice")
        )
    for path, name in _chosen(choice):
        if name not in names:
            raise RequestRejected(
                _invalid(f"{path} = {name!r}: tools has no such function; name one of it", path)
            )


def offered_tools(body: ChatCompletionRequest) -> list[int]:
    """The positions in `tools` of those that the model sees.

    Of allowed tools it sees only these: the contract has no other way to forbid the others.
    """
    tools = body.tools or []
    if not tools or not isinstance(body.tool_choice, AllowedTools):
        return list(range(len(tools)))
    allowed = {name for _, name in _chosen(body.tool_choice)}
    return [index for index, tool in enumerate(tools) if tool.function.name in allowed]


def choose(body: ChatCompletionRequest) -> pb.ToolChoice | None:
    """The contract's choice; None for a request without tools, or for the default."""
    if not body.tools:
        return None
    found = pb.ToolChoice(single_call=body.parallel_tool_calls is False)
    match body.tool_choice:
        case str(mode):
            found.mode = _MODES[mode]
        case NamedTool(function=function):
            found.mode, found.name = Mode.MODE_REQUIRED, function.name
        case AllowedTools(allowed_tools=subset):
            found.mode = _MODES[subset.mode]
    return found if found.ByteSize() else None


def _chosen(choice: ToolChoice | None) -> list[tuple[str, str]]:
    """The path and the name of each tool that the choice names."""
    if isinstance(choice, NamedTool):
        return [("tool_choice.function.name", choice.function.name)]
    if isinstance(choice, AllowedTools):
        return [
            (f"tool_choice.allowed_tools.tools.{index}.function.name", each.function.name)
            for index, each in enumerate(choice.allowed_tools.tools)
        ]
    return []


def _invalid(message: str, param: str) -> Problem:
    return Problem(status=400, message=message, param=param, code="invalid_value")
