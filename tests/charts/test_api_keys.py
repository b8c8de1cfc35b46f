"""The front door with API keys: what is mounted, and where limits are counted."""

import pytest
import yaml
from helm_python import HelmRenderError

from tests.charts.render import Manifest, find, render


def keyed(**api_keys: object) -> Manifest:
    return {"inference-gateway": {"apiKeys": {"enabled": True, **api_keys}}}


def _front_door(release: list[Manifest]) -> Manifest:
    deployment = find(release, "Deployment", "kaito-inference-gateway")
    found: Manifest = deployment["spec"]["template"]["spec"]
    return found


def _environment(release: list[Manifest]) -> dict[str, Manifest]:
    return {each["name"]: each for each in _front_door(release)["containers"][0]["env"]}


def test_keys_are_mounted_and_counted_in_a_valkey() -> None:
    release = render(keyed(secrets=["one", "two"], prices={"*": {"input": "1", "output": "2"}}))
    volumes = {each["name"]: each for each in _front_door(release)["volumes"]}
    assert volumes["keys"]["projected"]["sources"] == [
        {"secret": {"name": name, "optional": True}} for name in ("one", "two")
    ]
    name = "kaito-inference-gateway-valkey"
    environment = _environment(release)
    assert environment["KAITO_KEY_STORE_URL"]["value"] == f"redis://{name}:6379"
    assert environment["KAITO_KEYS_FOLDER"]["value"] == "/etc/kaito/keys"
    prices = find(release, "ConfigMap", volumes["prices"]["configMap"]["name"])["data"]
    assert yaml.safe_load(prices["prices.yaml"]) == {"models": {"*": {"input": "1", "output": "2"}}}
    valkey = find(release, "StatefulSet", name)["spec"]
    pod = valkey["template"]
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    container = pod["spec"]["containers"][0]["securityContext"]
    assert container["readOnlyRootFilesystem"] is True
    assert container["capabilities"] == {"drop": ["ALL"]}
    # The front door's Service must not lead to it, and its own must.
    gateway = find(release, "Service", "kaito-inference-gateway")["spec"]["selector"]
    labels = pod["metadata"]["labels"]
    assert not gateway.items() <= labels.items()
    assert find(release, "Service", name)["spec"]["selector"].items() <= labels.items()
    policy = find(release, "NetworkPolicy", name)["spec"]
    assert policy["ingress"][0]["from"] == [{"podSelector": {"matchLabels": gateway}}]


def test_other_prices_start_the_front_doors_again() -> None:
    def pods(price: str) -> Manifest:
        return _front_door(render(keyed(prices={"*": {"input": price, "output": "2"}})))

    assert pods("1") == pods("1")
    assert pods("1") != pods("2")


def test_keys_may_be_counted_in_a_store_of_one_s_own() -> None:
    release = render(keyed(store="url", urlSecret="redis"))
    assert _environment(release)["KAITO_KEY_STORE_URL"]["valueFrom"] == {
        "secretKeyRef": {"name": "redis", "key": "url"}
    }
    assert not [each for each in release if each["kind"] == "StatefulSet"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (keyed(store="url"), "apiKeys.urlSecret is empty"),
        (keyed(store="memory"), "set apiKeys.store to valkey or url, or replicaCount to 1"),
    ],
)
def test_a_store_that_cannot_count_is_refused(values: Manifest, says: str) -> None:
    with pytest.raises(HelmRenderError, match=says):
        render(values)
