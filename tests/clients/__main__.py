"""Runs clients of other makers, unmodified, against a real gateway and a real model-server, and
prints what each call gave. Fails if a result is wrong."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.clients import report
from tests.clients.clients import CLIENTS
from tests.clients.report import Result
from tests.clients.servers import Servers, running


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.clients", description=__doc__)
    parser.add_argument("client", nargs="*", choices=[*CLIENTS, []], help="all without a name")
    names = parser.parse_args().client or list(CLIENTS)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as servers:
        results = [result for name in names for result in _results(name, servers)]
    print(report.table(results))
    wrong = sum(not each.ok for each in results)
    # The closing line that test runners have.
    print(f"{len(results) - wrong} passed, {wrong} failed")
    return 1 if wrong else 0


def _results(name: str, servers: Servers) -> list[Result]:
    try:
        return CLIENTS[name](servers)
    except Exception as error:
        # One client that cannot run does not hide what the others found.
        return [Result(name, "the client", f"{type(error).__name__}: {error}"[:300], ok=False)]


if __name__ == "__main__":
    sys.exit(main())
