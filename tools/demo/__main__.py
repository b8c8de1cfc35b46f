"""make demo: brings everything up, runs the walkthrough, checks its eleven points."""

import argparse
import sys

from tools.demo.kubectl import CommandFailed, Waited
from tools.demo.points import check_all, table
from tools.demo.stage import clear, set_stage
from tools.demo.timeline import Timeline
from tools.demo.walkthrough import delete, walk


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.demo", description=__doc__)
    parser.add_argument(
        "--provisioner",
        choices=("machine", "nodeclaim"),
        default="machine",
        help="the resource that nodes are asked for with",
    )
    parser.add_argument(
        "--delete", action="store_true", help="delete the Workspaces afterwards and check that "
        "nothing is left"
    )  # fmt: skip
    arguments = parser.parse_args()
    timeline = Timeline()
    try:
        return _demo(arguments, timeline)
    except (CommandFailed, Waited) as error:
        print(f"\nerror: {error}\n\n{timeline.table()}", file=sys.stderr)
        return 1


def _demo(arguments: argparse.Namespace, timeline: Timeline) -> int:
    stage = set_stage(timeline, arguments.provisioner)
    with timeline.phase("take away what an earlier run left"):
        clear(stage.kubectl)
    points = check_all(walk(stage, timeline))
    if arguments.delete:
        delete(stage, timeline)
    print(timeline.table())
    print(f"\n{table(points)}\n")
    kept = sum(point.holds for point in points)
    print(f"walkthrough: {kept}/{len(points)}")
    return 0 if kept == len(points) else 1


if __name__ == "__main__":
    sys.exit(main())
