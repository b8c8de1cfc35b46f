"""A field that an engine does not answer is rejected by its name."""

import pytest

from kaito.inference.v1 import inference_pb2 as pb
from model_server.contract.features import reject_unanswered
from model_server.errors import InvalidRequest

_NAMED = pb.ChatMessage(role="user", content="hi", name="Ann")


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.GenerateRequest(token_ids=pb.TokenIds(ids=[1])), "token_ids"),
        (pb.GenerateRequest(prompt="a", priority=-1), "priority"),
        (
            pb.GenerateRequest(prompt="a", structured_output=pb.StructuredOutput(json_object=True)),
            "structured_output",
        ),
        (pb.GenerateRequest(chat=pb.Chat(tools=[pb.Tool(name="now")])), "chat.tools"),
        (
            pb.GenerateRequest(
                chat=pb.Chat(messages=[pb.ChatMessage(role="user", content="hi"), _NAMED])
            ),
            "chat.messages[1].name",
        ),
        (pb.GenerateRequest(options=pb.GenerationOptions(logprobs=True)), "options.logprobs"),
        (
            pb.GenerateRequest(options=pb.GenerationOptions(logit_bias={7: 1.0})),
            "options.logit_bias",
        ),
        (
            pb.TokenizeRequest(chat=pb.Chat(template_arguments="{}")),
            "chat.template_arguments",
        ),
    ],
)
def test_an_unanswered_field_is_named(
    request_: pb.GenerateRequest | pb.TokenizeRequest, field: str
) -> None:
    with pytest.raises(InvalidRequest, match="not supported by this model's engine, owl 1") as info:
        reject_unanswered(request_, frozenset(), "owl 1")
    assert info.value.field == field
    # The same request passes where the engine has the feature.
    path = field.replace("[1]", "")
    reject_unanswered(request_, frozenset((path,)), "owl 1")


def test_the_first_version_of_the_contract_is_answered_by_every_engine() -> None:
    options = pb.GenerationOptions(stop=["x"])
    for field in pb.GenerationOptions.DESCRIPTOR.fields:
        if field.number <= 16 and field.name != "stop":
            setattr(options, field.name, 1)
    messages = [pb.ChatMessage(role="user", content="hi")]
    request = pb.GenerateRequest(
        model="m", chat=pb.Chat(messages=messages), options=options, request_id="r"
    )
    reject_unanswered(request, frozenset(), "owl 1")
    reject_unanswered(pb.TokenizeRequest(prompt="a", add_special_tokens=True), frozenset(), "owl 1")
