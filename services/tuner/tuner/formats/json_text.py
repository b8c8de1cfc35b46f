"""JSON text that is read value by value, however large the whole is."""

from collections.abc import Iterator
from typing import Any

from tuner.errors import RunError
from tuner.formats.json_value import SPACE, JsonFault, decode
from tuner.formats.label import FileLabel, excerpt
from tuner.formats.limits import MAX_ROW_CHARS


class JsonText:
    """A position in a JSON text. A faulty text raises RunError(DATA_UNREADABLE)."""

    def __init__(self, chunks: Iterator[str], label: FileLabel) -> None:
        self.label = label
        self._chunks = chunks
        self._buffer = ""
        self._position = 0
        self._ended = False
        # Of the beginning of the buffer.
        self._line = 1
        self._column = 1

    def peek(self) -> str:
        """The next character that is not space; "" at the end."""
        while True:
            match = SPACE.match(self._buffer, self._position)
            self._position = match.end() if match else self._position
            if self._position < len(self._buffer):
                return self._buffer[self._position]
            if self._ended:
                return ""
            self._fill(1)

    def take(self, expected: str) -> bool:
        """Step over the next character if it is `expected`."""
        found = self.peek() == expected
        self._position += found
        return found

    def expect(self, *expected: str) -> str:
        """Step over the next character, which is one of `expected`, and return it."""
        character = self.peek()
        if character not in expected or not character:
            raise self.fault(f"expecting {' or '.join(map(repr, expected))}", self._position)
        self._position += 1
        return character

    def key(self) -> str:
        """Step over the next key and its colon, and return the key."""
        if self.peek() != '"':
            raise self.fault("expecting property name enclosed in double quotes")
        key = str(self.value())
        self.expect(":")
        return key

    def value(self) -> Any:
        """Step over the next value and return it."""
        value = self.value_within(MAX_ROW_CHARS)
        if value is None:
            raise self.label.fault(
                f"has a value of more than {MAX_ROW_CHARS:,} characters that starts at "
                f"{self._where(self._position)}",
                "write one JSON object per line, for each row",
            )
        return value[0]

    def value_within(self, length: int) -> tuple[Any] | None:
        """The next value, stepped over; None, and no step, if it is longer than `length`."""
        self.peek()
        while True:
            try:
                value, end = decode(self._buffer, self._position)
            except JsonFault as fault:
                if self._ended or not fault.is_cut:
                    raise self.fault(fault.problem, fault.position) from None
            else:
                # The number at the end of the buffer may go on.
                if end < len(self._buffer) or self._ended:
                    if end - self._position > max(length, MAX_ROW_CHARS):
                        # The buffer happened to hold all of it.
                        return None
                    self._position = end
                    return (value,)
            available = len(self._buffer) - self._position
            if available > length:
                return None
            # At least twice as much, so that a long value is not decoded again for each chunk.
            self._fill(available)

    def fault(self, problem: str, position: int | None = None) -> RunError:
        """`problem` at `position` in the buffer, by default the current one."""
        position = self._position if position is None else position
        start = max(0, position - 20, self._buffer.rfind("\n", 0, position) + 1)
        nearby = self._buffer[start : position + 40]
        # The decoder reports what is missing at the character before the end.
        is_end = self._ended and not self._buffer[position:].strip(' \t\r\n{[",:')
        found = "where the file ends" if is_end else f"near {excerpt(nearby)}"
        return self.label.fault(
            f"is not JSON at {self._where(position)}: {problem}, {found}",
            "correct it, or write one JSON object per line",
        )

    def _where(self, position: int) -> str:
        line = self._line + self._buffer.count("\n", 0, position)
        last = self._buffer.rfind("\n", 0, position)
        column = position - last if last >= 0 else self._column + position
        return f"line {line}, column {column}"

    def _fill(self, length: int) -> None:
        """Drop what is read and add at least `length` characters, if there are so many."""
        last = self._buffer.rfind("\n", 0, self._position)
        self._line += self._buffer.count("\n", 0, self._position)
        self._column = self._position - last if last >= 0 else self._column + self._position
        parts = [self._buffer[self._position :]]
        self._position = 0
        while length > 0 and not self._ended:
            chunk = next(self._chunks, "")
            self._ended = not chunk
            length -= len(chunk)
            parts.append(chunk)
        self._buffer = "".join(parts)
