"""make demo: brings everything up, runs the walkthrough, checks its eleven points."""

import argparse
import sys

from tools.demo.kubectl import CommandFailed, Kubectl, Waited
from tools.demo.points import check_all, table
from tools.demo.reader import Reader, agent_pools
from tools.demo.stage import Stage, clear, set_stage
from tools.demo.timeline import Timeline
from tools.demo.walkthrough import delete, walk


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.demo", description=__doc__)
    parser.add_argument(
        "--provisioner",
        choices=("machine", "nodeclaim"),
        default="machine",
        help="the resource that nodes are asked for with",
    )
    parser.add_argument(
        "--delete",
        action="store_true",
        help="delete the Workspaces afterwards and check that nothing is left",
    )
    own = parser.add_argument_group(
        "a cluster of one's own", "with Kaito installed; nothing is brought up then"
    )
    own.add_argument("--context", help="kubeconfig context to use instead of the local cluster")
    own.add_argument("--image", help="where the adapter is pushed, registry/repository:tag")
    own.add_argument("--secret", help="the Secret that may push it")
    own.add_argument("--data-url", help="a parquet file with a column messages")
    own.add_argument("--curl-image", default="curlimages/curl")
    return parser


def main() -> int:
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.context and not (arguments.image and arguments.secret and arguments.data_url):
        parser.error("--context goes with --image, --secret and --data-url")
    timeline = Timeline()
    try:
        return _demo(arguments, timeline)
    except (CommandFailed, Waited) as error:
        print(f"\nerror: {error}\n\n{timeline.table()}", file=sys.stderr)
        return 1


def _own_stage(arguments: argparse.Namespace) -> Stage:
    kubectl = Kubectl(flags=("--context", arguments.context))
    reader = Reader(
        image=arguments.image,
        secret=arguments.secret,
        data_url=arguments.data_url,
        curl_image=arguments.curl_image,
        pools=lambda: agent_pools(kubectl),
    )
    return Stage(kubectl, arguments.provisioner, reader)


def _demo(arguments: argparse.Namespace, timeline: Timeline) -> int:
    if arguments.context:
        stage = _own_stage(arguments)
    else:
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
