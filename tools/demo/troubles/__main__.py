"""`python -m tools.demo.troubles [WORD ...]`: provokes them one by one and prints the table."""

import argparse
import sys

from tools.demo import cloud
from tools.demo.kubectl import CommandFailed, Waited
from tools.demo.stage import clear, set_stage
from tools.demo.timeline import Timeline
from tools.demo.troubles import with_nodes, with_tuning
from tools.demo.troubles.provoke import provoke, row

PARTS = {"nodes": with_nodes.TROUBLES, "tuning": with_tuning.TROUBLES}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.demo.troubles", description=__doc__)
    parser.add_argument("word", nargs="*", help="only kinds with one of these words in their title")
    parser.add_argument("--part", choices=PARTS, help="only those with nodes, or with tuning")
    given = parser.parse_args()
    parts = [PARTS[given.part]] if given.part else list(PARTS.values())
    kinds = [trouble for part in parts for trouble in part]
    chosen = [t for t in kinds if not given.word or any(word in t.title for word in given.word)]
    stage = set_stage(Timeline(), "machine")
    failed = 0
    for trouble in chosen:
        cloud.clear_faults()
        clear(stage.kubectl)
        try:
            print(row(trouble, provoke(stage, trouble)), flush=True)
        except (CommandFailed, Waited) as error:
            failed += 1
            print(f"{trouble.title}: NOT SHOWN: {error}", flush=True)
    cloud.clear_faults()
    clear(stage.kubectl)
    print(f"troubles: {len(chosen) - failed}/{len(chosen)} told as they should be")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
