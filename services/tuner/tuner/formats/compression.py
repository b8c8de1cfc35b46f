"""Unpacks what is compressed, by its first bytes and whatever its name is."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from typing import IO, Any, cast

import pyarrow as pa

from tuner.formats.byte_stream import ByteStream, Readable
from tuner.formats.file_format import Compression
from tuner.formats.limits import UnpackedBytes

MAGIC = {
    b"\x1f\x8b": Compression.GZIP,
    b"\x28\xb5\x2f\xfd": Compression.ZSTD,
    b"BZh": Compression.BZIP2,
    b"\xfd7zXZ\x00": Compression.XZ,
    b"\x04\x22\x4d\x18": Compression.LZ4,
}
# Servers compress once more what is compressed already. More is an attack.
MAX_LAYERS = 3


def compression_of(head: bytes) -> Compression | None:
    """What a stream that begins with `head` is compressed with."""
    return next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)


def unpack(
    stream: ByteStream, unpacked: UnpackedBytes
) -> tuple[ByteStream, tuple[Compression, ...]]:
    """The content of `stream` below all its layers of compression, and these, the inner first."""
    layers: list[Compression] = []
    while kind := compression_of(stream.head):
        if len(layers) == MAX_LAYERS:
            raise stream.label.fault(
                f"is compressed more than {MAX_LAYERS} times", "provide it compressed once"
            )
        layers.insert(0, kind)
        stream = ByteStream(
            DECOMPRESSORS[kind](stream), stream.label, packed_as=kind, unpacked=unpacked
        )
    return stream, tuple(layers)


def _by_arrow(stream: Any, codec: str) -> Readable:
    unpacked: Readable = pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), codec)
    return unpacked


DECOMPRESSORS: dict[Compression, Callable[[ByteStream], Readable]] = {
    Compression.GZIP: lambda stream: gzip.GzipFile(fileobj=stream),
    Compression.BZIP2: bz2.BZ2File,
    Compression.XZ: lambda stream: lzma.LZMAFile(cast(IO[bytes], stream)),  # noqa: SIM115
    Compression.ZSTD: lambda stream: _by_arrow(stream, "zstd"),
    Compression.LZ4: lambda stream: _by_arrow(stream, "lz4"),
}
