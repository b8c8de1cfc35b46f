"""A command-line client of a model-server: `python -m model_server.client --chat "Hello"`.

Knows only the contract. Prints the answer on stdout and the token counts on stderr.
"""

import argparse
import sys
from collections.abc import Sequence

import grpc

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from kaito_grpc.channels import open_blocking_channel


def main(argv: Sequence[str]) -> int:
    """The exit code: 0 with an answer, 1 with the server's error on stderr."""
    options = _parse(argv)
    request = pb.GenerateRequest(model=options.model, options=_generation_options(options))
    if options.prompt is not None:
        request.prompt = options.prompt
    else:
        if options.system:
            request.chat.messages.add(role="system", content=options.system)
        request.chat.messages.add(role="user", content=options.chat)
    with open_blocking_channel(options.target) as channel:
        stub = inference_pb2_grpc.InferenceServiceStub(channel)
        try:
            usage = (_stream if options.stream else _whole)(stub, request, options.timeout)
        except grpc.RpcError as error:
            print(f"{error.code().name}: {error.details()}", file=sys.stderr)
            return 1
    print(f"tokens: {usage.prompt_tokens} + {usage.completion_tokens}", file=sys.stderr)
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m model_server.client", description=__doc__)
    parser.add_argument("--target", default="localhost:29500", help="host:port")
    parser.add_argument(
        "--model", default="", help="base model or adapter; defaults to the server's"
    )
    inputs = parser.add_mutually_exclusive_group(required=True)
    inputs.add_argument("--prompt", help="text to continue, without a chat template")
    inputs.add_argument("--chat", help="a user's message")
    parser.add_argument("--system", default="", help="a system message before --chat")
    parser.add_argument("--stream", action="store_true", help="print the answer as it is generated")
    parser.add_argument("--max-new-tokens", type=int, help="maximum tokens of the answer")
    parser.add_argument("--temperature", type=float, help="sample at this temperature")
    parser.add_argument("--seed", type=int, help="make sampling repeatable")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds")
    return parser.parse_args(argv)


def _generation_options(options: argparse.Namespace) -> pb.GenerationOptions:
    return pb.GenerationOptions(
        max_new_tokens=options.max_new_tokens,
        temperature=options.temperature,
        # Temperature and seed only matter when sampling. Unset means the model's own default.
        do_sample=None if options.temperature is None and options.seed is None else True,
        seed=options.seed,
    )


def _whole(
    stub: inference_pb2_grpc.InferenceServiceStub, request: pb.GenerateRequest, timeout: float
) -> pb.Usage:
    response: pb.GenerateResponse = stub.Generate(request, timeout=timeout)
    print("\n".join(choice.text for choice in response.choices))
    return response.usage


def _stream(
    stub: inference_pb2_grpc.InferenceServiceStub, request: pb.GenerateRequest, timeout: float
) -> pb.Usage:
    usage = pb.Usage()
    for message in stub.StreamGenerate(pb.StreamGenerateRequest(request=request), timeout=timeout):
        print(message.text, end="", flush=True)
        if message.HasField("usage"):
            usage = message.usage
    print()
    return usage


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
