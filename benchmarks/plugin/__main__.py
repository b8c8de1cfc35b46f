"""CPU seconds of `kubectl kaito --help` and of `status` of 500 Workspaces, beside kubectl's own.

The processes are those that users start; the API server is one on loopback that gives prepared
answers, and its time is not counted. Wall-clock time says nothing on a busy machine.

    python -m benchmarks.plugin [--count 500] [--rounds 7]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.plugin.api_server import serving
from benchmarks.plugin.workspaces import NAMESPACE, workspace
from tools.release.programs import require

PLUGIN = (sys.executable, "-m", "kubectl_kaito")
# What the plugin promises, in CPU seconds.
HELP, STATUS = "--help", "status"
TARGETS = {HELP: 0.3, STATUS: 2.0}


def cpu_seconds(command: Sequence[str], environment: Mapping[str, str], rounds: int) -> float:
    """The median of the rounds, after one that warms caches up."""
    taken = []
    for _ in range(rounds + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return median(taken[1:])


def kubeconfig(url: str) -> str:
    """The text of one for the server at `url`. YAML is a superset of JSON."""
    context = {"cluster": "bench", "user": "bench", "namespace": NAMESPACE}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "bench",
        "contexts": [{"name": "bench", "context": context}],
        "clusters": [{"name": "bench", "cluster": {"server": url}}],
        "users": [{"name": "bench", "user": {"token": "bench"}}],
    }
    return json.dumps(document)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.plugin",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=500, help="Workspaces (default: 500)")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    kubectl = require("kubectl")["kubectl"]
    peers = {HELP: [kubectl, "--help"], STATUS: [kubectl, "get", "workspaces"]}
    workspaces = [workspace(number) for number in range(arguments.count)]
    print(f"{'CPU seconds':<24}{'kubectl kaito':>15}{'target':>9}{'kubectl':>9}{'ratio':>8}")
    with serving(workspaces) as url, tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "config")
        file.write_text(kubeconfig(url))
        environment = {**os.environ, "KUBECONFIG": str(file), "HOME": folder}
        for verb, target in TARGETS.items():
            own = cpu_seconds([*PLUGIN, verb], environment, arguments.rounds)
            peer = cpu_seconds(peers[verb], environment, arguments.rounds)
            what = verb if verb == HELP else f"{verb} of {arguments.count}"
            print(f"{what:<24}{own:>15.2f}{target:>9.1f}{peer:>9.2f}{own / peer:>8.1f}", flush=True)


if __name__ == "__main__":
    main()
