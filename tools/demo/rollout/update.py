"""Updates models and front door under load, and collects what the clients noticed."""

import time

from tools.demo import manifests
from tools.demo.cluster import NAMESPACE, reconfigure
from tools.demo.kubectl import Kubectl, wait_for
from tools.demo.rollout.clients import LoadClient, Result
from tools.demo.walkthrough import UNTUNED, Watch

FRONT_DOOR = "kaito-inference-gateway"
# Longer than the old pod takes to finish its streams, and the new one to load its model.
HOLD_SECONDS = 300


def serve_model(kubectl: Kubectl) -> None:
    """A model, listed by a front door that holds requests for as long as the model is away.

    Raises:
        CommandFailed: a command fails.
        TimedOut: the model does not become ready in time, or is not listed.
    """
    kubectl.run("apply", "-f", str(UNTUNED))
    reconfigure({"inference-gateway.settings.holdSeconds": str(HOLD_SECONDS)})
    Watch(kubectl, manifests.UNTUNED).until_ready()
    wait_for("the front door to list the model", lambda: _unlisted(kubectl), 150)


def update_under_load(kubectl: Kubectl, stream_tokens: int) -> list[Result]:
    """Replace the pods of model and front door while clients ask, and what each kind of them got.

    Streams last for more than a minute, whatever they hold: the more tokens, the more of it waits
    for the model. The front door is replaced while the model is away, so that its new pods have
    never seen it.

    Raises:
        CommandFailed: a command fails.
        TimedOut: something is not replaced in time.
    """
    load = LoadClient(kubectl, _image(kubectl))
    try:
        model = f"default/{manifests.UNTUNED}"
        load.start(f"{FRONT_DOOR}.{NAMESPACE}.svc", model, stream_tokens)
        _update(kubectl)
        return load.stop()
    finally:
        load.delete()


def _update(kubectl: Kubectl) -> None:
    old = _pods(kubectl)
    # A variable that nothing reads: any change of its environment replaces a model's pod.
    variable = "workspace-controller.settings.modelServerEnv.ROLLED_OUT_AT"
    reconfigure({variable: time.strftime("t%H%M%S")})
    wait_for("the old model to end", lambda: _serving(kubectl, old), 180, pause=0.2)
    kubectl.run("rollout", "restart", f"deployment/{FRONT_DOOR}", "-n", NAMESPACE)
    wait_for("the old pods to be gone", lambda: _remaining(kubectl, old), 300)
    for name, namespace in ((FRONT_DOOR, NAMESPACE), (manifests.UNTUNED, "default")):
        what = (f"deployment/{name}", "-n", namespace, "--timeout=3m")
        kubectl.run("rollout", "status", *what, timeout=200)


def _image(kubectl: Kubectl) -> str:
    found = kubectl.get("deployment", FRONT_DOOR, "-n", NAMESPACE) or {}
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


def _pods(kubectl: Kubectl) -> set[str]:
    """The pods of the model and of the front door, by UID."""
    labels = ("kaito.sh/workspace", "app.kubernetes.io/name=inference-gateway")
    return {
        pod["metadata"]["uid"]
        for label in labels
        for pod in kubectl.items("pods", "-A", "-l", label)
    }


def _remaining(kubectl: Kubectl, old: set[str]) -> str | None:
    remaining = old & _pods(kubectl)
    return f"{len(remaining)} of {len(old)} remain" if remaining else None


def _serving(kubectl: Kubectl, old: set[str]) -> str | None:
    """The old pods of the model that nobody has deleted yet."""
    pods = [pod["metadata"] for pod in kubectl.items("pods", "-A", "-l", "kaito.sh/workspace")]
    serving = [
        each["name"] for each in pods if each["uid"] in old and "deletionTimestamp" not in each
    ]
    return ", ".join(serving) or None


def _unlisted(kubectl: Kubectl) -> str | None:
    pods = kubectl.items("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=inference-gateway")
    command = "import sys,urllib.request as r;print(r.urlopen(sys.argv[1]).read().decode())"
    url = "http://127.0.0.1:5000/v1/models"
    # Pods of the front door before it was configured may still be ending.
    for pod in (each for each in pods if "deletionTimestamp" not in each["metadata"]):
        name = pod["metadata"]["name"]
        listed = kubectl.run("exec", name, "-n", NAMESPACE, "--", "python", "-c", command, url)
        if manifests.UNTUNED not in listed:
            return f"{name} lists {listed}"
    return None
