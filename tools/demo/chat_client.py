"""Asks a served model a question: with curl from a pod, and with a gRPC client."""

import json
import time

from tools.demo.kubectl import CommandFailed, Kubectl, wait_for

_POD_TIMEOUT_SECONDS = 120


def curl_command(address: str, question: str) -> list[str]:
    """The documentation's curl command."""
    return [
        "curl", "-sS", "-X", "POST", f"http://{address}/chat",
        "-H", "accept: application/json",
        "-H", "Content-Type: application/json",
        "-d", json.dumps({"prompt": question}),
    ]  # fmt: skip


def cluster_ip(kubectl: Kubectl, service: str) -> str:
    return kubectl.run("get", "svc", service, "-o", "jsonpath={.spec.clusterIPs[0]}")


def chat(kubectl: Kubectl, service: str, question: str, image: str) -> str:
    """POST /chat from a pod in the cluster and return the response body unchanged.

    Raises:
        CommandFailed: curl fails.
        TimedOut: the pod does not finish in time.
    """
    # The body is read from the pod's log. What `kubectl run -i` prints depends on when it attaches:
    # nothing if the pod has already ended, or everything twice if it falls back to the log.
    address = cluster_ip(kubectl, service)
    name = f"curl-{time.monotonic_ns() % 10**9}"
    kubectl.run(
        *("run", "--restart=Never", name, f"--image={image}", "--"),
        *curl_command(address, question),
    )
    try:
        wait_for(f"pod {name} to finish", lambda: _running(kubectl, name), _POD_TIMEOUT_SECONDS)
        body = kubectl.run("logs", name).strip()
        if _phase(kubectl, name) != "Succeeded":
            raise CommandFailed(f"curl of http://{address}/chat failed: {body}")
        return body
    finally:
        kubectl.delete("pod", name, wait=False)


def _running(kubectl: Kubectl, pod: str) -> str | None:
    phase = _phase(kubectl, pod)
    return None if phase in ("Succeeded", "Failed") else f"it is {phase}"


def _phase(kubectl: Kubectl, pod: str) -> str:
    found = kubectl.get("pod", pod) or {}
    return str((found.get("status") or {}).get("phase", "missing"))


def grpc(kubectl: Kubectl, service: str, question: str) -> str:
    """Ask through the model-server's client on port 29500 of the Service."""
    return kubectl.run(
        *("exec", f"deployment/{service}", "-c", "model-server", "--"),
        *("python", "-m", "model_server.client", "--target", f"{service}:29500"),
        *("--chat", question),
    ).strip()


def result_of(body: str) -> str:
    """The text in a `/chat` response.

    Raises:
        CommandFailed: the body is not a `/chat` response.
    """
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise CommandFailed(f"/chat did not return JSON: {body!r}") from error
    if set(answer) != {"Result"} or not isinstance(answer["Result"], str):
        raise CommandFailed(f'/chat did not return {{"Result": "..."}}: {body}')
    return str(answer["Result"])
