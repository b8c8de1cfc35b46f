"""How fast many Workspaces that are created at once get their Machines, and at what cost.

A real etcd and API server run on loopback, without nodes, and the real workspace-controller as its
own process. This client creates the Workspaces and watches for the Machines. After the first burst
it measures what the controller costs while nothing changes.

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
NAMESPACE, RELEASE = "burst", "kaito-system"
WORKSPACES = f"/apis/kaito.sh/v1beta1/namespaces/{NAMESPACE}/workspaces"
MACHINES = "/apis/karpenter.sh/v1alpha5/machines"
CLUSTER_ADMIN = {
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
RESOURCES = ("workspaces", "machines", "services", "events", "secrets", "configmaps", "deployments")
# Enough concurrent creates to keep the API server busy.
CONCURRENCY = 32
TIMEOUT_SECONDS = 600
UPSTREAM = "upstream 0.12.0 with 500: 76 s as shipped, 7.5 s without client limits; 2 CPU s, 76 MB"


def workspace(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "kaito.sh/v1beta1",
        "kind": "Workspace",
        "metadata": {"name": f"burst-{number:04}"},
        "resource": {
            "instanceType": "Standard_NC6s_v3",
            "labelSelector": {"matchLabels": {"apps": f"burst-{number:04}"}},
        },
        "inference": {"preset": {"name": "phi-3-mini-128k-instruct"}},
    }


@dataclass(frozen=True, slots=True)
class Client:
    """Calls the API server as its administrator."""

    session: aiohttp.ClientSession

    async def create(self, count: int) -> float:
        """Creates Workspaces as fast as the API server accepts them, and returns the seconds."""
        started, numbers = time.monotonic(), iter(range(count))

        async def create_some() -> None:
            for number in numbers:
                async with self.session.post(WORKSPACES, json=workspace(number)) as answer:
                    assert answer.status == 201, await answer.text()

        await asyncio.gather(*(create_some() for _ in range(CONCURRENCY)))
        return time.monotonic() - started

    async def wait_for_machines(self, count: int) -> float:
        """Returns the time at which `count` Workspaces have a Machine."""
        owners: set[str] = set()
        query = {"watch": "1", "allowWatchBookmarks": "false"}
        async with self.session.get(MACHINES, params=query, read_bufsize=2**22) as stream:
            async for line in stream.content:
                owners.add(json.loads(line)["object"]["metadata"]["labels"]["kaito.sh/workspace"])
                if len(owners) == count:
                    return time.monotonic()
        raise SystemExit(f"the watch ended with {len(owners)} of {count}")

    async def count_requests(self) -> int:
        """Requests so far for any resource of a Workspace, except watches."""
        async with self.session.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
        counters = [
            line
            for line in lines
            if line.startswith("apiserver_request_total{")
            and any(f'resource="{kind}"' in line for kind in RESOURCES)
            and 'verb="WATCH"' not in line
        ]
        return sum(int(float(line.rsplit(" ", 1)[1])) for line in counters)


async def wait_for_leader(port: int) -> None:
    """Returns when the controller behind that port leads."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        while not await _is_leader(session):
            await asyncio.sleep(0.1)


async def wait_until_idle(subject: Process) -> None:
    """Returns when the process has used less than 5 % of a core for two seconds."""
    quiet = 0
    while quiet < 2:
        before = subject.cpu_seconds
        await asyncio.sleep(1)
        quiet = quiet + 1 if subject.cpu_seconds - before < 0.05 else 0


async def _is_leader(session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get("/metrics") as answer:
            return "kaito_workspace_leading 1.0" in await answer.text()
    except aiohttp.ClientError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """What one burst took. Creating them took `created_seconds`, which `seconds` include."""

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
    """The controller signs in with the token of a ServiceAccount, as it does in a pod."""
    bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    api.admin.apply(f"{bindings}/controller", CLUSTER_ADMIN)
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


async def run_burst(client: Client, subject: Process, count: int) -> Burst:
    await wait_until_idle(subject)
    watching = asyncio.create_task(client.wait_for_machines(count))
    cpu_seconds, started = subject.cpu_seconds, time.monotonic()
    created_seconds = await client.create(count)
    seconds = await watching - started
    cpu_seconds_at_last_machine = subject.cpu_seconds
    await wait_until_idle(subject)
    # It took two idle seconds to see that the process is idle.
    return Burst(
        count=count,
        seconds=seconds,
        created_seconds=created_seconds,
        cpu_seconds=cpu_seconds_at_last_machine - cpu_seconds,
        settled_seconds=time.monotonic() - started - 2,
        settled_cpu_seconds=subject.cpu_seconds - cpu_seconds,
        peak_mb=subject.peak_mb,
    )


async def measure_idle(client: Client, subject: Process, seconds: float) -> str:
    requests, cpu_seconds = await client.count_requests(), subject.cpu_seconds
    await asyncio.sleep(seconds)
    share = (subject.cpu_seconds - cpu_seconds) / seconds
    requests = await client.count_requests() - requests
    return (
        f"idle for {seconds:.0f} s: {share:.2%} of a core, {requests} requests for their resources"
    )


async def measure(count: int, idle_seconds: float) -> Burst:
    """Runs one burst on a new API server. Prints its line, and what idling costs."""
    with tempfile.TemporaryDirectory(prefix="kaito-burst-") as name:
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
                    client = Client(opened)
                    async with asyncio.timeout(TIMEOUT_SECONDS):
                        await wait_for_leader(port)
                        burst = await run_burst(client, subject, count)
                    print(burst.line(), flush=True)
                    if idle_seconds:
                        print(await measure_idle(client, subject, idle_seconds), flush=True)
    return burst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[500, 2000], help="Workspaces")
    parser.add_argument(
        "--idle", type=float, default=60, help="seconds to idle after the first burst"
    )
    options = parser.parse_args()
    print(HEAD)
    bursts = [
        asyncio.run(measure(count, options.idle if index == 0 else 0))
        for index, count in enumerate(options.counts)
    ]
    print(UPSTREAM)
    print(f"controller: {bursts[0].count} in {bursts[0].seconds:.1f} s, {bursts[0].peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
