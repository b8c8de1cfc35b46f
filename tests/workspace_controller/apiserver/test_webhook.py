"""The webhook of two replicas as a real API server knows it: one authority, and fail open."""

import base64
import socket
import ssl
from functools import partial

import aiohttp

from kaito_kube import kinds
from tests.workspace_controller.apiserver.sandbox import NAME, Sandbox, eventually
from tests.workspace_controller.given import RELEASE, inference_workspace
from tests.workspace_controller.test_webhook import free_port


async def denial(port: int, ca: str) -> str:
    """What the replica behind the port says to a Workspace whose preset does not exist."""
    workspace = inference_workspace()
    workspace["inference"]["preset"]["name"] = "no-such-preset"
    review = {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {"uid": "r-1", "namespace": "team", "object": workspace},
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"https://127.0.0.1:{port}/validate",
            json=review,
            ssl=ssl.create_default_context(cadata=ca),
            server_hostname=f"{NAME}.{RELEASE}.svc",
        ) as answer,
    ):
        response = (await answer.json())["response"]
        assert response["allowed"] is False
        return str(response["status"]["message"])


def listens(port: int) -> bool:
    """The leader registers both replicas, whether or not the other one is ready."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_every_replica_answers_under_the_registered_authority_and_fails_open(
    sandbox: Sandbox,
) -> None:
    ports = free_port(), free_port()
    one, two = (
        sandbox.controller(
            "byo", pod_name=f"replica-{port}", webhook_service=NAME, webhook_port=port
        )
        for port in ports
    )
    async with one, two:
        await eventually(lambda: sandbox.get(kinds.VALIDATING_WEBHOOK, NAME))
        webhook, _ = (sandbox.get(kinds.VALIDATING_WEBHOOK, NAME) or {})["webhooks"]
        assert webhook["failurePolicy"] == "Ignore"
        ca = base64.b64decode(webhook["clientConfig"]["caBundle"]).decode()
        for port in ports:
            await eventually(partial(listens, port))
            assert "no-such-preset" in await denial(port, ca)
        # Nothing routes Services here, so the API server reaches neither replica, and admits.
        assert sandbox.workspace()["metadata"]["uid"]
