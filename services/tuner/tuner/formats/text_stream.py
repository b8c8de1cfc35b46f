"""The text of a data file: its encoding, its lines, and where it cannot be decoded."""

import codecs
from collections.abc import Iterator

from tuner.errors import RunError
from tuner.formats.byte_stream import ByteStream
from tuner.formats.encodings import detect_encoding, likely_encoding
from tuner.formats.label import excerpt
from tuner.formats.limits import CHUNK_BYTES, MAX_ROW_CHARS


class TextStream:
    """The text of `stream`. `head` is the beginning of it, to look at before reading."""

    def __init__(self, stream: ByteStream) -> None:
        self.label = stream.label
        self.is_complete = stream.is_complete
        self._stream = stream
        self._encoding = detect_encoding(stream.head)
        self.head = codecs.getincrementaldecoder(self._encoding)("replace").decode(stream.head)
        self.beginning = stream.head if "\ufffd" in self.head[:100] else self.head
        """For messages: as bytes if it cannot be decoded."""
        # Files of the Mac before 2001. Elsewhere a lone CR is part of the text.
        self._ends_lines_with_cr = "\r" in self.head[:-1] and "\n" not in self.head
        if self._ends_lines_with_cr:
            self.head = self.head.replace("\r", "\n")

    def chunks(self) -> Iterator[str]:
        """The whole text, in pieces of about a MiB.

        Raises:
            RunError: DATA_UNREADABLE, there are bytes of another encoding.
        """
        decoder = codecs.getincrementaldecoder(self._encoding)("strict")
        offset, line = 0, 1
        while True:
            data = self._stream.read(CHUNK_BYTES)
            pending = decoder.getstate()[0]
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                raise self._undecodable(error, offset - len(pending), line) from None
            if "\x00" in text:
                line += text[: text.index("\x00")].count("\n")
                raise self.label.fault(
                    f"is not text: line {line} has a NUL byte", "compare it with the original"
                )
            if self._ends_lines_with_cr:
                text = text.replace("\r", "\n")
            if text:
                yield text
            if not data:
                return
            offset += len(data)
            line += text.count("\n")

    def lines(self) -> Iterator[str]:
        """The lines, each with its line end.

        Raises:
            RunError: DATA_UNREADABLE, there is a line that is too long, or see `chunks`.
        """
        number, parts, length = 0, list[str](), 0
        for chunk in self.chunks():
            first, *others = chunk.split("\n")
            parts.append(first)
            length += len(first)
            if length > MAX_ROW_CHARS:
                raise self._too_long(number + 1, "".join(parts)[:100])
            if not others:
                continue
            yield "".join(parts) + "\n"
            last = others.pop()
            for line in others:
                yield line + "\n"
            number += 1 + len(others)
            parts, length = [last], len(last)
        if length:
            yield "".join(parts)

    def _too_long(self, number: int, beginning: str) -> RunError:
        return self.label.fault(
            f"has a line, {number}, of more than {MAX_ROW_CHARS:,} characters; it begins with "
            f"{excerpt(beginning)}",
            "write one row per line",
        )

    def _undecodable(self, error: UnicodeDecodeError, start: int, line: int) -> RunError:
        data = bytes(error.object)
        line += data[: error.start].decode(error.encoding, "replace").count("\n")
        byte = data[error.start]
        likely = likely_encoding(data, error.start)
        return self.label.fault(
            f"is not {_name(self._encoding)}: line {line} has the byte 0x{byte:02x} at "
            f"offset {start + error.start:,}, in {excerpt(data[max(0, error.start - 20) :], 40)}"
            + (f"; it seems to be {likely}" if likely else ""),
            "convert it to UTF-8" + (f": iconv -f {likely} -t UTF-8" if likely else ""),
        )


def _name(encoding: str) -> str:
    return encoding.removesuffix("-sig").upper()
