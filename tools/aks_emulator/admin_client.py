"""A client for the emulator's admin API, for the command line and for tests."""

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tools.aks_emulator.core.model import Json


class EmulatorError(Exception):
    """The emulator does not answer or rejects a call; the message says what to do."""


@dataclass(frozen=True, slots=True)
class AdminClient:
    url: str
    ca: Path

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """Call /_emulator/<path> and return its JSON.

        Raises:
            EmulatorError: the emulator does not answer, or rejects the call.
        """
        request = urllib.request.Request(f"{self.url}/_emulator/{path}", method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
        try:
            with self._opener().open(request, timeout=10) as response:
                answer: Json = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            with error:
                raise EmulatorError(_reason(error)) from error
        except OSError as error:
            message = f"no emulator at {self.url} ({error}): start it with `up`"
            raise EmulatorError(message) from error

    def is_up(self) -> bool:
        try:
            return bool(self.call("GET", "health")["status"] == "ok")
        except EmulatorError:
            return False

    def _opener(self) -> urllib.request.OpenerDirector:
        """An opener without a proxy: one from the environment cannot reach the emulator."""
        context = ssl.create_default_context(cafile=str(self.ca))
        return urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )


def _reason(error: urllib.error.HTTPError) -> str:
    text = error.read().decode(errors="replace")
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return f"{error.code} {text[:300]}"
