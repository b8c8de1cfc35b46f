"""Tries grammars in a process of its own, before the server compiles them.

llguidance holds Python's lock while it compiles. Some grammars take it minutes, and others overflow
its stack, which ends the process. So the server compiles only what this process has compiled in
little time.
"""

import asyncio
import json
import os
import resource
import struct
import sys
import threading
import time
from collections.abc import Sequence
from typing import BinaryIO

from model_server.errors import GenerationFailed
from model_server.transformers.child_process import kill, start

_SIZE = struct.Struct("<I")
# The kernel ends the process at a whole second: a grammar has one to two of them.
_CPU_SECONDS = 2
# Less than any thread of the server has, so that what fits here fits there.
_STACK_BYTES = 2**20
_TOO_COMPLEX = "it is too complex to compile; simplify it"


class GrammarProcess:
    """One vocabulary in a child process, started by the first grammar and kept for the next.

    One grammar at a time: the caller sees to it.
    """

    def __init__(self, description: str, vocabulary: int, end_tokens: Sequence[int]) -> None:
        """`description` is the tokenizer as the tokenizers library serializes it."""
        self._vocabulary = json.dumps([description, vocabulary, list(end_tokens)])
        self._process: asyncio.subprocess.Process | None = None

    async def to_lark(self, gbnf: str) -> tuple[str, str]:
        """A grammar in GBNF as one in Lark, and why that cannot be done, of which one is empty.

        Raises:
            GenerationFailed: the process does not start.
        """
        return await self._ask({"gbnf": gbnf})

    async def find_problem(self, grammar: str) -> str:
        """Why a grammar cannot be honored; empty if it can. Canceling the call ends the process.

        Raises:
            GenerationFailed: the process does not start.
        """
        _, problem = await self._ask({"grammar": grammar})
        return problem

    async def close(self) -> None:
        """Kill the process, whatever it is doing."""
        process, self._process = self._process, None
        await kill(process)

    async def _ask(self, question: dict[str, str]) -> tuple[str, str]:
        try:
            process = await self._started()
            try:
                lark, problem = await _request(process, json.dumps(question))
            except (OSError, EOFError):
                await self.close()
                return "", _TOO_COMPLEX
        except BaseException:
            # Canceled, in most cases. The shield lets the process end even if the server stops now.
            await asyncio.shield(self.close())
            raise
        return lark, problem

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            try:
                self._process = await start(__name__)
                await _request(self._process, self._vocabulary)
            except (OSError, EOFError) as error:
                raise GenerationFailed(f"no grammar can be compiled: {error!r}; retry") from error
        return self._process


async def _request(process: asyncio.subprocess.Process, content: str) -> tuple[str, str]:
    assert process.stdin
    assert process.stdout
    data = content.encode()
    process.stdin.write(_SIZE.pack(len(data)) + data)
    await process.stdin.drain()
    (size,) = _SIZE.unpack(await process.stdout.readexactly(_SIZE.size))
    lark, problem = json.loads(await process.stdout.readexactly(size))
    return lark, problem


def _serve(requests: BinaryIO, responses: BinaryIO) -> None:
    """Answer requests until the server closes the pipe or ends."""
    # Imported here: the server imports this module for its client half.
    from llguidance import LLTokenizer

    from model_server.constraints.compilation import find_problem
    from model_server.constraints.gbnf import to_lark

    tokenizer = None
    while header := requests.read(_SIZE.size):
        question = json.loads(requests.read(*_SIZE.unpack(header)))
        answer = ("", "")
        if tokenizer is None:
            description, vocabulary, end_tokens = question
            tokenizer = LLTokenizer(description, n_vocab=vocabulary, eos_token=end_tokens)
        else:
            _limit_cpu(int(time.process_time()) + _CPU_SECONDS)
            if "gbnf" in question:
                answer = to_lark(question["gbnf"])
            else:
                answer = ("", find_problem(tokenizer, question["grammar"]))
            _limit_cpu(resource.RLIM_INFINITY)
        data = json.dumps(answer).encode()
        responses.write(_SIZE.pack(len(data)) + data)
        responses.flush()


def _limit_cpu(seconds: int) -> None:
    """End this process once it has used so much CPU time."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (most if seconds < 0 else seconds, most))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Behind the model's threads when CPUs are scarce.
    os.nice(10)
    threading.stack_size(_STACK_BYTES)
    thread = threading.Thread(target=_serve, args=(sys.stdin.buffer, sys.stdout.buffer))
    thread.start()
    thread.join()
