"""Failures of data, Secrets and registries."""

from tools.demo import bad_data, manifests
from tools.demo.cluster import PUSH_LOGIN, PUSH_REGISTRY
from tools.demo.failures.scenario import FailureScenario, Inject, Manifest
from tools.demo.kubectl import Kubectl, wait_for


def _url(address: str) -> Inject:
    def change(_: Kubectl, manifest: Manifest) -> None:
        manifest["tuning"]["input"]["urls"] = [address]

    return change


def _image(reference: str) -> Inject:
    def change(_: Kubectl, manifest: Manifest) -> None:
        manifest["tuning"]["output"]["image"] = reference

    return change


def _no_config(_: Kubectl, manifest: Manifest) -> None:
    manifest["tuning"]["config"] = "no-such-map"


def _wrong_secret(kubectl: Kubectl, manifest: Manifest) -> None:
    user, _ = PUSH_LOGIN
    kubectl.apply(manifests.push_secret("trouble-push", PUSH_REGISTRY, user, "not the password"))
    manifest["tuning"]["output"]["imagePushSecret"] = "trouble-push"


def _right_secret(kubectl: Kubectl) -> None:
    kubectl.apply(manifests.push_secret("trouble-push", PUSH_REGISTRY, *PUSH_LOGIN))


def _no_secret(kubectl: Kubectl, manifest: Manifest) -> None:
    kubectl.delete("secret", "trouble-push")
    manifest["tuning"]["output"]["imagePushSecret"] = "trouble-push"


def _serve_the_data(kubectl: Kubectl) -> None:
    kubectl.run("scale", "deployment", "late-data", "--replicas=1")


def _late_data(kubectl: Kubectl, manifest: Manifest) -> None:
    """A data server without any replica."""
    found = kubectl.get("deployment", "data-server") or {}
    image = found["spec"]["template"]["spec"]["containers"][0]["image"]
    kubectl.apply(*manifests.data_server("late-data", image, replicas=0))
    wait_for("no data server", lambda: _pods(kubectl, "app=late-data"), 60)
    manifest["tuning"]["input"]["urls"] = [f"http://late-data.default.svc{manifests.DATA_PATH}"]


def _pods(kubectl: Kubectl, labels: str) -> str | None:
    names = [str(pod["metadata"]["name"]) for pod in kubectl.items("pods", "-l", labels)]
    return ", ".join(names) or None


SCENARIOS: tuple[FailureScenario, ...] = (
    FailureScenario(
        title="data URL unreachable",
        condition="TuningSucceeded",
        reason="DataUnreachable",
        message_contains="late-data.default.svc",
        inject=_late_data,
        fix=_serve_the_data,
        costs_no_node=True,
        timeout_seconds=240,
    ),
    FailureScenario(
        title="not a parquet file",
        condition="TuningSucceeded",
        reason="DataUnreadable",
        message_contains="broken.parquet",
        inject=_url(f"{bad_data.HOST}/broken.parquet"),
        costs_no_node=True,
    ),
    FailureScenario(
        title="missing column",
        condition="TuningSucceeded",
        reason="DataColumnMissing",
        message_contains="messages",
        inject=_url(f"{bad_data.HOST}/columns.parquet"),
        costs_no_node=True,
    ),
    FailureScenario(
        title="configuration missing",
        condition="ResourceReady",
        reason="ConfigMapMissing",
        message_contains="no-such-map",
        inject=_no_config,
        costs_no_node=True,
    ),
    FailureScenario(
        title="push secret missing",
        condition="ResourceReady",
        reason="SecretMissing",
        message_contains="trouble-push",
        inject=_no_secret,
        fix=_right_secret,
        costs_no_node=True,
    ),
    FailureScenario(
        title="wrong push secret",
        condition="TuningSucceeded",
        reason="PushUnauthorized",
        message_contains=PUSH_REGISTRY,
        inject=_wrong_secret,
        fix=_right_secret,
        costs_no_node=True,
        timeout_seconds=300,
    ),
    FailureScenario(
        title="registry down",
        condition="TuningSucceeded",
        reason="RegistryUnreachable",
        message_contains="172.30.0.1:5009",
        inject=_image("172.30.0.1:5009/adapters/phi:1"),
        costs_no_node=True,
        timeout_seconds=300,
    ),
)
