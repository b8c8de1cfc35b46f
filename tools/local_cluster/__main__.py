"""The command line: `python -m tools.local_cluster build|up|down|status|logs|node`."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tools.local_cluster import cluster, topology
from tools.local_cluster.errors import ClusterError
from tools.local_cluster.nodes import membership
from tools.local_cluster.nodes.spec import NodeSpec, Taint
from tools.local_cluster.paths import Paths
from tools.local_cluster.programs import build


def label(text: str) -> tuple[str, str]:
    """Parse `key=value`."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not a label: use KEY=VALUE")
    return key, value


def taint(text: str) -> Taint:
    """Parse `key=value:Effect` or `key:Effect`."""
    left, colon, effect = text.rpartition(":")
    key, _, value = left.partition("=")
    if not (key and colon) or effect not in ("NoSchedule", "PreferNoSchedule", "NoExecute"):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a taint: use KEY=VALUE:NoSchedule (or PreferNoSchedule, NoExecute)"
        )
    return Taint(key, value, effect)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m tools.local_cluster", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="install system packages and build the binaries (cached)")
    up = commands.add_parser("up", help="start the cluster; no effect when it is already up")
    up.add_argument("--no-node", action="store_true", help="start the control plane only")
    down = commands.add_parser("down", help="remove the cluster; keeps the registry's images")
    down.add_argument("--purge", action="store_true", help="also remove the registry's images")
    status = commands.add_parser(
        "status", help="show what is running; exits with 1 when anything is down"
    )
    status.add_argument("-o", "--output", choices=("text", "json"), default="text")
    logs = commands.add_parser("logs", help="print the log of a component")
    logs.add_argument("component", help="etcd, kube-apiserver, ..., or NODE/kubelet")
    logs.add_argument("-f", "--follow", action="store_true")
    _add_node_commands(commands.add_parser("node", help="add, remove and list nodes"))
    return top


def _add_node_commands(node: argparse.ArgumentParser) -> None:
    commands = node.add_subparsers(dest="node_command", required=True)
    add = commands.add_parser("add", help="start a node and wait until it is Ready")
    add.add_argument("name")
    add.add_argument("--label", action="append", default=[], type=label, metavar="KEY=VALUE")
    add.add_argument("--taint", action="append", default=[], type=taint, metavar="KEY=VALUE:EFFECT")
    add.add_argument("--gpus", type=int, default=0, metavar="N")
    add.add_argument("--instance-type", default="")
    add.add_argument("--provider-id", default="")
    remove = commands.add_parser("rm", help="stop a node and remove everything it created")
    remove.add_argument("name")
    remove.add_argument("--delete-object", action="store_true", help="also delete the Node object")
    commands.add_parser("list", help="list the names of the nodes")


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    paths = Paths.from_env(os.environ)
    match options.command:
        case "build":
            build.build(paths)
        case "up":
            cluster.up(paths, with_node=not options.no_node)
        case "down":
            cluster.down(paths, purge=options.purge)
        case "status":
            return _status(paths, options.output)
        case "logs":
            show_log(paths, options.component, follow=options.follow)
        case "node":
            _node(paths, options)
    return 0


def _status(paths: Paths, output: str) -> int:
    status = cluster.status(paths)
    if output == "json":
        extra = {"healthy": status.is_healthy, "kubeconfig": str(paths.kubeconfig)}
        print(json.dumps({**asdict(status), **extra}, indent=2))
    else:
        for name, pid in status.components.items():
            print(f"{name:24} {f'running, pid {pid}' if pid else 'down'}")
        print(f"{'API':24} {'ready' if status.api_ready else 'not ready'}")
        for name, is_running in status.nodes.items():
            print(f"node {name:19} {'running' if is_running else 'down'}")
        print(f"{'KUBECONFIG':24} {paths.kubeconfig}\n{'registry':24} {topology.REGISTRY}")
    return 0 if status.is_healthy else 1


def _log_file(paths: Paths, component: str) -> Path:
    node, _, process = component.rpartition("/")
    return paths.node(node) / "log" / f"{process}.log" if node else paths.log / f"{process}.log"


def show_log(paths: Paths, component: str, *, follow: bool) -> None:
    file = _log_file(paths, component)
    if not file.is_file():
        known = [p.stem for p in sorted(paths.log.glob("*.log"))]
        known += [f"{p.parts[-3]}/{p.stem}" for p in sorted(paths.nodes.glob("*/log/*.log"))]
        raise ClusterError(f"no log for {component!r}; available: {', '.join(known) or 'none'}")
    flags = ["-n", "+1", *(["-F"] if follow else [])]
    os.execvp("tail", ["tail", *flags, str(file)])


def _node(paths: Paths, options: argparse.Namespace) -> None:
    match options.node_command:
        case "add":
            spec = NodeSpec(
                name=options.name,
                labels=dict(options.label),
                taints=options.taint,
                gpus=options.gpus,
                instance_type=options.instance_type,
                provider_id=options.provider_id,
            )
            membership.add(spec, paths)
        case "rm":
            membership.remove(options.name, paths, delete_object=options.delete_object)
        case "list":
            print("\n".join(membership.names(paths)))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ClusterError as error:
        sys.exit(f"error: {error}")
    except PermissionError as error:
        sys.exit(f"error: {error}: the cluster belongs to root: run the command with `sudo -E`")
    except KeyboardInterrupt:
        sys.exit(130)
