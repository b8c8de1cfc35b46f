"""`python -m tools.demo.failures [WORD ...]`: runs failure scenarios and prints the results."""

import argparse
import sys

from tools.demo import cloud
from tools.demo.cluster import clear, set_up
from tools.demo.failures import node_failures, tuning_failures
from tools.demo.failures.runner import row, run_scenario
from tools.demo.kubectl import CommandFailed, TimedOut
from tools.demo.phase_timer import PhaseTimer

PARTS = {"nodes": node_failures.SCENARIOS, "tuning": tuning_failures.SCENARIOS}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.demo.failures", description=__doc__)
    parser.add_argument(
        "word", nargs="*", help="run only scenarios whose title contains one of these words"
    )
    parser.add_argument(
        "--part", choices=PARTS, help="run only node failures, or only tuning failures"
    )
    options = parser.parse_args()
    parts = [PARTS[options.part]] if options.part else list(PARTS.values())
    scenarios = [scenario for part in parts for scenario in part]
    chosen = [
        scenario
        for scenario in scenarios
        if not options.word or any(word in scenario.title for word in options.word)
    ]
    cluster = set_up(PhaseTimer(), "machine")
    failed = 0
    for scenario in chosen:
        cloud.clear_faults()
        clear(cluster)
        try:
            print(row(scenario, run_scenario(cluster, scenario)), flush=True)
        except (CommandFailed, TimedOut) as error:
            failed += 1
            print(f"{scenario.title}: NOT REPORTED: {error}", flush=True)
    cloud.clear_faults()
    clear(cluster)
    print(f"failure scenarios: {len(chosen) - failed}/{len(chosen)} reported as expected")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
