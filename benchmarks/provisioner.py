"""What many nodes at once cost: claims created together, until each is Ready, and deleted.

A real etcd and API server on loopback, the AKS emulator without machines (operations of 5 s, over
TLS, through the unmodified SDK), the real gpu-provisioner as a process of its own, and Nodes that
join as the pools get ready. Calls are counted where they arrive, and only the provisioner makes
them. Each round has everything of its own.

    python -m benchmarks.provisioner [--counts 100 500] [--rounds free unpaced throttled limits]
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import jwt

from benchmarks.azure import Emulator, emulated
from benchmarks.claims import Claims
from benchmarks.joiner import Joiner
from benchmarks.process import Process, child, free_port
from benchmarks.sessions import admin_tls, session
from tools.aks_emulator.core.resource_ids import ResourceIds
from tools.aks_emulator.web.assertions import AUDIENCE
from tools.local_cluster import envtest
from tools.local_cluster.envtest import StandaloneApiServer
from tools.local_cluster.paths import Paths

CRDS = Path(__file__).resolve().parents[1] / "charts/kaito/charts/gpu-provisioner/files/crds"
NAMESPACE = "kaito-system"
PATIENCE_S = 900
ROUNDS = ("free", "unpaced", "throttled", "limits")
UNPACED = {"KAITO_ARM_READS_PER_MINUTE": "60000", "KAITO_ARM_WRITES_PER_MINUTE": "60000"}
UPSTREAM = (
    "upstream gpu-provisioner 0.4.3, as recorded: 28 s for 100, 136 s for 500, about 10 calls a "
    "claim, 138 MB, 7 CPU s; 500 deleted in 31 s"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """`made` and `gone` are calls to ARM by kind, up to the last Ready and from there on."""

    label: str
    count: int
    ready_seconds: float
    gone_seconds: float
    made: dict[str, int]
    gone: dict[str, int]
    peak_mb: float
    cpu_seconds: float

    @property
    def calls_per_claim(self) -> float:
        return (sum(self.made.values()) + sum(self.gone.values())) / self.count

    def line(self) -> str:
        kinds = sorted({*self.made, *self.gone})
        calls = ", ".join(
            f"{kind.removeprefix('agentPools.')} {self.made.get(kind, 0)}+{self.gone.get(kind, 0)}"
            for kind in kinds
        )
        return (
            f"{self.label:<12}{self.count:>7}{self.ready_seconds:>10.1f}{self.gone_seconds:>10.1f}"
            f"{self.calls_per_claim:>13.2f}{self.peak_mb:>9.0f}{self.cpu_seconds:>8.1f}   {calls}"
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """`storm` throttles now and then, `limited` as ARM and AKS would; `environ` sets the
    provisioner otherwise than its chart does."""

    label: str
    count: int
    storm: bool = False
    limited: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)


HEAD = (
    f"{'round':<12}{'claims':>7}{'ready s':>10}{'gone s':>10}{'calls/claim':>13}{'peak MB':>9}"
    f"{'CPU s':>8}   calls while made + while deleted"
)


def provisioner_environment(
    api: StandaloneApiServer, folder: Path, emulator_port: int
) -> dict[str, str]:
    ids, url = ResourceIds(), f"https://127.0.0.1:{emulator_port}"
    claims = {"aud": [AUDIENCE], "sub": "system:serviceaccount:kaito-system:gpu-provisioner",
              "iss": "https://k", "exp": int(time.time()) + 7200}  # fmt: skip
    token = folder / "token"
    token.write_text(jwt.encode(claims, "a-key-of-at-least-32-bytes-length", algorithm="HS256"))
    return {
        "KUBECONFIG": str(api.kubeconfig),
        "KAITO_AZURE_SUBSCRIPTION_ID": ids.subscription,
        "KAITO_AZURE_RESOURCE_GROUP": ids.resource_group,
        "KAITO_AZURE_CLUSTER_NAME": ids.cluster,
        "KAITO_AZURE_LOCATION": ids.location,
        "KAITO_AZURE_TENANT_ID": ids.tenant,
        "KAITO_AZURE_CLIENT_ID": "gpu-provisioner",
        "KAITO_ARM_ENDPOINT": url,
        "KAITO_ARM_AUDIENCE": url,
        "KAITO_AZURE_AUTHORITY_HOST": url,
        "KAITO_AZURE_INSTANCE_DISCOVERY": "false",
        "KAITO_AZURE_TOKEN_FILE": str(token),
        "KAITO_AZURE_CA_FILE": str(folder / "aks" / "ca.pem"),
        "KAITO_RELEASE_NAMESPACE": NAMESPACE,
        "KAITO_POD_NAME": "gpu-provisioner-0",
        "KAITO_HTTP_PORT": str(free_port()),
    }


async def leads(api: aiohttp.ClientSession) -> None:
    """Returns once the provisioner acts."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/kaito-gpu-provisioner"
    async with asyncio.timeout(60):
        while True:
            async with api.get(path) as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.2)


async def measure(subject: Process, emulator: Emulator, claims: Claims, plan: Plan) -> Round:
    """The claims' way there and back."""
    await emulator.calls()
    cpu_seconds, begun = subject.cpu_seconds, time.monotonic()
    ready = asyncio.create_task(claims.until(plan.count, gone=False))
    await claims.create(plan.count)
    await ready
    ready_seconds, made = time.monotonic() - begun, await emulator.calls()
    gone = asyncio.create_task(claims.until(plan.count, gone=True))
    begun = time.monotonic()
    await claims.delete(plan.count)
    await gone
    gone_seconds = time.monotonic() - begun
    return Round(
        label=plan.label,
        count=plan.count,
        ready_seconds=ready_seconds,
        gone_seconds=gone_seconds,
        made=made,
        gone=await emulator.calls(),
        peak_mb=subject.peak_mb,
        cpu_seconds=subject.cpu_seconds - cpu_seconds,
    )


async def run(plan: Plan, options: argparse.Namespace) -> Round:
    """One round, on a cluster and an Azure of its own."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kaito-pace-")))
        api = stack.enter_context(envtest.running(Paths.from_env(os.environ), folder / "api"))
        for file in sorted(CRDS.glob("*.yaml")):
            api.install_crd(file)
        api.create_namespace(NAMESPACE)
        port = free_port()
        emulator = await stack.enter_async_context(emulated(folder, port, limited=plan.limited))
        tls = admin_tls(folder / "api" / "pki")
        at_api = await stack.enter_async_context(session(api.url, tls))
        environ = provisioner_environment(api, folder, port)
        log = options.log or folder / "provisioner.log"
        subject = stack.enter_context(child(log, "gpu_provisioner", **environ, **plan.environ))
        await leads(at_api)
        joiner = Joiner(at_api, emulator.controls)
        await stack.enter_async_context(background(joiner.run()))
        if plan.storm:
            await stack.enter_async_context(background(emulator.storm()))
        async with asyncio.timeout(PATIENCE_S):
            return await measure(subject, emulator, Claims(at_api), plan)


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs beside what is done within; its failure is raised there."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        yield
        task.cancel()


def plans(options: argparse.Namespace) -> list[Plan]:
    """`free` is as the chart sets it up, `unpaced` without a budget of calls to speak of."""
    most, found = max(options.counts), []
    for label in options.rounds:
        match label:
            case "free":
                found += [Plan(label, count) for count in options.counts]
            case "unpaced":
                found.append(Plan(label, most, environ=UNPACED))
            case "throttled":
                found.append(Plan(label, most, storm=True))
            case _:
                found.append(Plan(label, most, limited=True))
    return found


def report(rounds: list[Round], counts: list[int]) -> None:
    few, many = rounds[0], next(found for found in rounds if found.count == max(counts))
    if few is not many:
        print(
            f"{many.count / few.count:.1f} times the claims: "
            f"{sum(many.made.values()) / sum(few.made.values()):.1f} times the calls, "
            f"{many.peak_mb / few.peak_mb:.2f} times the memory, "
            f"{many.cpu_seconds / few.cpu_seconds:.1f} times the CPU seconds"
        )
    print(UPSTREAM)
    print(
        f"provisioner: {many.count} ready in {many.ready_seconds:.1f} s, "
        f"{many.calls_per_claim:.2f} calls per claim, {many.peak_mb:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 500], help="claims")
    parser.add_argument(
        "--rounds", nargs="+", default=ROUNDS[:3], choices=ROUNDS,
        help="limits: under ARM's and AKS's own, of which a delete a second is one; takes minutes",
    )  # fmt: skip
    parser.add_argument("--log", type=Path, help="keep the provisioner's log in that file")
    options = parser.parse_args()
    print(HEAD)
    rounds = []
    for plan in plans(options):
        rounds.append(asyncio.run(run(plan, options)))
        print(rounds[-1].line(), flush=True)
    report(rounds, options.counts)


if __name__ == "__main__":
    main()
