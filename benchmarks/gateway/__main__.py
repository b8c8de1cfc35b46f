"""Measures what the gateway costs beside a bare relay, nginx, Envoy and LiteLLM's proxy.

All of them run at once on loopback and are loaded in turn, round by round (A B A B), so that what
else the machine does meets all of them. CPU and memory are what the kernel reports.

    python -m benchmarks.gateway [--rounds 2] [--cases abcd] [--only gateway "bare relay"]
"""

import argparse
import json
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.gateway import programs
from benchmarks.gateway.cases import CASES, MANY, PACED, Case
from benchmarks.gateway.contenders import DIRECT, LITELLM, PREPARE, Contender, Upstreams
from benchmarks.gateway.results import Round, Rounds, last_line, table
from benchmarks.process import Process, program

# LiteLLM imports for half a minute on a busy machine.
_START_SECONDS = 120.0
_REQUEST = {"model": "m", "messages": [{"role": "user", "content": "chunks=1 pause=0ms"}]}


class Bench:
    """The processes of one run. Closing `stack` ends them."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._load = programs.load()
        self.running: dict[str, tuple[Contender, Process]] = {}
        server = subprocess.Popen(
            [self._load, "serve"], stdout=subprocess.PIPE, text=True, cwd=folder
        )
        stack.callback(server.wait)
        stack.callback(server.kill)
        assert server.stdout is not None
        grpc, http = server.stdout.readline().split()
        self.upstreams = Upstreams(int(grpc), int(http))

    def start(self, name: str) -> None:
        """Starts a contender and waits until it answers.

        Raises:
            MissingProgram: it cannot be had here, or does not start.
        """
        contender = PREPARE[name](self.upstreams, self._folder)
        log = self._folder / f"{name.replace(' ', '-')}.log"
        process = self._stack.enter_context(program(log, contender.argv, contender.environ))
        _wait_until_it_answers(contender, process, log)
        self.running[name] = contender, process

    def measure(self, name: str, case: Case, seconds_factor: float) -> Round:
        """Runs one case against one contender, or against the HTTP server itself."""
        argv = [str(self._load), "run", *case.arguments(seconds_factor)]
        if name == DIRECT:
            port = self.upstreams.http
            return _round(_run([*argv, "-url", f"http://127.0.0.1:{port}/v1/chat/completions"]))
        contender, process = self.running[name]
        argv += ["-url", contender.url]
        if case in (PACED, MANY):
            argv += ["-live", contender.live_url]
        process.reset_peak()
        before = process.cpu_seconds
        report = _run(argv)
        used = process.cpu_seconds - before
        return _round(report, cpu_seconds=used, peak_mb=process.peak_mb)


def _run(argv: Sequence[str]) -> dict[str, float]:
    report = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    if report["failures"]:
        raise SystemExit(f"{' '.join(argv)}: {report['failures']} failures: {report['failure']}")
    return dict(report)


def _round(report: dict[str, float], cpu_seconds: float = 0.0, peak_mb: float = 0.0) -> Round:
    return Round(
        answers=int(report["answers"]),
        p50_ms=report["p50_ms"],
        p99_ms=report["p99_ms"],
        longest_live_ms=report["longest_live_ms"],
        cpu_seconds=cpu_seconds,
        peak_mb=peak_mb,
    )


def _wait_until_it_answers(contender: Contender, process: Process, log: Path) -> None:
    body = json.dumps(_REQUEST | {"stream": False}).encode()
    request = urllib.request.Request(contender.url, body, {"content-type": "application/json"})
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.is_running:
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                response.read()
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    lines = log.read_text(errors="replace").splitlines()
    raise programs.MissingProgram(
        contender.name, f"it does not answer: {' | '.join(filter(None, lines[-3:]))}"
    )


def compare(bench: Bench, cases: Sequence[Case], rounds: int, seconds_factor: float) -> Rounds:
    """Runs all cases and prints the table of each when it is complete."""
    found: dict[tuple[str, str], list[Round]] = defaultdict(list)
    for case in cases:
        names = [name for name in bench.running if case.with_litellm or name != LITELLM]
        for _ in range(rounds):
            for name in (DIRECT, *names):
                found[case.key, name].append(bench.measure(name, case, seconds_factor))
        print("", *table(case, found, names), sep="\n", flush=True)
        if not case.with_litellm and LITELLM in bench.running:
            print(f"{LITELLM:<12}left out: it would take minutes", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="rounds of each case (default 2)")
    parser.add_argument("--cases", default="abcd", help="which cases, by their letters")
    parser.add_argument("--only", nargs="+", choices=list(PREPARE), default=list(PREPARE))
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="factor of the seconds of each measurement"
    )
    options = parser.parse_args()
    programs.FOLDER.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bench = Bench(stack, folder)
        print("gateway and bare relay ask over gRPC, the others an HTTP server of the same events")
        for name in options.only:
            try:
                bench.start(name)
            except programs.MissingProgram as missing:
                print(f"{missing.name} is left out: {missing.reason}", flush=True)
        cases = [case for case in CASES if case.key in options.cases]
        found = compare(bench, cases, options.rounds, options.seconds)
    print("", last_line(found), sep="\n")


if __name__ == "__main__":
    main()
