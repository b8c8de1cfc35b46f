"""openai for Python, unmodified, at a model that sees images."""

import base64
import struct
import zlib
from typing import Any

from tests.clients.vllm.python.calls import Call, run
from tests.clients.vllm.python.openai_text import USAGE, chat


def png(red: int, side: int = 64) -> str:
    """An image of one color, as the URL that clients send."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    rows = (b"\0" + bytes((red, 0, 255 - red)) * side) * side
    data = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def ask(*urls: str) -> list[Any]:
    parts: list[Any] = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return [{"role": "user", "content": [*parts, {"type": "text", "text": "What is it?"}]}]


CALLS: dict[str, Call] = {
    "chat, an image": chat(messages=ask(png(255))),
    "chat, another image": chat(messages=ask(png(0))),
    "chat, two images": chat(messages=ask(png(0), png(255))),
    "chat, an image, stream": chat(messages=ask(png(255)), stream=True, **USAGE),
    "error: an image that is none": chat(messages=ask("data:image/png;base64,AAAA")),
}


if __name__ == "__main__":
    run("openai", CALLS)
