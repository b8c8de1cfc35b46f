"""`python -m tools.demo.rollout`: updates models and front door under load; prints what failed."""

import sys

from tools.demo import cloud
from tools.demo.cluster import clear, set_up
from tools.demo.kubectl import CommandFailed, TimedOut
from tools.demo.phase_timer import PhaseTimer
from tools.demo.rollout.update import serve_model, update_under_load

# The model itself needs half a minute for so many, and its old pod as long to finish them.
_STREAM_TOKENS = 3500


def main() -> int:
    timer = PhaseTimer()
    cluster = set_up(timer, "machine")
    cloud.clear_faults()
    clear(cluster)
    try:
        with timer.phase("serve a model"):
            serve_model(cluster.kubectl)
        with timer.phase("update model and front door under load"):
            results = update_under_load(cluster.kubectl, _STREAM_TOKENS)
    except (CommandFailed, TimedOut) as error:
        print(f"rollout: NOT FINISHED: {error}", flush=True)
        return 1
    finally:
        clear(cluster)
    for result in results:
        print(f"  {result}")
    failed = sum(len(result.failures) for result in results)
    print(f"rollout: {failed} failed requests of {sum(result.asked for result in results)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
