"""POST /embed of text-embeddings-inference, and POST /pipeline/feature-extraction, which
huggingface_hub's `feature_extraction` calls: a list of vectors."""

from collections.abc import Sequence
from dataclasses import dataclass

from inference_gateway.backends.backend import TokenResponse
from inference_gateway.errors import Problem
from inference_gateway.formats.api_format import GenerationContext, ParsedTokenCall
from inference_gateway.formats.embed_calls import all_embeddings, embed_calls, place
from inference_gateway.formats.embeddings_schema import FeatureExtractionRequest
from inference_gateway.formats.openai_embeddings import input_name
from inference_gateway.formats.openai_request import set_extras
from inference_gateway.formats.openai_response import json_bytes
from inference_gateway.formats.tgi import error_body
from inference_gateway.formats.tgi_parameters import parse_schema, reject_unavailable
from kaito.inference.v1 import inference_pb2 as pb


@dataclass(frozen=True, slots=True)
class FeatureExtraction:
    """The format of both routes."""

    def parse(self, body: bytes) -> ParsedTokenCall:
        request = parse_schema(FeatureExtractionRequest, body)
        reject_unavailable(
            normalize=request.normalize is False,
            prompt_name=request.prompt_name is not None,
            truncation_direction=request.truncate and request.truncation_direction in _LEFT,
        )

        def requests(context: GenerationContext) -> list[pb.EmbedRequest]:
            return embed_calls(
                request.input_list,
                context,
                dimensions=request.dimensions,
                truncate=bool(request.truncate),
            )

        def sent_name(field: str) -> str | None:
            if field in ("model", "dimensions", "truncate"):
                return field
            if not field.startswith("inputs"):
                return None
            return input_name(field, "inputs", is_list=request.is_list)

        return ParsedTokenCall(
            model=request.model or "",
            requests=requests,
            ignored_parameters=lambda _: tuple(set_extras(request)),
            sent_name=sent_name,
            render=_render,
            place=place,
        )

    def error_body(self, problem: Problem) -> bytes:
        return error_body(problem)


_LEFT = ("left", "Left")


def _render(responses: Sequence[TokenResponse], model: pb.Model) -> bytes:
    return json_bytes([list(each.values) for each in all_embeddings(responses)])
