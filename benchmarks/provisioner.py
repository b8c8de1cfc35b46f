"""Measures the cost of many nodes at once: claims are created together until each is Ready, and
then deleted.

Each round starts a real etcd and API server on loopback, the AKS emulator without machines
(operations of 5 s, over TLS, through the unmodified SDK), the real gpu-provisioner as a process,
and Nodes that join when their pools are ready. The emulator counts the calls; only the provisioner
makes any.

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

from benchmarks.azure import Emulator, running_emulator
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
TIMEOUT_SECONDS = 900
ROUNDS = ("free", "unpaced", "throttled", "limits")
UNPACED = {"KAITO_ARM_READS_PER_MINUTE": "60000", "KAITO_ARM_WRITES_PER_MINUTE": "60000"}
UPSTREAM = (
    "upstream gpu-provisioner 0.4.3, as recorded: 28 s for 100, 136 s for 500, about 10 calls a "
    "claim, 138 MB, 7 CPU s; 500 deleted in 31 s"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The calls to ARM are by kind: until the last claim was Ready, and from then on."""

    label: str
    count: int
    ready_seconds: float
    gone_seconds: float
    calls_until_ready: dict[str, int]
    calls_until_gone: dict[str, int]
    peak_mb: float
    cpu_seconds: float

    @property
    def calls_per_claim(self) -> float:
        return (
            sum(self.calls_until_ready.values()) + sum(self.calls_until_gone.values())
        ) / self.count

    def line(self) -> str:
        ready, gone = self.calls_until_ready, self.calls_until_gone
        kinds = sorted({*ready, *gone})
        calls = ", ".join(
            f"{kind.removeprefix('agentPools.')} {ready.get(kind, 0)}+{gone.get(kind, 0)}"
            for kind in kinds
        )
        return (
            f"{self.label:<12}{self.count:>7}{self.ready_seconds:>10.1f}{self.gone_seconds:>10.1f}"
            f"{self.calls_per_claim:>13.2f}{self.peak_mb:>9.0f}{self.cpu_seconds:>8.1f}   {calls}"
        )


@dataclass(frozen=True, slots=True)
class RoundConfig:
    """`throttled` refuses a call every few seconds, `limited` enforces the limits of ARM and AKS.
    `environ` overrides the provisioner's default settings."""

    label: str
    count: int
    throttled: bool = False
    limited: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)


HEAD = (
    f"{'round':<12}{'claims':>7}{'ready s':>10}{'gone s':>10}{'calls/claim':>13}{'peak MB':>9}"
    f"{'CPU s':>8}   calls until ready + until gone"
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


async def until_leader(api: aiohttp.ClientSession) -> None:
    """Wait until the provisioner leads."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/kaito-gpu-provisioner"
    async with asyncio.timeout(60):
        while True:
            async with api.get(path) as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.2)


async def measure(
    subject: Process, emulator: Emulator, claims: Claims, config: RoundConfig
) -> Round:
    """Create the claims, wait until all are Ready, delete them, and wait until all are gone."""
    await emulator.calls()
    cpu_seconds, begun = subject.cpu_seconds, time.monotonic()
    ready = asyncio.create_task(claims.until(config.count, gone=False))
    await claims.create(config.count)
    await ready
    ready_seconds, calls = time.monotonic() - begun, await emulator.calls()
    gone = asyncio.create_task(claims.until(config.count, gone=True))
    begun = time.monotonic()
    await claims.delete(config.count)
    await gone
    gone_seconds = time.monotonic() - begun
    return Round(
        label=config.label,
        count=config.count,
        ready_seconds=ready_seconds,
        gone_seconds=gone_seconds,
        calls_until_ready=calls,
        calls_until_gone=await emulator.calls(),
        peak_mb=subject.peak_mb,
        cpu_seconds=subject.cpu_seconds - cpu_seconds,
    )


async def run(config: RoundConfig, options: argparse.Namespace) -> Round:
    """Run one round with a new cluster and a new emulator."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kaito-pace-")))
        api = stack.enter_context(envtest.running(Paths.from_env(os.environ), folder / "api"))
        for file in sorted(CRDS.glob("*.yaml")):
            api.install_crd(file)
        api.create_namespace(NAMESPACE)
        port = free_port()
        emulator = await stack.enter_async_context(
            running_emulator(folder, port, limited=config.limited)
        )
        tls = admin_tls(folder / "api" / "pki")
        at_api = await stack.enter_async_context(session(api.url, tls))
        environ = provisioner_environment(api, folder, port)
        log = options.log or folder / "provisioner.log"
        subject = stack.enter_context(child(log, "gpu_provisioner", **environ, **config.environ))
        await until_leader(at_api)
        joiner = Joiner(at_api, emulator.controls)
        await stack.enter_async_context(background(joiner.run()))
        if config.throttled:
            await stack.enter_async_context(background(emulator.storm()))
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await measure(subject, emulator, Claims(at_api), config)


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run the coroutine in the background of the block. Its failure is raised in the block."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        yield
        task.cancel()


def round_configs(options: argparse.Namespace) -> list[RoundConfig]:
    """Return the rounds: `free` with the default settings, `unpaced` with a huge budget."""
    most, found = max(options.counts), []
    for label in options.rounds:
        match label:
            case "free":
                found += [RoundConfig(label, count) for count in options.counts]
            case "unpaced":
                found.append(RoundConfig(label, most, environ=UNPACED))
            case "throttled":
                found.append(RoundConfig(label, most, throttled=True))
            case _:
                found.append(RoundConfig(label, most, limited=True))
    return found


def report(rounds: list[Round], counts: list[int]) -> None:
    few, many = rounds[0], next(found for found in rounds if found.count == max(counts))
    if few is not many:
        calls = sum(many.calls_until_ready.values()) / sum(few.calls_until_ready.values())
        print(
            f"{many.count / few.count:.1f} times the claims: "
            f"{calls:.1f} times the calls, "
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
        help="limits: enforce ARM's and AKS's limits, such as one delete a second; takes minutes",
    )  # fmt: skip
    parser.add_argument("--log", type=Path, help="write the provisioner's log to this file")
    options = parser.parse_args()
    print(HEAD)
    rounds = []
    for config in round_configs(options):
        rounds.append(asyncio.run(run(config, options)))
        print(rounds[-1].line(), flush=True)
    report(rounds, options.counts)


if __name__ == "__main__":
    main()
