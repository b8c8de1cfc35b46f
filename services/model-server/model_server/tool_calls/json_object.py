"""Finds the end of a JSON object in text that arrives in parts."""


class JsonObjectReader:
    """Counts brackets outside of strings. Whether the text is JSON is for `json.loads` to say."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self.closed = False
        self.failed = False

    def add(self, text: str) -> int:
        """How many characters of the text belong to the object. Stops where it closes."""
        for at, character in enumerate(text):
            if self._in_string:
                self._read_in_string(character)
            elif character == '"' and self._depth:
                self._in_string = True
            elif character in "{[":
                self._depth += 1
                # The first bracket opens the object.
                self.failed |= self._depth == 1 and character == "["
            elif character in "}]":
                self._depth -= 1
                if self._depth == 0:
                    self.closed = True
                    return at + 1
            elif not self._depth:
                self.failed = True
            if self.failed:
                return at
        return len(text)

    def _read_in_string(self, character: str) -> None:
        if self._escaped:
            self._escaped = False
        elif character == "\\":
            self._escaped = True
        elif character == '"':
            self._in_string = False
