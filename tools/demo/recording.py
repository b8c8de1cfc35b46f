"""`make recording`: a newcomer's path, from `doctor` to `cost`, as it appears in their terminal."""

import sys
from pathlib import Path

from tools.demo import pages
from tools.demo.cluster import KaitoCluster, clear, set_up
from tools.demo.kubectl import CommandFailed, TimedOut
from tools.demo.newcomer import newcomer
from tools.demo.phase_timer import PhaseTimer
from tools.venvs import ROOT

PAGE = ROOT / "docs" / "quickstart.md"


def record(cluster: KaitoCluster, page: Path = PAGE) -> list[str]:
    """Run and print every command of a runnable page; returns what differs from the page.

    Raises:
        CommandFailed: a command fails.
    """
    differences = []
    with newcomer(cluster) as environment:
        for example, printed in pages.run(page, ROOT, environment):
            print(pages.transcript(example, printed), flush=True)
            if (difference := example.differs(printed)) is not None:
                differences.append(f"{example.code.splitlines()[0]}: {difference}")
    return differences


def main() -> int:
    cluster = set_up(PhaseTimer(), "machine")
    clear(cluster)
    try:
        differences = record(cluster)
    except (CommandFailed, TimedOut) as error:
        print(f"recording: NOT FINISHED: {error}", flush=True)
        return 1
    print("\n".join(differences) or f"recording: as {PAGE.relative_to(ROOT)} shows it")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
