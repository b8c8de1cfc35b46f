"""Four model-servers with the transformers engine on this machine's CPUs, and clients that talk.

Each policy meets its own conversations, of the same lengths, so that no cache knows them before.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.model_folder import write_model
from benchmarks.process import Process, free_port, program
from benchmarks.routing import policies
from benchmarks.routing.conversations import Conversation
from benchmarks.routing.replay import Result, result
from benchmarks.routing.traffic import Traffic
from benchmarks.serving.prompts import words
from inference_gateway.endpoints.affinity import Load
from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from kaito_grpc.channels import open_channel
from tools.local_cluster.processes.daemons import tail

_PYTHON = ".venv-models/bin/python"
_MODEL = "llama-26m"
_CACHE_BYTES = 2**28
_START_SECONDS = 300.0
# The model's context is 1,024 tokens, of which a word of this kind takes about three.
_SYSTEM_WORDS, _QUESTION_WORDS, _MAX_TURNS = 16, 48, 4
_NEW_TOKENS = 6
_CLIENTS = 20
# Without a pause, the next turn finds the place that the last one has left at its replica, so that
# least load looks like affinity. With the pauses of people, the engines would have nothing to do.
_THINKING_SHARE = 0.2


@dataclass
class Replica:
    """One model-server, and what the front door counts of it."""

    name: str
    stub: inference_pb2_grpc.InferenceServiceStub
    traffic: Traffic = field(default_factory=Traffic)


@asynccontextmanager
async def running(folder: Path, count: int) -> AsyncIterator[list[Replica]]:
    """So many model-servers, each of which has answered once."""
    model = folder / "model"
    write_model(_PYTHON, model, _MODEL)
    with ExitStack() as processes:
        ports = [free_port() for _ in range(count)]
        started = [_start(processes, folder, model, port) for port in ports]
        async with AsyncExitStack() as channels:
            replicas: list[Replica] = []
            for port, process in zip(ports, started, strict=True):
                channel = await channels.enter_async_context(open_channel(f"127.0.0.1:{port}"))
                stub = inference_pb2_grpc.InferenceServiceStub(channel)
                await _wait(stub, process, folder / f"{port}.log")
                replicas.append(Replica(f"m-{len(replicas)}.n.svc:29500", stub))
            yield replicas


def _start(stack: ExitStack, folder: Path, model: Path, port: int) -> Process:
    environ = {
        "KAITO_MODEL_NAME": "m",
        "KAITO_MODEL_PATH": str(model),
        "KAITO_ADAPTERS_DIR": str(folder / "none"),
        "KAITO_GRPC_PORT": str(port),
        "KAITO_METRICS_PORT": str(free_port()),
        "KAITO_TERMINATION_LOG": str(folder / f"{port}.end"),
        "KAITO_CPU_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "KAITO_KV_CACHE_BYTES": str(_CACHE_BYTES),
        "KAITO_MEASURE_SECONDS": "0",
    }
    argv = (_PYTHON, "-m", "model_server")
    return stack.enter_context(program(folder / f"{port}.log", argv, environ))


async def _wait(stub: inference_pb2_grpc.InferenceServiceStub, process: Process, log: Path) -> None:
    request = pb.GenerateRequest(prompt="a", options=pb.GenerationOptions(max_new_tokens=1))
    async with asyncio.timeout(_START_SECONDS):
        while process.is_running:
            try:
                await stub.Generate(request, wait_for_ready=True)
            except Exception:
                await asyncio.sleep(0.5)
            else:
                return
    raise SystemExit(f"a model-server ends:\n{tail(log)}")


async def replay(
    policy: str, conversations: Sequence[Conversation], replicas: Sequence[Replica]
) -> Result:
    """All conversations, a few at a time, through one front door with this policy."""
    for each in replicas:
        each.traffic = Traffic()
    way = policies.make(policy)
    places = asyncio.Semaphore(_CLIENTS)
    waits: list[float] = []
    usages: list[pb.Usage] = []

    async def talk(conversation: Conversation) -> None:
        texts = _texts(policy, conversation)
        async with places:
            for turn, each in enumerate(conversation.turns[:_MAX_TURNS]):
                if turn:
                    await asyncio.sleep(each.thinking_seconds * _THINKING_SHARE)
                loads = [Load(each.name, each.traffic.in_flight) for each in replicas]
                chosen = replicas[way.choose(loads, conversation.body(turn))]
                wait, usage = await _ask(chosen, "\n".join(texts[: turn + 2]))
                waits.append(wait)
                usages.append(usage)

    await asyncio.gather(*map(talk, conversations))
    cached = sum(each.cached_tokens for each in usages)
    asked = sum(each.prompt_tokens for each in usages)
    return result(policy, cached / asked, waits, [each.traffic for each in replicas])


def _texts(policy: str, conversation: Conversation) -> list[str]:
    """The instructions, which conversations share, and the questions."""
    system = words(_SYSTEM_WORDS, random.Random(f"{policy} {conversation.system}"))
    source = random.Random(f"{policy} {conversation.number}")
    return [system, *(words(_QUESTION_WORDS, source) for _ in range(_MAX_TURNS))]


async def _ask(replica: Replica, prompt: str) -> tuple[float, pb.Usage]:
    """The time to the first token, and the tokens."""
    options = pb.GenerationOptions(max_new_tokens=_NEW_TOKENS, do_sample=False)
    request = pb.StreamGenerateRequest(request=pb.GenerateRequest(prompt=prompt, options=options))
    start, first, usage = time.perf_counter(), 0.0, pb.Usage()
    replica.traffic.start(start)
    try:
        async for message in replica.stub.StreamGenerate(request):
            first = first or time.perf_counter() - start
            if message.HasField("usage"):
                usage = message.usage
    finally:
        replica.traffic.end(time.perf_counter())
    return first, usage
