"""One process of a service: started with its environment, watched, and ended."""

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
CONTROL_PYTHON = ROOT / ".venv" / "bin" / "python"
MODELS_PYTHON = ROOT / ".venv-models" / "bin" / "python"
_SOURCE_ROOTS = (
    ROOT,
    ROOT / "libs",
    ROOT / "proto" / "gen",
    *sorted((ROOT / "services").iterdir()),
)
SOURCE_PATH = os.pathsep.join(map(str, _SOURCE_ROOTS))
_STOP_SECONDS = 20.0
# grpc's own words when a client leaves while its answer is being sent.
_CLIENT_LEFT = "ExecuteBatchError raised in core"
# Loading torch and a small model takes seconds, on a busy machine tens of them.
_START_SECONDS = 240.0


class DidNotStart(Exception):
    """A process ended, or stayed silent, before it was ready. The message has the log's end."""


@dataclass(slots=True)
class Service:
    """A running process, and the file that its output goes to."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self.process.poll()

    @property
    def resident_mb(self) -> float:
        """Memory that the process occupies now; 0 once it has ended."""
        try:
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            return 0.0
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def log_tail(self, lines: int = 20) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def send_signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """What the kernel does when memory runs out."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that does not end it in time."""
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    async def until_logged(self, message: str, seconds: float = _START_SECONDS) -> None:
        """Wait for a line of the log with this message.

        Raises:
            DidNotStart: the process ended before, or the time is over.
        """
        try:
            async with asyncio.timeout(seconds):
                while not self._has_logged(message):
                    if self.exit_code is not None:
                        raise DidNotStart(
                            f"{self.name} ended with {self.exit_code}:\n{self.log_tail()}"
                        )
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise DidNotStart(
                f"{self.name} did not log {message!r} in {seconds:g} s:\n{self.log_tail()}"
            ) from None

    def errors(self) -> set[str]:
        """Each kind of error in the log: its message, and what was raised."""
        return {
            f"{entry.get('message')}: {str(entry.get('exc_info', '')).splitlines()[-1:]}"[:300]
            for entry in self._entries()
            if entry.get("level") in ("ERROR", "CRITICAL")
            and not str(entry.get("message")).startswith(_CLIENT_LEFT)
        }

    def _has_logged(self, message: str) -> bool:
        entries = self._entries()
        return any(str(entry.get("message", "")).startswith(message) for entry in entries)

    def _entries(self) -> Iterator[dict[str, Any]]:
        for line in self.log.read_text(errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                yield entry


def start(
    name: str, python: Path, module: str, *arguments: str, log: Path, environ: Mapping[str, str]
) -> Service:
    """Run a Python module with `environ` added to this environment. Its log starts empty."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        process = subprocess.Popen(
            [str(python), "-m", module, *arguments],
            env=os.environ | {"PYTHONPATH": SOURCE_PATH} | dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    return Service(name, process, log)


def stop_on_sigterm() -> None:
    """Make SIGTERM end this program as Ctrl-C does, so that it stops its processes."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def free_port() -> int:
    """A TCP port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
