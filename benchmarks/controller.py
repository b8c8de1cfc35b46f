"""What a crowd costs: many Workspaces created at once, until each has its node resource.

A real etcd and API server on loopback, without nodes; the real workspace-controller as a process
of its own; and this client, which creates the Workspaces and watches the Machines come. After the
first crowd everything stands still, and what the controller does then is measured too.

    python -m benchmarks.controller [--counts 500 2000] [--idle 60]
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.process import Process, child, free_port
from benchmarks.sessions import admin_tls, session
from tools.local_cluster import envtest
from tools.local_cluster.envtest import StandaloneApiServer
from tools.local_cluster.paths import Paths

CRDS = Path(__file__).resolve().parents[1] / "charts" / "kaito" / "charts"
NAMESPACE, RELEASE = "crowd", "kaito-system"
WORKSPACES = f"/apis/kaito.sh/v1beta1/namespaces/{NAMESPACE}/workspaces"
MACHINES = "/apis/karpenter.sh/v1alpha5/machines"
RIGHTS = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "controller"},
    "roleRef": {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "cluster-admin",
    },
    "subjects": [{"kind": "ServiceAccount", "name": "controller", "namespace": RELEASE}],
}
ABOUT = ("workspaces", "machines", "services", "events", "secrets", "configmaps", "deployments")
AT_ONCE = 32
PATIENCE_S = 600
UPSTREAM = "upstream 0.12.0 with 500: 76 s as shipped, 7.5 s without client limits; 2 CPU s, 76 MB"


def workspace(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "kaito.sh/v1beta1",
        "kind": "Workspace",
        "metadata": {"name": f"crowd-{number:04}"},
        "resource": {
            "instanceType": "Standard_NC6s_v3",
            "labelSelector": {"matchLabels": {"apps": f"crowd-{number:04}"}},
        },
        "inference": {"preset": {"name": "phi-3-mini-128k-instruct"}},
    }


@dataclass(frozen=True, slots=True)
class Client:
    """The API server as its administrator sees it."""

    session: aiohttp.ClientSession

    async def create(self, count: int) -> float:
        """Creates them as fast as they are taken; returns how long that took."""
        begun, numbers = time.monotonic(), iter(range(count))

        async def some() -> None:
            for number in numbers:
                async with self.session.post(WORKSPACES, json=workspace(number)) as answer:
                    assert answer.status == 201, await answer.text()

        await asyncio.gather(*(some() for _ in range(AT_ONCE)))
        return time.monotonic() - begun

    async def provided(self, count: int) -> float:
        """Returns at the moment when so many Workspaces have a Machine."""
        having: set[str] = set()
        query = {"watch": "1", "allowWatchBookmarks": "false"}
        async with self.session.get(MACHINES, params=query, read_bufsize=2**22) as stream:
            async for line in stream.content:
                having.add(json.loads(line)["object"]["metadata"]["labels"]["kaito.sh/workspace"])
                if len(having) == count:
                    return time.monotonic()
        raise SystemExit(f"the watch ended with {len(having)} of {count}")

    async def requests(self) -> int:
        """Calls that were made about anything that belongs to a Workspace, watches left out."""
        async with self.session.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
        asked = [
            line
            for line in lines
            if line.startswith("apiserver_request_total{")
            and any(f'resource="{kind}"' in line for kind in ABOUT)
            and 'verb="WATCH"' not in line
        ]
        return sum(int(float(line.rsplit(" ", 1)[1])) for line in asked)


async def leads(port: int) -> None:
    """Returns when the controller behind that port acts."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        while not await _leads(session):
            await asyncio.sleep(0.1)


async def rests(subject: Process) -> None:
    """Returns when it has used next to nothing for two seconds."""
    quiet = 0
    while quiet < 2:
        before = subject.cpu_seconds
        await asyncio.sleep(1)
        quiet = quiet + 1 if subject.cpu_seconds - before < 0.05 else 0


async def _leads(session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get("/metrics") as answer:
            return "kaito_workspace_leading 1.0" in await answer.text()
    except aiohttp.ClientError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """One crowd. `created_seconds` is the client's part of `seconds`, which it overlaps."""

    count: int
    seconds: float
    created_seconds: float
    cpu_seconds: float
    settled_cpu_seconds: float
    settled_seconds: float
    peak_mb: float

    def line(self) -> str:
        return (
            f"{self.count:>10}{self.created_seconds:>12.1f}{self.seconds:>12.1f}{self.cpu_seconds:>12.1f}"
            f"{self.settled_seconds:>12.1f}{self.settled_cpu_seconds:>12.1f}{self.peak_mb:>12.0f}"
        )


HEAD = "".join(
    f"{word:>{width}}"
    for word, width in (
        ("Workspaces", 10),
        ("created s", 12),
        ("Machines s", 12),
        ("CPU s", 12),
        ("settled s", 12),
        ("CPU s", 12),
        ("peak MB", 12),
    )
)


def environment(api: StandaloneApiServer, port: int) -> dict[str, str]:
    """As in a pod it signs in by the token of its ServiceAccount."""
    bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    api.admin.apply(f"{bindings}/controller", RIGHTS)
    return {
        "KUBECONFIG": str(api.create_account(RELEASE, "controller")),
        "KAITO_RELEASE_NAMESPACE": RELEASE,
        "KAITO_TUNER_IMAGE": "registry.local/tuner:1",
        "KAITO_MODEL_SERVER_IMAGE": "registry.local/model-server:1",
        "KAITO_GATEWAY_IMAGE": "registry.local/gateway:1",
        "KAITO_BACKENDS_CONFIG_MAP": "kaito-backends",
        "KAITO_WEBHOOK_SERVICE": "kaito-workspace-controller",
        "KAITO_WEBHOOK_PORT": str(free_port()),
        "KAITO_HTTP_PORT": str(port),
    }


async def crowd(asking: Client, subject: Process, count: int) -> Crowd:
    await rests(subject)
    watching = asyncio.create_task(asking.provided(count))
    cpu_seconds, begun = subject.cpu_seconds, time.monotonic()
    created_seconds = await asking.create(count)
    seconds = await watching - begun
    cpu_then = subject.cpu_seconds
    await rests(subject)
    return Crowd(
        count=count,
        seconds=seconds,
        created_seconds=created_seconds,
        cpu_seconds=cpu_then - cpu_seconds,
        settled_seconds=time.monotonic() - begun - 2,
        settled_cpu_seconds=subject.cpu_seconds - cpu_seconds,
        peak_mb=subject.peak_mb,
    )


async def standing_still(asking: Client, subject: Process, seconds: float) -> str:
    asked, cpu_seconds = await asking.requests(), subject.cpu_seconds
    await asyncio.sleep(seconds)
    share = (subject.cpu_seconds - cpu_seconds) / seconds
    asked = await asking.requests() - asked
    return f"standing still for {seconds:.0f} s: {share:.2%} of a core, {asked} calls about them"


async def measure(count: int, idle_seconds: float) -> Crowd:
    """One crowd on a cluster of its own; prints its line, and what standing still costs."""
    with tempfile.TemporaryDirectory(prefix="kaito-crowd-") as name:
        folder = Path(name)
        with envtest.running(Paths.from_env(os.environ), folder) as api:
            for file in sorted(CRDS.glob("*/files/crds/*.yaml")):
                api.install_crd(file)
            for namespace in (NAMESPACE, RELEASE):
                api.create_namespace(namespace)
            port = free_port()
            environ = environment(api, port)
            log = folder / "controller.log"
            with child(log, "workspace_controller", **environ) as subject:
                async with session(api.url, admin_tls(api.pki)) as opened:
                    asking = Client(opened)
                    async with asyncio.timeout(PATIENCE_S):
                        await leads(port)
                        found = await crowd(asking, subject, count)
                    print(found.line(), flush=True)
                    if idle_seconds:
                        print(await standing_still(asking, subject, idle_seconds), flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[500, 2000], help="Workspaces")
    parser.add_argument("--idle", type=float, default=60, help="seconds, after the first crowd")
    options = parser.parse_args()
    print(HEAD)
    found = [
        asyncio.run(measure(count, options.idle if index == 0 else 0))
        for index, count in enumerate(options.counts)
    ]
    print(UPSTREAM)
    print(f"controller: {found[0].count} in {found[0].seconds:.1f} s, {found[0].peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
