"""What goes wrong with data, secrets and registries."""

from tools.demo import bad_data, manifests
from tools.demo.kubectl import Kubectl, wait_for
from tools.demo.stage import PUSH_LOGIN, PUSH_REGISTRY
from tools.demo.troubles.trouble import Break, Manifest, Trouble


def _url(address: str) -> Break:
    def change(_: Kubectl, manifest: Manifest) -> None:
        manifest["tuning"]["input"]["urls"] = [address]

    return change


def _image(reference: str) -> Break:
    def change(_: Kubectl, manifest: Manifest) -> None:
        manifest["tuning"]["output"]["image"] = reference

    return change


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
    """A data server that is not there yet."""
    found = kubectl.get("deployment", "data-server") or {}
    image = found["spec"]["template"]["spec"]["containers"][0]["image"]
    kubectl.apply(*manifests.data_server("late-data", image, replicas=0))
    wait_for("no data server", lambda: _pods(kubectl, "app=late-data"), 60)
    manifest["tuning"]["input"]["urls"] = [f"http://late-data.default.svc{manifests.DATA_PATH}"]


def _pods(kubectl: Kubectl, labels: str) -> str | None:
    names = [str(pod["metadata"]["name"]) for pod in kubectl.items("pods", "-l", labels)]
    return ", ".join(names) or None


TROUBLES: tuple[Trouble, ...] = (
    Trouble(
        title="data URL unreachable",
        condition="TuningSucceeded",
        reason="DataUnreachable",
        words="late-data.default.svc",
        break_=_late_data,
        mend=_serve_the_data,
        seconds=240,
    ),
    Trouble(
        title="not a parquet file",
        condition="TuningSucceeded",
        reason="DataNotParquet",
        words="broken.parquet",
        break_=_url(f"{bad_data.HOST}/broken.parquet"),
    ),
    Trouble(
        title="missing column",
        condition="TuningSucceeded",
        reason="DataColumnMissing",
        words="messages",
        break_=_url(f"{bad_data.HOST}/columns.parquet"),
    ),
    Trouble(
        title="push secret missing",
        condition="ResourceReady",
        reason="SecretMissing",
        words="trouble-push",
        break_=_no_secret,
        mend=_right_secret,
    ),
    Trouble(
        title="wrong push secret",
        condition="TuningSucceeded",
        reason="PushUnauthorized",
        words=PUSH_REGISTRY,
        break_=_wrong_secret,
        mend=_right_secret,
        seconds=300,
    ),
    Trouble(
        title="registry down",
        condition="TuningSucceeded",
        reason="RegistryUnreachable",
        words="172.30.0.1:5009",
        break_=_image("172.30.0.1:5009/adapters/phi:1"),
        seconds=300,
    ),
)
