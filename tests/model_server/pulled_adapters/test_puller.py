"""Pulling adapters from the fake registry: what is written, and what users read."""

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kaito.inference.v1 import inference_pb2 as pb
from kaito_registry.credentials import Credentials
from kaito_registry.fake import FakeRegistry
from model_server.pulled_adapters.pull_errors import PullFailed
from model_server.pulled_adapters.puller import RegistryPuller
from model_server.pulled_adapters.request import parse_wanted
from model_server.pulled_adapters.wanted import RegistryAccess, WantedAdapter
from tests.kaito_registry.images import layer, publish

FILES = {
    "data/adapter_config.json": b"{}",
    "data/adapter_model.safetensors": b"w",
    "data/README.md": b"card",
}
GOOD = RegistryAccess(
    credentials=Credentials("user", "secret"), plain_http=True, source="the Secret team/pull"
)


def pull(image: str, target: Path, access: RegistryAccess = GOOD) -> str:
    entry = WantedAdapter(name="a", image=image, access=access)
    return RegistryPuller(threading.Event()).pull(entry, target).image


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry(auth="basic").running() as running:
        publish(running.host, "team/a", "1", [layer(FILES)], auth=("user", "secret"))
        yield running


def test_files_of_the_adapter_are_pulled_and_named_by_digest(
    registry: FakeRegistry, tmp_path: Path
) -> None:
    image = pull(f"{registry.host}/team/a:1", tmp_path)
    (digest,) = {key for key in registry.manifests if key.startswith("sha256:")}
    assert image == f"{registry.host}/team/a@{digest}"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]


def access(**fields: object) -> RegistryAccess:
    values: dict[str, object] = {"plain_http": True, "source": "the Secret team/pull", **fields}
    return RegistryAccess(**values)  # type: ignore[arg-type]


REFUSED: dict[str, tuple[RegistryAccess, str, str, bool]] = {
    "wrong password": (
        access(credentials=Credentials("user", "hunter2")),
        "team/a:1",
        "the Secret team/pull holds credentials, but ",
        False,
    ),
    "no entry": (access(), "team/a:1", "the Secret team/pull holds no credentials for ", False),
    "a helper": (
        access(credentials=Credentials(helper="ecr-login")),
        "team/a:1",
        "refers to the credential helper 'ecr-login'",
        False,
    ),
    "no Secret": (access(source=""), "team/a:1", "name a Secret in source.imagePullSecrets", False),
    "no such tag": (GOOD, "team/a:2", "does not exist: check the name and the tag", True),
}


@pytest.mark.parametrize(("given", "image", "message", "retryable"), REFUSED.values(), ids=REFUSED)
def test_refusal_says_what_to_do_and_shows_no_secret(
    given: RegistryAccess,
    image: str,
    message: str,
    retryable: bool,
    registry: FakeRegistry,
    tmp_path: Path,
) -> None:
    with pytest.raises(PullFailed) as caught:
        pull(f"{registry.host}/{image}", tmp_path, given)
    assert message in caught.value.message
    assert f"{registry.host}/{image}" in caught.value.message
    assert caught.value.retryable is retryable
    basic = base64.b64encode(b"user:hunter2").decode()
    assert "hunter2" not in caught.value.message and basic not in caught.value.message


class NoPause(threading.Event):
    """Never set, and passes at once."""

    def wait(self, timeout: float | None = None) -> bool:
        return False


def test_registry_that_is_away_is_tried_again(tmp_path: Path) -> None:
    with FakeRegistry().running() as registry:
        host = registry.host
    entry = WantedAdapter(name="a", image=f"{host}/a:1", access=GOOD)
    with pytest.raises(PullFailed, match="the registry does not answer") as caught:
        RegistryPuller(NoPause()).pull(entry, tmp_path)
    assert caught.value.retryable
    assert "list it in the chart's insecureRegistries" in caught.value.message


def test_ca_certificate_that_is_none_names_the_secret(tmp_path: Path) -> None:
    with pytest.raises(PullFailed, match=r"the Secret team/pull: its key ca\.crt holds no CA") as e:
        pull("r.io/a:1", tmp_path, access(ca_certificates="nonsense"))
    assert not e.value.retryable


@pytest.mark.parametrize("image", ["r.io/Style:1", "Nonsense!", "r.io/../x:1"])
def test_image_that_is_no_reference_is_refused_by_name(image: str, tmp_path: Path) -> None:
    """By the pull and not with the list: the other adapters of the list are served."""
    wanted = parse_wanted(pb.SetPulledAdaptersRequest(adapters=[{"name": "a", "image": image}]))
    with pytest.raises(PullFailed) as caught:
        RegistryPuller(NoPause()).pull(wanted.adapters[0], tmp_path)
    assert caught.value.message == (
        f"{image!r} is not an image reference; correct source.image to "
        "<registry>/<repository>:<tag> or @sha256:<digest>"
    )
    assert not caught.value.retryable


def test_pull_ends_when_the_server_stops(registry: FakeRegistry, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    entry = WantedAdapter(name="a", image=f"{registry.host}/team/a:1", access=GOOD)
    with pytest.raises(PullFailed, match="the server is stopping"):
        RegistryPuller(stop).pull(entry, tmp_path)


def test_token_of_the_registry_opens_it(registry: FakeRegistry, tmp_path: Path) -> None:
    registry.auth = "token"
    assert "@sha256:" in pull(f"{registry.host}/team/a:1", tmp_path)
    assert json.dumps(sorted(path.name for path in tmp_path.iterdir())).count("adapter") == 2
