"""make demo: starts everything, runs the walkthrough and checks its eleven claims."""

import argparse
import sys

from tools.demo.checks import run_checks, table
from tools.demo.cluster import KaitoCluster, clear, set_up
from tools.demo.kubectl import CommandFailed, Kubectl, TimedOut
from tools.demo.phase_timer import PhaseTimer
from tools.demo.user_inputs import UserInputs, agent_pools
from tools.demo.walkthrough import delete, walk


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.demo", description=__doc__)
    parser.add_argument(
        "--provisioner",
        choices=("machine", "nodeclaim"),
        default="machine",
        help="the resource with which nodes are requested",
    )
    parser.add_argument(
        "--delete",
        action="store_true",
        help="delete the Workspaces afterwards and check that nothing is left",
    )
    own = parser.add_argument_group(
        "your own cluster", "with Kaito installed; nothing is started then"
    )
    own.add_argument("--context", help="kubeconfig context to use instead of the local cluster")
    own.add_argument("--image", help="image to push the adapter to, registry/repository:tag")
    own.add_argument("--secret", help="Secret with the credentials to push it")
    own.add_argument("--data-url", help="URL of a parquet file with a messages column")
    own.add_argument("--curl-image", default="curlimages/curl")
    return parser


def main() -> int:
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.context and not (arguments.image and arguments.secret and arguments.data_url):
        parser.error("--context needs --image, --secret and --data-url as well")
    timer = PhaseTimer()
    try:
        return _demo(arguments, timer)
    except (CommandFailed, TimedOut) as error:
        print(f"\nerror: {error}\n\n{timer.table()}", file=sys.stderr)
        return 1


def _own_cluster(arguments: argparse.Namespace) -> KaitoCluster:
    kubectl = Kubectl(flags=("--context", arguments.context))
    inputs = UserInputs(
        image=arguments.image,
        secret=arguments.secret,
        data_url=arguments.data_url,
        curl_image=arguments.curl_image,
        pools=lambda: agent_pools(kubectl),
    )
    return KaitoCluster(kubectl, arguments.provisioner, inputs)


def _demo(arguments: argparse.Namespace, timer: PhaseTimer) -> int:
    own = bool(arguments.context)
    cluster = _own_cluster(arguments) if own else set_up(timer, arguments.provisioner)
    with timer.phase("clean up after an earlier run"):
        clear(cluster)
    results = run_checks(walk(cluster, timer))
    if arguments.delete:
        delete(cluster, timer)
    print(timer.table())
    print(f"\n{table(results)}\n")
    passed = sum(result.passed for result in results)
    print(f"walkthrough: {passed}/{len(results)}")
    return 0 if passed == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
