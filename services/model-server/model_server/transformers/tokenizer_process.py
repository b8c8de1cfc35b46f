"""Tokenizes long prompts in a process of its own, which ends when the client leaves.

The tokenizers library cannot be interrupted, and one word of megabytes takes it minutes. A process
can be killed, and it competes neither for the interpreter's lock nor, at a lower priority, for the
CPUs that run the model.
"""

import array
import asyncio
import os
import struct
import sys
from typing import BinaryIO

from model_server.errors import GenerationFailed
from model_server.transformers.child_process import kill, start

# Both directions: the number of bytes that follow. Requests also say whether to add special tokens.
_REQUEST = struct.Struct("<I?")
_RESPONSE = struct.Struct("<I")
# Behind the model's threads when CPUs are scarce.
_NICENESS = 10


class TokenizerProcess:
    """One tokenizer in a child process, started by the first prompt and kept for the next.

    One prompt at a time: the caller sees to it.
    """

    def __init__(self, description: str) -> None:
        """`description` is the tokenizer as the tokenizers library serializes it."""
        self._description = description.encode()
        self.process: asyncio.subprocess.Process | None = None

    async def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        """The tokens of a text. Canceling the call kills the process.

        Raises:
            GenerationFailed: the process did not start, or ended.
        """
        try:
            if self.process is None:
                self.process = await start(__name__)
                await self._request(self._description, add_special_tokens=False)
            return await self._request(text.encode(), add_special_tokens)
        except (OSError, EOFError) as error:
            await self.close()
            raise GenerationFailed(f"the prompt cannot be tokenized: {error!r}; retry") from error
        except BaseException:
            # Canceled, in most cases. The shield lets the process end even if the server stops now.
            await asyncio.shield(self.close())
            raise

    async def close(self) -> None:
        """Kill the process, whatever it is doing."""
        process, self.process = self.process, None
        await kill(process)

    async def _request(self, content: bytes, add_special_tokens: bool) -> list[int]:
        assert self.process
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(_REQUEST.pack(len(content), add_special_tokens) + content)
        await self.process.stdin.drain()
        (size,) = _RESPONSE.unpack(await self.process.stdout.readexactly(_RESPONSE.size))
        tokens = array.array("I")
        tokens.frombytes(await self.process.stdout.readexactly(size))
        return tokens.tolist()


def _serve(requests: BinaryIO, responses: BinaryIO) -> None:
    """Answer requests until the server closes the pipe or ends."""
    # Imported here: the server imports this module for its client half.
    from tokenizers import Tokenizer

    os.nice(_NICENESS)
    tokenizer = None
    while header := requests.read(_REQUEST.size):
        size, add_special_tokens = _REQUEST.unpack(header)
        content = requests.read(size).decode()
        tokens = array.array("I")
        if tokenizer is None:
            tokenizer = Tokenizer.from_str(content)
            tokenizer.no_truncation()
            tokenizer.no_padding()
        else:
            # Unlike `encode`, `encode_batch` skips the offsets, as transformers' call does.
            [encoding] = tokenizer.encode_batch([content], add_special_tokens=add_special_tokens)
            tokens.extend(encoding.ids)
        responses.write(_RESPONSE.pack(len(tokens) * tokens.itemsize) + tokens.tobytes())
        responses.flush()


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
