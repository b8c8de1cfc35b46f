"""Pulling files out of images, from the fake registry and from a real one."""

import json
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from kaito_process.retry_policy import RetryPolicy
from kaito_registry.credentials import Credentials
from kaito_registry.fake import Answer, FakeRegistry
from kaito_registry.layer_files import Selection
from kaito_registry.manifest import ImageInvalid
from kaito_registry.pull import pull
from kaito_registry.reference import parse_reference
from kaito_registry.registry_client import RegistryClient, new_client
from kaito_registry.repository_reader import RepositoryReader
from tests.kaito_registry import real
from tests.kaito_registry.images import (
    INDEX,
    TestLayer,
    layer,
    manifest_of,
    publish,
    sha256,
)

GOOD = Credentials("user", "secret")
FILES = {"data/config": b"{}", "data/weights": b"w" * 5000}
SELECTION = Selection(folder="data", names=frozenset({"config", "weights"}), max_bytes=2**20)
KINDS = ["fake", "real"] if shutil.which(real.PROGRAM) else ["fake"]


class Refused(Exception):
    """What the errors of these tests make."""


@dataclass(frozen=True)
class Errors:
    def refused(self, answer: str) -> Exception:
        return Refused(f"refused: {answer}")

    def unauthorized(self, answer: str) -> Exception:
        return Refused(f"unauthorized: {answer}")

    def foreign_host_refused(self, host: str, answer: str) -> Exception:
        return Refused(f"{host}: {answer}")

    def insecure_token_server(self, realm: str) -> Exception:
        return Refused(f"insecure: {realm}")

    def proxy_in_the_way(self, response: httpx2.Response) -> Exception:
        return Refused("proxy")

    def unreachable(self, error: Exception) -> Exception:
        return Refused(f"unreachable: {error}")


@contextmanager
def opened(text: str, credentials: Credentials = GOOD) -> Iterator[RepositoryReader]:
    with new_client() as client:
        yield RepositoryReader(
            client=RegistryClient(
                client=client,
                reference=parse_reference(text),
                credentials=credentials,
                insecure=True,
                errors=Errors(),
            ),
            retry_policy=RetryPolicy(max_attempts=3, sleep=lambda _: None, clock=lambda: 0.0),
        )


def pulled(
    text: str, target: Path, selection: Selection = SELECTION
) -> tuple[str, dict[str, bytes]]:
    """The digest, and the files."""
    target.mkdir()
    with opened(text) as repository:
        digest = pull(repository, parse_reference(text), selection, target)
    return digest, {path.name: path.read_bytes() for path in target.iterdir()}


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry().running() as running:
        yield running


@pytest.fixture(params=KINDS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The host:port of a registry that requires GOOD."""
    if request.param == "fake":
        with FakeRegistry(auth="basic").running() as running:
            yield running.host
    else:
        with real.running(tmp_path, basic=True) as address:
            yield address


def test_image_is_pulled_by_tag_and_by_digest(host: str, tmp_path: Path) -> None:
    digest = publish(host, "team/a", "1", [layer(FILES)], auth=("user", "secret"))
    expected = {"config": b"{}", "weights": b"w" * 5000}
    assert pulled(f"{host}/team/a:1", tmp_path / "tag") == (digest, expected)
    assert pulled(f"{host}/team/a@{digest}", tmp_path / "digest") == (digest, expected)


def test_wrong_credentials_are_refused(host: str, tmp_path: Path) -> None:
    with (
        opened(f"{host}/team/a:1", Credentials("user", "wrong")) as repository,
        pytest.raises(Refused, match="unauthorized"),
    ):
        pull(repository, parse_reference(f"{host}/team/a:1"), SELECTION, tmp_path)


def test_token_is_requested_for_pulls_only(tmp_path: Path) -> None:
    with FakeRegistry().running() as registry:
        publish(registry.host, "team/a", "1", [layer(FILES)])
        registry.auth = "token"
        pulled(f"{registry.host}/team/a:1", tmp_path / "out")
    (token,) = (line for line in registry.requests if "/token" in line)
    assert "scope=repository%3Ateam%2Fa%3Apull&" in f"{token.split()[1]}&"


def test_download_that_is_cut_goes_on_where_it_was(registry: FakeRegistry, tmp_path: Path) -> None:
    weights = bytes(range(256)) * 2000
    plain = layer({"data/weights": weights}, gzipped=False)
    publish(registry.host, "a", "1", [plain])
    registry.cut_bytes = 200_000
    assert pulled(f"{registry.host}/a:1", tmp_path / "out")[1] == {"weights": weights}


def link(name: str, target: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([{"data/config": b"1"}, {"data/config": b"2"}], {"config": b"2"}),
        ([{"./data/config": b"1"}, {"etc/passwd": b"x"}], {"config": b"1"}),
        ([FILES, {"data/.wh.weights": b""}], {"config": b"{}"}),
        ([FILES, {"data/.wh..wh..opq": b"", "data/config": b"3"}], {"config": b"3"}),
        ([FILES, {".wh.data": b""}, {"data/config": b"4"}], {"config": b"4"}),
        ([{"data/config": b"1", "data/more/config": b"2", "config": b"3"}], {"config": b"1"}),
        ([{"data/../data/config": b"9", "/data/weights": b"5"}], {"weights": b"5"}),
    ],
    ids=["later wins", "dot", "whiteout", "opaque", "folder", "depth", "dots"],
)
def test_files_are_those_of_all_layers_together(
    layers: list[dict[str, bytes]],
    expected: dict[str, bytes],
    registry: FakeRegistry,
    tmp_path: Path,
) -> None:
    publish(registry.host, "a", "1", [layer(files) for files in layers])
    assert pulled(f"{registry.host}/a:1", tmp_path / "out")[1] == expected


def extended(headers: dict[str, str]) -> TestLayer:
    """A layer with data/config, of which extended headers say something."""
    entry = tarfile.TarInfo("data/config")
    entry.pax_headers = headers
    return layer({"": entry}, gzipped=False)


HOLES = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "data/config"}
SPARSE = {**HOLES, "GNU.sparse.map": f"0,0,{2**40},0", "GNU.sparse.size": f"{2**40}"}
BOMB = layer({"data/other": bytes(3 * 2**20)})
REFUSED: dict[str, tuple[list[TestLayer], str]] = {
    "no files": ([layer({"config": b"{}"})], "holds none of config and weights in /data"),
    "no layers": ([], "has no layers"),
    "unpacks to too much": ([BOMB], "unpacks to more than 1 MiB"),
    "declares too much": ([TestLayer(bytes(2**20 + 1))], "has layers of more than 1 MiB"),
    "no archive": ([TestLayer(b"nonsense" * 100)], "has a layer that is no archive"),
    "cut archive": ([TestLayer(layer(FILES).content[:40])], "has a layer that is no archive"),
    "a link": ([layer({"": link("data/config", "/etc/passwd")})], "that is no plain file"),
    "holes of 1 TiB": ([extended(SPARSE)], "that is no plain file"),
    "no number": ([extended({"GNU.sparse.size": "x"})], "has a layer that is no archive"),
    "zstd": ([TestLayer(b"x", "application/vnd.oci.image.layer.v1.tar+zstd")], r"\+zstd'"),
}


@pytest.mark.parametrize(("layers", "message"), REFUSED.values(), ids=REFUSED)
def test_image_that_cannot_be_read_is_refused(
    layers: list[TestLayer], message: str, registry: FakeRegistry, tmp_path: Path
) -> None:
    publish(registry.host, "a", "1", layers)
    with pytest.raises(ImageInvalid, match=message):
        pulled(f"{registry.host}/a:1", tmp_path / "out")
    assert not (tmp_path / "out" / ".layer").exists()


def test_image_that_does_not_exist_is_refused(registry: FakeRegistry, tmp_path: Path) -> None:
    with pytest.raises(ImageInvalid, match="does not exist"):
        pulled(f"{registry.host}/a:2", tmp_path / "out")


@pytest.mark.parametrize("part", ["manifest", "layer"])
def test_damaged_content_is_refused(part: str, registry: FakeRegistry, tmp_path: Path) -> None:
    single = layer(FILES, gzipped=False)
    digest = publish(registry.host, "a", "1", [single])
    registry.corrupt = {digest if part == "manifest" else sha256(single.content)}
    with pytest.raises(ImageInvalid, match="storage is damaged"):
        pulled(f"{registry.host}/a@{digest}", tmp_path / "out")


def test_layer_longer_than_it_declares_is_refused(registry: FakeRegistry, tmp_path: Path) -> None:
    single = layer(FILES)
    document = json.loads(manifest_of([single]))
    publish(registry.host, "a", "1", [single])
    document["layers"][0]["size"] = 10
    registry.manifests["1"] = json.dumps(document).encode()
    with pytest.raises(ImageInvalid, match="longer than it declares"):
        pulled(f"{registry.host}/a:1", tmp_path / "out")


@pytest.mark.parametrize("content", [b"nonsense", b"[]", b'{"manifests": []}', b'{"layers": [{}]}'])
def test_wrong_manifest_is_refused(content: bytes, registry: FakeRegistry, tmp_path: Path) -> None:
    registry.manifests["1"] = content
    with pytest.raises(ImageInvalid):
        pulled(f"{registry.host}/a:1", tmp_path / "out")


def test_index_leads_to_its_first_image(registry: FakeRegistry, tmp_path: Path) -> None:
    attestation = publish(registry.host, "a", "other", [layer({"data/config": b"no"})])
    digest = publish(registry.host, "a", "image", [layer(FILES)])
    entries = [
        {"digest": attestation, "platform": {"os": "unknown"}},
        {"digest": digest, "platform": {"os": "linux", "architecture": "arm64"}},
    ]
    content = json.dumps({"mediaType": INDEX, "manifests": entries}).encode()
    registry.manifests["1"] = content
    found, files = pulled(f"{registry.host}/a:1", tmp_path / "out")
    assert (found, files["config"]) == (sha256(content), b"{}")


def test_registry_that_fails_for_a_moment_is_asked_again(
    registry: FakeRegistry, tmp_path: Path
) -> None:
    publish(registry.host, "a", "1", [layer(FILES)])
    registry.failures = [Answer(status=503), Answer(status=0)]
    assert len(pulled(f"{registry.host}/a:1", tmp_path / "out")[1]) == 2


@pytest.mark.parametrize("address", ["https://[::1", "https://h:99999/", "//:a"])
def test_a_registry_that_names_an_address_that_is_none_is_refused(address: str) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(307, headers={"location": address}, request=request)

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
        requests = RegistryClient(
            client=client,
            reference=parse_reference("r.io/team/a:1"),
            credentials=GOOD,
            insecure=False,
            errors=Errors(),
        )
        reader = RepositoryReader(client=requests, retry_policy=RetryPolicy(max_attempts=1))
        with pytest.raises(Refused, match="names an address that is none"):
            reader.read_manifest("1")
