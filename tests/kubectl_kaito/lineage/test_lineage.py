"""`lineage` over a real HTTP registry: what is signed by whom, and from which data."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kaito_kube.kinds import CONFIG_MAP, SECRET, WORKSPACE, Manifest
from kaito_registry.fake import Answer, Auth, FakeRegistry
from kaito_signatures.statement import Statement
from kubectl_kaito.cluster.fake import FakeCluster
from tests.kaito_registry.certificates import issue
from tests.kubectl_kaito.console import NOW, Console, Result
from tests.kubectl_kaito.installed import install
from tests.kubectl_kaito.lineage.signed_image import (
    CONFIG,
    DATA,
    FILE,
    PROVENANCE,
    SignedImage,
    new_signer,
    public_pem,
)

OURS, THEIRS = new_signer(), new_signer()
MODEL = "phi-3-mini-128k-instruct"


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry().running() as running:
        yield running


@pytest.fixture
def image(registry: FakeRegistry) -> SignedImage:
    return SignedImage(registry)


def console(registry: FakeRegistry) -> Console:
    """A cluster whose release pulls from that registry over plain HTTP."""
    cluster = FakeCluster(namespace="team")
    install(cluster, NOW, variables={"KAITO_INSECURE_REGISTRIES": f"r.io,{registry.host}"})
    return Console(cluster)


def stored(made: Console) -> Any:
    assert isinstance(made.cluster, FakeCluster)
    return made.cluster.store


def secret(made: Console, name: str, data: dict[str, bytes]) -> None:
    encoded = {key: base64.b64encode(content).decode() for key, content in data.items()}
    stored(made).seed(SECRET, {"metadata": {"name": name, "namespace": "team"}, "data": encoded})


def serve(
    made: Console, source: Manifest, reported: Manifest | None = None, model: str = MODEL
) -> None:
    status = {"adapters": [{"name": "style", **reported}]} if reported is not None else {}
    workspace = {
        "metadata": {"name": "ws", "namespace": "team"},
        "inference": {
            "preset": {"name": model},
            "adapters": [{"source": {"name": "style", **source}}],
        },
        "status": status,
    }
    stored(made).seed(WORKSPACE, workspace)


def tuned_by(made: Console, image: SignedImage, **output: str) -> None:
    workspace = {
        "metadata": {"name": "phi-tuned", "namespace": "team"},
        "tuning": {
            "preset": {"name": MODEL},
            "output": {"image": image.reference, "imagePushSecret": "push", **output},
        },
        "status": {"adapter": {"image": image.reference, "digest": image.digest}},
    }
    stored(made).seed(WORKSPACE, workspace)


def key_file(folder: Path, content: bytes) -> str:
    path = folder / "cosign.pub"
    path.write_bytes(content)
    return str(path)


def only(result: Result) -> Any:
    (adapter,) = result.json["adapters"]
    return adapter


def test_a_signed_adapter_leads_back_to_its_data(image: SignedImage, tmp_path: Path) -> None:
    image.sign(OURS)
    made = console(image.registry)
    serve(made, {"image": image.reference})
    key = key_file(tmp_path, public_pem(OURS))
    result = made.run("lineage", "ws", "--key", key)
    assert result.code == 0, result.err
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    assert lines == [
        "style: signature verified",
        f"Served by Workspace team/ws, model {MODEL}",
        f"From {image.reference}",
        f"Image {image.by_digest}",
        f"Signature {OURS.public_key.fingerprint}, by the key of {key}",
        "Provenance signed by the same keys",
        "Tuned by team/phi-tuned, lora, 2026-01-01T09:00:00Z",
        f"Settings {CONFIG}",
        "Result loss 0.5, steps 120",
        "Libraries peft 0.19.0",
        f"Dataset {DATA}",
        f"Files train.jsonl {FILE}",
        "Read from https://example.com/train.jsonl",
        "Base model microsoft/Phi-3-mini-128k-instruct",
    ]


def test_scripts_get_the_same(image: SignedImage, tmp_path: Path) -> None:
    image.sign(OURS)
    made = console(image.registry)
    serve(made, {"image": image.reference}, {"image": image.by_digest, "signedBy": "sha256:ab"})
    key = key_file(tmp_path, public_pem(OURS))
    adapter = only(made.run("lineage", "ws", "--key", key, "-o", "json"))
    assert adapter["image"] == image.by_digest
    assert adapter["signature"]["state"] == "Verified"
    assert adapter["signature"]["verifiedByPods"] == "sha256:ab"
    assert adapter["fitsModel"] is True
    assert adapter["provenance"]["verified"] is True
    assert adapter["provenance"]["datasetFiles"] == [{"name": "train.jsonl", "digest": FILE}]
    assert adapter["provenance"]["results"] == {"steps": 120, "loss": 0.5}


def test_without_a_key_the_origin_is_shown_as_a_claim(image: SignedImage) -> None:
    image.sign(OURS)
    made = console(image.registry)
    serve(made, {"image": image.reference})
    result = made.run("lineage", "ws")
    assert result.code == 1
    assert result.out.startswith("style: not verified: no key\n")
    assert "--key cosign.pub" in result.out
    assert "NOT verified: whoever pushed says it" in result.out
    assert DATA in result.out


def test_an_unsigned_image_is_called_so(image: SignedImage, tmp_path: Path) -> None:
    made = console(image.registry)
    serve(made, {"image": image.reference})
    assert made.run("lineage", "ws").out.startswith("style: not signed\n")
    result = made.run("lineage", "ws", "--key", key_file(tmp_path, public_pem(OURS)))
    assert result.code == 1
    assert "it has no signature: sign it with `cosign sign --key`" in result.out
    assert "the image has none of Kaito's tuner" in result.out


def test_a_signature_of_another_key_proves_nothing(image: SignedImage, tmp_path: Path) -> None:
    image.sign(THEIRS)
    made = console(image.registry)
    serve(made, {"image": image.reference})
    key = key_file(tmp_path, public_pem(OURS))
    adapter = only(made.run("lineage", "ws", "--key", key, "-o", "json"))
    assert adapter["signature"]["state"] == "NotVerified"
    assert adapter["signature"]["signedBy"] is None
    assert f"signed by another key than that of {key}" in adapter["signature"]["detail"]
    assert adapter["provenance"]["verified"] is False


def test_a_claim_of_another_key_does_not_displace_what_ours_has_signed(
    image: SignedImage, tmp_path: Path
) -> None:
    forged = PROVENANCE.to_statement(image.digest)
    image.attach(
        THEIRS,
        Statement(
            digests=forged.digests,
            predicate_type=forged.predicate_type,
            predicate=json.loads(json.dumps(forged.predicate).replace(DATA[7:], "f" * 64)),
        ),
    )
    image.sign(OURS)
    made = console(image.registry)
    serve(made, {"image": image.reference})
    key = key_file(tmp_path, public_pem(OURS))
    provenance = only(made.run("lineage", "ws", "--key", key, "-o", "json"))["provenance"]
    assert (provenance["datasetDigest"], provenance["verified"]) == (DATA, True)


def test_a_signed_origin_of_another_image_is_not_taken(image: SignedImage, tmp_path: Path) -> None:
    image.sign(OURS, provenance=None)
    image.attach(OURS, PROVENANCE.to_statement(f"sha256:{'9' * 64}"))
    made = console(image.registry)
    serve(made, {"image": image.reference})
    key = key_file(tmp_path, public_pem(OURS))
    adapter = only(made.run("lineage", "ws", "--key", key, "-o", "json"))
    assert adapter["signature"]["state"] == "Verified"
    assert adapter["provenance"] is None


def test_the_secret_that_the_workspace_demands_holds_the_key(image: SignedImage) -> None:
    image.sign(OURS)
    made = console(image.registry)
    secret(made, "signing", {"cosign.pub": public_pem(OURS), "cosign.key": b"private"})
    serve(made, {"image": image.reference, "verificationSecret": "signing"})
    result = made.run("lineage", "ws")
    assert result.code == 0, result.out
    assert "by the key of the Secret team/signing" in result.out
    assert "private" not in result.out


def test_a_demanded_secret_without_a_key_is_named(image: SignedImage) -> None:
    image.sign(OURS)
    made = console(image.registry)
    serve(made, {"image": image.reference, "verificationSecret": "signing"})

    def detail() -> str:
        found: str = only(made.run("lineage", "ws", "-o", "json"))["signature"]["detail"]
        return found

    assert detail() == "not verified: no key; the Secret team/signing does not exist"
    secret(made, "signing", {"cosign.key": b"private"})
    assert detail() == "not verified: no key; the Secret team/signing has no key cosign.pub"
    assert isinstance(made.cluster, FakeCluster)
    made.cluster.denied = {SECRET}
    assert detail() == "not verified: no key; you may not read the Secret team/signing"


def test_a_tuned_adapter_takes_everything_from_the_workspace_that_tuned_it() -> None:
    with FakeRegistry(auth="basic").running() as registry:
        image = SignedImage(registry)
        image.sign(OURS)
        made = console(registry)
        login = {"auths": {registry.host: {"username": "user", "password": "secret"}}}
        secret(made, "push", {".dockerconfigjson": json.dumps(login).encode()})
        secret(made, "signing", {"cosign.pub": public_pem(OURS)})
        tuned_by(made, image, signingSecret="signing")
        serve(made, {"workspace": "phi-tuned"})
        for name in ("ws", "phi-tuned"):
            adapter = only(made.run("lineage", name, "-o", "json"))
            assert adapter["image"] == image.by_digest
            assert adapter["origin"] == "Workspace phi-tuned"
            assert adapter["signature"]["state"] == "Verified"


@pytest.mark.parametrize("auth", ["basic", "token"])
def test_a_registry_that_demands_credentials_names_what_lacks(auth: Auth) -> None:
    with FakeRegistry(auth=auth).running() as registry:
        image = SignedImage(registry)
        made = console(registry)
        serve(made, {"image": image.reference, "imagePullSecrets": ["pull"]})
        detail = only(made.run("lineage", "ws", "-o", "json"))["signature"]["detail"]
        assert detail == (
            f"{registry.host} demands credentials, and no pull Secret of the adapter has some for "
            "it; the Secret team/pull does not exist"
        )
        assert isinstance(made.cluster, FakeCluster)
        made.cluster.denied = {SECRET}
        detail = only(made.run("lineage", "ws", "-o", "json"))["signature"]["detail"]
        assert detail.endswith("you may not read the Secret team/pull")


def test_wrong_credentials_are_not_shown() -> None:
    with FakeRegistry(auth="basic").running() as registry:
        image = SignedImage(registry)
        made = console(registry)
        login = {"auths": {registry.host: {"username": "user", "password": "hunter2hunter2"}}}
        secret(made, "pull", {".dockerconfigjson": json.dumps(login).encode()})
        serve(made, {"image": image.reference, "imagePullSecrets": ["pull"]})
        result = made.run("lineage", "ws")
    assert "does not accept the credentials of the pull Secret" in result.out
    assert "hunter2" not in result.out + result.err


def test_a_registry_of_a_private_ca_is_read_with_its_certificate(tmp_path: Path) -> None:
    ca = issue(tmp_path)
    with FakeRegistry().running(ca.server) as registry:
        image = SignedImage(registry)
        image.sign(OURS)
        made = Console(FakeCluster(namespace="team"))
        source = {"image": image.reference, "caConfigMap": "company-ca"}
        serve(made, source)
        key = key_file(tmp_path, public_pem(OURS))
        untrusted = made.run("lineage", "ws", "--key", key)
        assert untrusted.code == 1
        assert "its certificate is of a CA that is not known here" in untrusted.out
        data = {"ca.crt": ca.certificate.read_text()}
        metadata = {"name": "company-ca", "namespace": "team"}
        stored(made).seed(CONFIG_MAP, {"metadata": metadata, "data": data})
        assert made.run("lineage", "ws", "--key", key).code == 0


def test_a_registry_that_is_away_is_told_from_an_unsigned_image(image: SignedImage) -> None:
    made = console(image.registry)
    serve(made, {"image": "127.0.0.1:1/team/adapter:1"})
    result = made.run("lineage", "ws")
    assert result.code == 1
    assert result.out.startswith("style: not known\n")
    assert "127.0.0.1:1 cannot be reached from here" in result.out
    assert "a registry inside the cluster has no address here" in result.out


@pytest.mark.parametrize(
    "results",
    [{"loss": 10**400}, {"loss": float("nan")}, {"loss": float("inf")}, {"loss": "0.5"}],
    ids=["huge", "nan", "infinity", "text"],
)
def test_a_figure_that_is_none_is_left_out(image: SignedImage, results: dict[str, Any]) -> None:
    made = console(image.registry)
    serve(made, {"image": image.reference})
    image.attach(THEIRS, replace(PROVENANCE, results=results).to_statement(image.digest))
    assert only(made.run("lineage", "ws", "-o", "json"))["provenance"]["results"] == {}
    assert "  Result" not in made.run("lineage", "ws").out


@pytest.mark.parametrize("output", ["json", "yaml", "table"])
def test_half_of_a_character_can_be_printed(image: SignedImage, output: str) -> None:
    made = console(image.registry)
    serve(made, {"image": image.reference})
    image.attach(THEIRS, replace(PROVENANCE, workspace="a\ud800b").to_statement(image.digest))
    printed = made.run("lineage", "ws", "-o", output).out
    assert printed.encode().decode() == printed
    assert "microsoft/Phi-3-mini-128k-instruct" in printed


def test_an_answer_that_cannot_be_decompressed_is_the_registrys_failure(image: SignedImage) -> None:
    damaged = Answer(status=200, body=b"{}", headers={"Content-Encoding": "gzip"})
    image.registry.failures = [damaged] * 2
    made = console(image.registry)
    serve(made, {"image": image.reference})
    detail = only(made.run("lineage", "ws", "-o", "json"))["signature"]["detail"]
    assert "cannot be reached from here: DecodingError" in detail


def test_an_image_that_is_gone_is_named(image: SignedImage) -> None:
    made = console(image.registry)
    serve(made, {"image": f"{image.registry.host}/team/adapter:2"})
    assert "team/adapter:2 does not exist" in made.run("lineage", "ws").out


def test_an_adapter_of_another_model_is_marked(image: SignedImage, tmp_path: Path) -> None:
    image.sign(OURS)
    made = console(image.registry)
    serve(made, {"image": image.reference}, model="phi-4")
    result = made.run("lineage", "ws", "--key", key_file(tmp_path, public_pem(OURS)))
    assert "(NOT the model that serves it)" in result.out


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"volumeSource": {"emptyDir": {}}}, "it comes from a volume and not from an image"),
        ({"workspace": "gone"}, "Workspace gone does not exist: correct source.workspace"),
    ],
)
def test_an_adapter_without_an_image_says_why(
    registry: FakeRegistry, source: Manifest, words: str
) -> None:
    made = console(registry)
    serve(made, source)
    result = made.run("lineage", "ws")
    assert (result.code, words in result.out) == (1, True)


def test_a_workspace_without_adapters_has_nothing_to_prove(registry: FakeRegistry) -> None:
    made = console(registry)
    workspace = {
        "metadata": {"name": "ws", "namespace": "team"},
        "inference": {"preset": {"name": MODEL}},
    }
    stored(made).seed(WORKSPACE, workspace)
    result = made.run("lineage", "ws")
    assert (result.code, result.out) == (0, "Workspace team/ws serves no adapter.\n")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"nothing", "holds no public key in PEM form"),
        (b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----", "not a public key"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_key_file_that_is_none_is_refused(
    registry: FakeRegistry, tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = str(tmp_path / "missing") if content is None else key_file(tmp_path, content)
    result = console(registry).run("lineage", "ws", "--key", path)
    assert result.code == 2
    assert words in result.err
