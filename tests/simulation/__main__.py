"""`python -m tests.simulation`: runs many schedules on all cores, or one with its story."""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import as_completed

from tests.simulation.run import Outcome, run, run_demand
from tests.simulation.schedule import draw
from tests.simulation.story import clock
from tests.simulation.tally import Tally, tally_of
from tests.simulation.worker_pool import worker_pool

_BATCH = 20
_STORIES = 3


def main() -> int:
    options = _arguments()
    if options.seed is not None:
        outcome = _run(options, options.seed)
        _print_story(outcome, whole=options.verbose)
        return 1 if outcome.violations else 0
    started_at = time.monotonic()
    seeds = range(options.first, options.first + options.schedules)
    tally = _run_all(seeds, options.jobs, demand=options.demand)
    for seed in sorted(tally.failed)[:_STORIES]:
        _print_story(_run(options, seed), whole=False)
    print(f"{time.monotonic() - started_at:.0f} s on {options.jobs} processes")
    print("\n".join(tally.lines()))
    return 1 if tally.failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000, help="number of schedules")
    parser.add_argument("--first", type=int, default=0, help="seed of the first schedule")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="number of processes")
    parser.add_argument("--seed", type=int, help="run only this seed and print its story")
    parser.add_argument(
        "--demand", action="store_true", help="clients, front doors and InferenceSets instead"
    )
    parser.add_argument("--verbose", action="store_true", help="include every read and log line")
    return parser.parse_args()


def _run(options: argparse.Namespace, seed: int) -> Outcome:
    chosen = run_demand if options.demand else run
    return chosen(seed, verbose=options.verbose)


def _run_all(seeds: range, jobs: int, *, demand: bool) -> Tally:
    whole = Tally()
    with worker_pool(jobs) as pool:
        batches = [pool.submit(tally_of, batch, demand=demand) for batch in _batches(seeds)]
        for done in as_completed(batches):
            found = done.result()
            whole.add(found)
            for seed, words in sorted(found.failed.items()):
                print(f"seed {seed}: {words}", file=sys.stderr, flush=True)
            _progress(whole, len(seeds))
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return whole


def _batches(seeds: range) -> Iterator[range]:
    for start in range(0, len(seeds), _BATCH):
        yield seeds[start : start + _BATCH]


def _progress(tally: Tally, total: int) -> None:
    """Print progress: one line that is overwritten on a terminal, otherwise ten lines."""
    words = f"{tally.schedules} of {total} schedules, {len(tally.failed)} failed"
    if sys.stderr.isatty():
        print(f"\r{words}", end="", file=sys.stderr, flush=True)
    elif tally.schedules % max(_BATCH, total // 10) == 0:
        print(words, file=sys.stderr, flush=True)


def _print_story(outcome: Outcome, *, whole: bool) -> None:
    """Print the story of a violation, which is the last line; without one, the whole story."""
    schedule = draw(outcome.seed)
    print(f"seed {outcome.seed}: {len(schedule.faults)} kinds of faults")
    print(f"  {', '.join(sorted(fault.value for fault in schedule.faults))}")
    about = {violation.about for violation in outcome.violations}
    print("\n".join(outcome.story.lines(None if whole or not about else about)))
    for violation in outcome.violations:
        print(f"{clock(outcome.seconds)}  {violation.kind}: {violation.about} {violation.what}")
    print(f"again: make simulate SEED={outcome.seed}")


if __name__ == "__main__":
    sys.exit(main())
