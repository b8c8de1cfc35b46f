"""The right answers, from each model-server alone before the load begins."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from kaito_grpc.channels import open_channel
from tests.soak.question import PROMPTS, TOKENS, Question

_TIMEOUT_SECONDS = 60
RIGHT, WRONG, MIXED = "right", "wrong", "mixed"


@dataclass(frozen=True, slots=True)
class Answers:
    """The right answer to each question."""

    by_question: Mapping[Question, str]

    def judge(self, question: Question, answer: str, *, is_whole: bool = True) -> str:
        """RIGHT, MIXED if it is the answer to another question, or WRONG. Pure.

        Of a client that left, only the beginning of the answer is known.
        """
        right = self.by_question[question]
        if answer == right or (not is_whole and right.startswith(answer)):
            return RIGHT
        others = set(self.by_question.values()) - {right}
        return MIXED if answer in others else WRONG


def request_of(question: Question) -> pb.GenerateRequest:
    """The question as a request to its model-server."""
    request = pb.GenerateRequest(
        model=question.model,
        options=pb.GenerationOptions(max_new_tokens=TOKENS, do_sample=False),
    )
    if question.is_chat:
        request.chat.messages.add(role="user", content=question.prompt)
    else:
        request.prompt = question.prompt
    return request


async def ask_all(addresses: Mapping[str, str], models: Mapping[str, Iterable[str]]) -> Answers:
    """Ask every question once, one after the other. Both maps are by Workspace."""
    found = {}
    for workspace, address in addresses.items():
        async with open_channel(address) as channel:
            stub = inference_pb2_grpc.InferenceServiceStub(channel)
            for model in models[workspace]:
                for prompt in PROMPTS:
                    for is_chat in (False, True):
                        question = Question(workspace, model, prompt, is_chat)
                        answer: pb.GenerateResponse = await stub.Generate(
                            request_of(question), timeout=_TIMEOUT_SECONDS
                        )
                        found[question] = answer.choices[0].text
    return Answers(found)
