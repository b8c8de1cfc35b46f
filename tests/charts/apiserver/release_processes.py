"""The controllers of an installed release, as processes with its own environment and rights."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tests.gpu_provisioner.emulation import free_port
from tools.demo.kubectl import Kubectl
from tools.local_cluster.envtest import StandaloneApiServer


@asynccontextmanager
async def running(
    api: StandaloneApiServer,
    kubectl: Kubectl,
    namespace: str,
    modules: Mapping[str, str],
    more: Mapping[str, str],
) -> AsyncIterator[None]:
    """`modules` maps a Deployment to its Python module; `more` is for files of the pods."""
    processes = []
    try:
        for deployment, module in modules.items():
            environment = {
                **os.environ,
                **_environment(kubectl, namespace, deployment),
                **more,
                "KUBECONFIG": str(api.create_account(namespace, deployment)),
                "KAITO_POD_NAME": f"{deployment}-0",
                "KAITO_RELEASE_NAMESPACE": namespace,
                "KAITO_HTTP_PORT": str(free_port()),
                "KAITO_WEBHOOK_PORT": str(free_port()),
            }
            command = (sys.executable, "-m", module)
            processes.append(await asyncio.create_subprocess_exec(*command, env=environment))
        yield
    finally:
        for process in processes:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _environment(kubectl: Kubectl, namespace: str, deployment: str) -> dict[str, str]:
    found = kubectl.get("deployment", deployment, "-n", namespace) or {}
    variables = found["spec"]["template"]["spec"]["containers"][0]["env"]
    return {each["name"]: each["value"] for each in variables if "value" in each}
