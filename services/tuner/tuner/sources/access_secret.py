"""The Secret that opens the sources of the data: its keys, and what each of them is for.

The Secret is mounted as a folder, not passed as variables: what the user corrects in it reaches
the next start of the container in the same pod.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kaito_training.data_access import HEADER_PREFIX, VARIABLES, http_keys
from tuner.errors import RunError
from tuner.reasons import Reason

FIELD = "tuning.input.accessSecret"
# What a header may hold: visible characters, spaces and tabs.
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


@dataclass(frozen=True, slots=True, repr=False)
class AccessSecret:
    """The keys of the Secret `name` with their values.

    Outside of a cluster the name is empty, and the values are environment variables.
    """

    name: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, directory: Path, environ: Mapping[str, str]) -> "AccessSecret":
        """The Secret `name`, mounted at `directory`; without a name, what `environ` has.

        Raises:
            RunError: DATA_UNREACHABLE, a value is not text.
        """
        if not name:
            return cls(values={key: value for key, value in environ.items() if key in VARIABLES})
        values = {}
        # The hidden names are the kubelet's own.
        for path in sorted(directory.glob("[!.]*")):
            try:
                # `echo token | base64` leaves a newline, which no header may hold.
                values[path.name] = path.read_text(encoding="utf-8").strip()
            except UnicodeDecodeError:
                # Without the cause: its text quotes the secret.
                raise cls(name).wrong(path.name, "is not text in UTF-8") from None
        return cls(name, values)

    def http_headers(self) -> dict[str, str]:
        """The headers that requests for http and https URLs carry.

        Raises:
            RunError: DATA_UNREACHABLE, a value cannot be a header.
        """
        headers = {
            key.removeprefix(HEADER_PREFIX): value
            for key, value in self.values.items()
            if key.startswith(HEADER_PREFIX)
        }
        if "token" in self.values:
            headers["Authorization"] = f"Bearer {self.values['token']}"
        elif "username" in self.values:
            pair = f"{self.values['username']}:{self.values['password']}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        for header, value in headers.items():
            if not _HEADER_VALUE.fullmatch(value):
                raise self.wrong(self._key_of(header), "has characters that no header may hold")
        return headers

    def signature(self) -> str:
        """The query string that is appended to http and https URLs, without its question mark."""
        return self.values.get("sas", "").removeprefix("?")

    def http_keys(self) -> tuple[str, ...]:
        """The keys that requests for http and https URLs depend on."""
        return http_keys(tuple(self.values))

    def describe(self, keys: Sequence[str]) -> str:
        """Where the values of `keys` come from, for messages."""
        names = " or ".join(keys)
        return f"key {names} of Secret {self.name!r}" if self.name else f"the variable {names}"

    def unusable(self, problem: str) -> RunError:
        """A RunError that names the Secret, for a problem with its keys together."""
        return RunError(
            Reason.DATA_UNREACHABLE,
            f"Secret {self.name!r} ({FIELD}) {problem}; correct the Secret",
            retryable=False,
        )

    def wrong(self, key: str, problem: str) -> RunError:
        """A RunError that names the Secret and the key, never the value."""
        where = f" ({FIELD})" if self.name else ""
        return RunError(
            Reason.DATA_UNREACHABLE,
            f"{self.describe([key])}{where} {problem}; correct it",
            retryable=False,
        )

    def _key_of(self, header: str) -> str:
        if header != "Authorization":
            return f"{HEADER_PREFIX}{header}"
        return "token" if "token" in self.values else "password"
