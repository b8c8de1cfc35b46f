"""Starts processes and measures them by what the kernel reports."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    pid: int

    @property
    def cpu_seconds(self) -> float:
        # The name before the last parenthesis may hold spaces. See proc_pid_stat(5) for the fields.
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def peak_mb(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024 / 1e6

    @property
    def is_running(self) -> bool:
        """False once it has ended, also before anybody asked for its exit status."""
        return Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"

    def reset_peak(self) -> None:
        """Makes `peak_mb` the peak since now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


@contextmanager
def child(log: Path, module: str, *arguments: str, **environ: str) -> Iterator[Process]:
    """Runs a Python module, with `environ` added to this environment, while the context is open."""
    with program(log, (sys.executable, "-m", module, *arguments), environ) as process:
        yield process


@contextmanager
def program(log: Path, argv: Sequence[str], environ: Mapping[str, str]) -> Iterator[Process]:
    """Runs a program, with `environ` added to this environment, while the context is open."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            argv,
            env={**os.environ, **environ},
            stdout=file,
            stderr=file,
            # Its children, such as the engine of vLLM's server, end with it.
            start_new_session=True,
        )
    try:
        yield Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """A TCP port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
