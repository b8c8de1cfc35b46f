"""Wrong values are refused with their name, and right ones are rendered as they were written."""

from typing import Any

import pytest
import yaml
from helm_python import HelmRenderError, HelmValuesError

from gpu_provisioner.settings import Settings as ProvisionerSettings
from inference_gateway.settings import Settings as GatewaySettings
from tests.charts.render import CHART, Manifest, find, render
from tools.demo import release as demo
from tools.images.recipes import RELEASED
from workspace_controller.settings import Settings as ControllerSettings

READERS: dict[str, Any] = {
    "workspace-controller": ControllerSettings,
    "gpu-provisioner": ProvisionerSettings,
    "inference-gateway": GatewaySettings,
}
DIGEST = "sha256:" + "0" * 64


def _values(text: str) -> Manifest:
    """As Helm reads a values file."""
    values: Manifest = yaml.safe_load(text)
    return values


def _container(release: list[Manifest], service: str) -> Manifest:
    pod = find(release, "Deployment", f"kaito-{service}")["spec"]["template"]["spec"]
    container: Manifest = pod["containers"][0]
    return container


def _environment(release: list[Manifest], service: str) -> dict[str, str]:
    return {e["name"]: e.get("value", "pod") for e in _container(release, service)["env"]}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("global: {image: {tag: 20190612073634}}", "/global/image/tag"),
        ("workspace-controller: {image: {tag: 1.10}}", "/image/tag"),
        ("workspace-controller: {workloads: {tuner: {tag: 7}}}", "/workloads/tuner/tag"),
        ("workspace-controller: {settings: {logLevl: debug}}", "logLevl"),
        ("workspace-controller: {settings: {tunerEnv: {N: 1.10}}}", "/settings/tunerEnv/N"),
        ("gpu-provisoner: {enabled: false}", "gpu-provisoner"),
        ("global: {nodeProvisioner: karpenter}", "/global/nodeProvisioner"),
        ("gpu-provisioner: {settings: {httpPort: 80800}}", "/settings/httpPort"),
        ("gpu-provisioner: {settings: {maxPods: 5}}", "/settings/maxPods"),
        (
            "gpu-provisioner: {settings: {agentPoolTags: {cost: 12}}}",
            "/settings/agentPoolTags/cost",
        ),
        ("inference-gateway: {replicaCount: two}", "/replicaCount"),
        ("inference-gateway: {replicaCount: null}", "replicaCount"),
        ("gpu-provisioner: {settings: {launchTimeoutSeconds: 1e25}}", "launchTimeoutSeconds"),
        ("inference-gateway: {podAnnotations: {build: 1.10}}", "/podAnnotations/build"),
        ("inference-gateway: {podLabels: {app.kubernetes.io/name: x}}", "/podLabels/app"),
        ("inference-gateway: {extraEnv: [{name: N, value: 4}]}", "/extraEnv/0/value"),
        ("inference-gateway: {image: {digest: 'sha256:12'}}", "/image/digest"),
        ("inference-gateway: {service: {annotations: {a: true}}}", "/service/annotations/a"),
        ("global: {image: {registry: 'https://r.test/kaito'}}", "/global/image/registry"),
    ],
)
def test_wrong_value_is_refused_with_its_name(text: str, named: str) -> None:
    with pytest.raises(HelmValuesError) as refused:
        render(_values(text))
    assert named in str(refused.value)


def test_number_in_place_of_text_is_refused_with_the_remedy() -> None:
    with pytest.raises(HelmValuesError, match="text in quotes"):
        render(_values("global: {image: {tag: 1.10}}"))


@pytest.mark.parametrize("tag", ["20190612073634", "1.10", "1e3", "0123", "v1"])
def test_quoted_tag_is_rendered_as_written(tag: str) -> None:
    release = render(_values(f"global: {{image: {{tag: '{tag}'}}}}"))
    for service in READERS:
        assert _container(release, service)["image"] == f"example.test/kaito/{service}:{tag}"
    environment = _environment(release, "workspace-controller")
    assert environment["KAITO_TUNER_IMAGE"] == f"example.test/kaito/tuner:{tag}"


def test_quoted_labels_and_annotations_are_rendered_as_written() -> None:
    release = render(
        _values("""
            inference-gateway:
              podLabels: {build: "1.10"}
              podAnnotations: {at: "20190612073634"}
              serviceAccount: {annotations: {at: "1e3"}}
              nodeSelector: {zone: "1"}
            """)
    )
    template = find(release, "Deployment", "kaito-inference-gateway")["spec"]["template"]
    account = find(release, "ServiceAccount", "kaito-inference-gateway")
    assert template["metadata"]["labels"]["build"] == "1.10"
    assert template["metadata"]["annotations"] == {"at": "20190612073634"}
    assert template["spec"]["nodeSelector"]["zone"] == "1"
    assert account["metadata"]["annotations"] == {"at": "1e3"}


def test_large_numbers_are_rendered_without_an_exponent() -> None:
    release = render(
        _values("""
            workspace-controller: {settings: {maxDataBytes: 1099511627776}}
            inference-gateway: {settings: {maxBodyBytes: 2147483647}}
            gpu-provisioner: {settings: {spotMaxPrice: 0.00001}}
            """)
    )
    assert _environment(release, "workspace-controller")["KAITO_MAX_DATA_BYTES"] == "1099511627776"
    assert _environment(release, "inference-gateway")["KAITO_MAX_BODY_BYTES"] == "2147483647"
    assert _environment(release, "gpu-provisioner")["KAITO_SPOT_MAX_PRICE"] == "0.00001"


@pytest.mark.parametrize("service", READERS)
def test_services_accept_the_settings_that_are_rendered(service: str) -> None:
    READERS[service].from_env(_environment(render(), service))


def _choices() -> list[tuple[str, str, str]]:
    """Every setting with a list of choices, with each of them."""
    found = []
    for service in READERS:
        schema = yaml.safe_load((CHART / "charts" / service / "values.schema.json").read_text())
        for name, setting in schema["properties"]["settings"]["properties"].items():
            found += [(service, name, choice) for choice in setting.get("enum", ())]
    return found


@pytest.mark.parametrize(("service", "name", "choice"), _choices())
def test_services_accept_every_choice(service: str, name: str, choice: str) -> None:
    release = render({service: {"settings": {name: choice}}})
    READERS[service].from_env(_environment(release, service))


def test_missing_registry_is_refused_with_the_remedy() -> None:
    with pytest.raises(
        HelmRenderError, match=r"global\.image\.registry is empty.*docs/installation"
    ):
        render({"global": {"image": {"registry": ""}}})


def test_registry_is_not_needed_where_every_image_is_named() -> None:
    image = {"repository": "r.test/any", "tag": "1"}
    render(
        {
            "global": {"image": {"registry": ""}},
            "gpu-provisioner": {"image": image},
            "inference-gateway": {"image": image},
            "workspace-controller": {
                "image": image,
                "workloads": dict.fromkeys(
                    ("tuner", "modelServer", "modelServerSlim", "gateway"), image
                ),
            },
        }
    )


@pytest.mark.parametrize("provisioner", ["machine", "nodeclaim"])
def test_values_of_the_demo_are_accepted(provisioner: str) -> None:
    images = {name: f"172.30.0.1:5000/kaito/{name}:0a1" for name in RELEASED}
    render(demo.values(images, ["172.30.0.1:5000"], provisioner, {"KAITO_CPU_BFLOAT16": "false"}))


def test_digest_takes_precedence_over_the_tag() -> None:
    image = {"tag": "7", "digests": {"tuner": DIGEST}}
    release = render(
        {"global": {"image": image}, "gpu-provisioner": {"image": {"digest": DIGEST, "tag": "8"}}}
    )
    environment = _environment(release, "workspace-controller")
    assert environment["KAITO_TUNER_IMAGE"] == f"example.test/kaito/tuner@{DIGEST}"
    assert environment["KAITO_MODEL_SERVER_IMAGE"] == "example.test/kaito/model-server:7"
    provisioner = _container(release, "gpu-provisioner")["image"]
    assert provisioner == f"example.test/kaito/gpu-provisioner@{DIGEST}"


def test_tag_of_one_image_takes_precedence_over_the_release_s_digest() -> None:
    release = render(
        {
            "global": {"image": {"digests": {"inference-gateway": DIGEST}}},
            "inference-gateway": {"image": {"tag": "9"}},
        }
    )
    assert _container(release, "inference-gateway")["image"].endswith("/inference-gateway:9")


def test_every_image_has_a_digest_value() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert set(values["global"]["image"]["digests"]) == set(RELEASED)
