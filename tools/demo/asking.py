"""Asks a served model, as the reader does: curl from a pod, and a gRPC client."""

import json
import time

from tools.demo.kubectl import CommandFailed, Kubectl

_TRIES = 3


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
    """POST /chat from a pod in the cluster; returns the body as it came.

    `kubectl run -i` prints nothing where the pod ends before it is attached to: curl, which says
    so when it gets no answer, is then run once more, as its reader would."""
    address = cluster_ip(kubectl, service)
    bodies = (_curl(kubectl, address, question, image) for _ in range(_TRIES))
    return next((body for body in bodies if body), "")


def _curl(kubectl: Kubectl, address: str, question: str, image: str) -> str:
    name = f"curl-{time.monotonic_ns() % 10**9}"
    return kubectl.run(
        *("run", "-i", "--rm", "--restart=Never", "--quiet", name, f"--image={image}", "--"),
        *curl_command(address, question),
    ).strip()


def grpc(kubectl: Kubectl, service: str, question: str) -> str:
    """The model-server's own client, against port 29500 of the Service."""
    return kubectl.run(
        *("exec", f"deployment/{service}", "-c", "model-server", "--"),
        *("python", "-m", "model_server.client", "--target", f"{service}:29500"),
        *("--chat", question),
    ).strip()


def result_of(body: str) -> str:
    """The text of a `/chat` answer. Raises CommandFailed when it is not one."""
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise CommandFailed(f"/chat did not answer JSON: {body!r}") from error
    if set(answer) != {"Result"} or not isinstance(answer["Result"], str):
        raise CommandFailed(f'/chat did not answer {{"Result": "..."}}: {body}')
    return str(answer["Result"])
