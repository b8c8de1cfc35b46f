"""Healthy requests, sent all the time while a fuzzer runs: their answers must stay right."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
import requests

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from kaito.tuning.v1 import tuning_pb2, tuning_pb2_grpc
from kaito_grpc.channels import open_blocking_channel
from tests.fuzz.tally import Finding, Tally
from tests.processes.tuner import RUN

# The name of an adapter that the fuzzers do not know, so that they cannot unload it.
ADAPTER = "canary"
_PROMPT = "What is the capital of Japan?"
_TOKENS = 12
_TIMEOUT_SECONDS = 120.0
_PAUSE_SECONDS = 0.3
Ask = Callable[[], str]


@contextmanager
def watching(canaries: Mapping[str, Ask], tally: Tally) -> Iterator[None]:
    """Ask now, and again and again in a thread; what differs from the first answer is found."""
    expected = {name: ask() for name, ask in canaries.items()}
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(_PAUSE_SECONDS):
            for name, ask in canaries.items():
                if problem := _problem(ask, expected[name]):
                    tally.add(Finding(f"canary {name}", problem))
                tally.canaries[name] += 1

    thread = threading.Thread(target=watch, name="canaries")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _problem(ask: Ask, expected: str) -> str:
    try:
        answer = ask()
    except grpc.RpcError as error:
        call: Any = error
        return f"{call.code().name}: {call.details()}"
    except requests.RequestException as error:
        return repr(error)
    return "" if answer == expected else f"answered {answer!r} instead of {expected!r}"


def model_server(address: str, model: str) -> Ask:
    """The greedy continuation of a prompt, over gRPC."""
    stub: Any = inference_pb2_grpc.InferenceServiceStub(open_blocking_channel(address))
    options = pb.GenerationOptions(max_new_tokens=_TOKENS, min_new_tokens=_TOKENS, do_sample=False)

    def ask() -> str:
        request = pb.GenerateRequest(prompt=_PROMPT, model=model, options=options)
        response: pb.GenerateResponse = stub.Generate(request, timeout=_TIMEOUT_SECONDS)
        return response.choices[0].text

    return ask


def gateway(url: str, model: str) -> Ask:
    """The greedy continuation of a prompt, over HTTP."""
    session = requests.Session()
    body: Any = {
        "prompt": _PROMPT,
        "model": model,
        "max_tokens": _TOKENS,
        # Without it, some models end at once, and an empty answer is easily right.
        "min_tokens": _TOKENS,
        "temperature": 0,
    }

    def ask() -> str:
        response = session.post(f"{url}/v1/completions", json=body, timeout=_TIMEOUT_SECONDS)
        if not response.ok:
            return f"{response.status_code} {response.text}"
        return str(response.json()["choices"][0]["text"])

    return ask


def tuner(address: str) -> Ask:
    """The name of the run."""
    stub: Any = tuning_pb2_grpc.TuningServiceStub(open_blocking_channel(address))

    def ask() -> str:
        request = tuning_pb2.GetTuningRequest(name=RUN)
        response: tuning_pb2.GetTuningResponse = stub.GetTuning(request, timeout=_TIMEOUT_SECONDS)
        return response.tuning.name

    return ask
