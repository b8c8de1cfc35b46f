"""What `kubectl kaito plan` shows, and what Azure then bills by its own book."""

import json
import os
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e import az_rest
from tests.e2e.reported import until_reported
from tools.demo import cloud, manifests
from tools.demo.cluster import NAMESPACE, KaitoCluster, reconfigure, wait_for_ended_controllers
from tools.demo.kubectl import CommandFailed, Kubectl, Manifest, wait_for
from tools.demo.plugin import Document, Plugin
from tools.demo.release import AZURE

pytestmark = pytest.mark.long

NAME = manifests.FAILING
SUBSCRIPTION = AZURE["azureSubscriptionId"]
CONTROLLER = "kaito-workspace-controller"
PRICE_LIST = "workspace-controller.settings.priceList"
MODELS = (
    "phi-2",
    "phi-3-mini-128k-instruct",
    "ministral-3-8b-instruct-2512",
    "falcon-7b",
    "mistral-7b-v0.3",
)
PLENTY = 100_000


@dataclass(frozen=True, slots=True)
class Planner:
    """A user with `az login`, to whom the price list answers."""

    kubectl: Kubectl
    plugin: Plugin

    def plan(self, *arguments: str) -> Document:
        return self.plugin.run(
            "plan", *arguments, "--name", NAME, "--subscription", SUBSCRIPTION, "-o", "json"
        ).json

    def manifest(self, model: str, size: str) -> str:
        """What `deploy` would apply: with the price that it shows as the limit."""
        options = ("--name", NAME, "--instance-type", size, "--dry-run")
        return self.plugin.run("deploy", model, *options).out

    def status(self) -> Manifest:
        return dict((self.kubectl.get("workspace", NAME) or {}).get("status") or {})


@pytest.fixture
def planner(clean: KaitoCluster, tmp_path: Path) -> Iterator[Planner]:
    az_rest.install(tmp_path)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "KAITO_RETAIL_PRICES_URL": cloud.PRICE_LIST,
        # Prices are kept for a day.
        "XDG_CACHE_HOME": str(tmp_path),
    }
    yield Planner(clean.kubectl, Plugin(clean.kubectl, environment))
    cloud.set_prices()


def billed() -> dict[str, Manifest]:
    """The last line of each machine in the book."""
    return {line["machine"]: line for line in cloud.book()}


@pytest.mark.parametrize("model", MODELS)
def test_price_shown_is_the_price_billed(planner: Planner, model: str) -> None:
    kubectl, before = planner.kubectl, billed()
    plan = planner.plan("--model", model, "--apply")
    assert plan["prices"]["name"] == "Azure Retail Prices API"
    offer = plan["offers"][0]
    shown, nodes, size = offer["pricePerHour"], offer["nodes"], offer["instanceType"]
    assert float(plan["maxPrice"]) >= shown
    until_reported(kubectl, NAME, "ResourceReady", "True", seconds=180)
    lines = [line for machine, line in billed().items() if line != before.get(machine)]
    print(f"{model}: {nodes} x {size}, shown ${shown}/h, quota left {offer['quotaLeft']} vCPUs")
    for line in lines:
        print(f"  book: {line['machine']} {line['size']} ${line['per_hour']}/h")
    assert [line["size"] for line in lines] == [size] * nodes
    assert round(sum(line["per_hour"] for line in lines), 4) == shown
    assert float(planner.status()["cost"]["pricePerHour"]) == shown
    # What the nodes take now was left before.
    left = cloud.quota_left(offer["quotaFamily"])
    assert (offer["quotaLeft"], offer["vcpus"]) == (left + offer["vcpus"], offer["vcpus"])
    kubectl.delete("workspace", NAME, wait=False)
    # A pod that is deleted while it starts may miss the signal, and is drained for two minutes.
    wait_for("the machines to go", lambda: ", ".join(cloud.pool_names()) or None, 300)
    ended = billed()
    for line in lines:
        last = ended[line["machine"]]
        assert last["until"] is not None
        hours = (last["until"] - last["since"]) / 3600
        assert last["dollars"] == pytest.approx(hours * last["per_hour"], abs=1e-5)
        print(f"  billed: ${last['dollars']:.4f} for {hours * 3600:.0f} s")


@pytest.fixture
def family(planner: Planner) -> Iterator[tuple[str, str]]:
    """The cheapest instance type for phi-2, and the quota that it takes."""
    offer = planner.plan("--model", "phi-2")["offers"][0]
    yield offer["instanceType"], offer["quotaFamily"]
    cloud.set_quota(**{offer["quotaFamily"]: PLENTY})


def test_quota_that_goes_between_plan_and_apply_is_reported_and_costs_nothing(
    planner: Planner, family: tuple[str, str]
) -> None:
    size, usage = family
    cloud.set_quota(**{usage: 8})
    offer = planner.plan("--model", "phi-2")["offers"][0]
    assert (offer["instanceType"], offer["quotaLeft"]) == (size, 8)
    manifest, book = planner.manifest("phi-2", size), cloud.book()
    cloud.set_quota(**{usage: 0})
    planner.kubectl.run("apply", "-f", "-", stdin=manifest)
    words = f"needs {offer['vcpus']} vCPUs of quota {usage}, and 0 of 0 are left"
    until_reported(planner.kubectl, NAME, "ResourceReady", "False QuotaExceeded", words)
    assert Plugin(planner.kubectl).why(NAME)["reason"] == "QuotaExceeded"
    refused = {each["instanceType"]: each["why"] for each in
               planner.plan("--model", "phi-2")["rejected"]}  # fmt: skip
    print(f"plan afterwards: {size}: {refused[size]}")
    assert "0" in refused[size] and "vCPUs" in refused[size]
    assert cloud.book() == book
    cloud.set_quota(**{usage: PLENTY})
    until_reported(planner.kubectl, NAME, "ResourceReady", "True", seconds=180)


@pytest.fixture
def price_list(planner: Planner) -> Iterator[Planner]:
    """The controller reads the price list, too."""
    reconfigure({PRICE_LIST: cloud.PRICE_LIST})
    wait_for("the list to be read", lambda: unread(planner.kubectl), 60)
    yield planner
    cloud.set_prices()
    reconfigure({PRICE_LIST: "none"})


def unread(kubectl: Kubectl) -> str | None:
    """The controllers that have not read the price list since they started."""
    pods = kubectl.items(
        "pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=workspace-controller"
    )
    for pod in (each for each in pods if "deletionTimestamp" not in each["metadata"]):
        url = f"http://{pod['status'].get('podIP')}:8080/metrics"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                lines = answer.read().decode().splitlines()
        except OSError as error:
            return f"{pod['metadata']['name']}: {error}"
        metric = "kaito_price_list_read_timestamp_seconds "
        read = [float(line.removeprefix(metric)) for line in lines if line.startswith(metric)]
        if not any(read):
            return f"{pod['metadata']['name']}: not read yet"
    return None


def test_price_that_rises_between_plan_and_apply_is_refused_and_costs_nothing(
    price_list: Planner,
) -> None:
    planner, kubectl = price_list, price_list.kubectl
    offer = planner.plan("--model", "phi-2")["offers"][0]
    size, shown = offer["instanceType"], offer["pricePerHour"]
    manifest, book = planner.manifest("phi-2", size), cloud.book()
    cloud.set_prices(**{size: shown + 1})
    # It reads the list when it starts, and once a day.
    kubectl.run("rollout", "restart", f"deployment/{CONTROLLER}", "-n", NAMESPACE)
    kubectl.run("rollout", "status", f"deployment/{CONTROLLER}", "-n", NAMESPACE)
    wait_for_ended_controllers(kubectl)
    wait_for("the list to be read", lambda: unread(kubectl), 60)
    with pytest.raises(CommandFailed) as refused:
        kubectl.run("apply", "-f", "-", stdin=manifest)
    print(refused.value)
    dearer = (
        f"${round(shown + 1, 4):g} an hour for 1 {size} (Azure Retail Prices API, eastus, read "
    )
    assert f"an hour is less than {dearer}" in str(refused.value)
    assert kubectl.get("workspace", NAME) is None
    assert cloud.book() == book
    print(json.dumps({"shown": shown, "raised": shown + 1, "billed": 0}))
