"""What is signed here is verified by cosign, and what cosign signs is verified here.

`make cosign` builds cosign and runs this; it is 140 MB, and takes minutes to build.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from kaito_registry.attached_blobs import read_attached
from kaito_registry.credentials import Credentials
from kaito_signatures.bundle import BUNDLE_TYPE
from kaito_signatures.errors import SignatureRefused
from kaito_signatures.public_key import parse_public_keys
from kaito_signatures.verification import require_signature
from tests.kaito_registry import real
from tests.tuner.registry.adapters import write_adapter
from tests.tuner.registry.conftest import Open
from tests.tuner.registry.test_attestations import METADATA, PROVENANCE
from tuner.registry.attestations import attach_signature
from tuner.registry.http_repository import HttpRepository
from tuner.registry.image import Image
from tuner.registry.push import push
from tuner.registry.signing_key import read_signer

pytestmark = pytest.mark.skipif(shutil.which("cosign") is None, reason="run `make cosign`")
NO_LOG = ("--insecure-ignore-tlog=true", "--allow-http-registry")


@dataclass
class Cosign:
    """cosign in a folder with a key pair of its own making."""

    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "COSIGN_PASSWORD": "open", "HOME": str(self.folder)}
        return subprocess.run(
            ["cosign", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def succeeds(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def cosign(tmp_path: Path) -> Cosign:
    folder = tmp_path / "keys"
    folder.mkdir()
    made = Cosign(folder)
    made.succeeds("generate-key-pair")
    (folder / "cosign.password").write_text("open")
    return made


@pytest.fixture
def repository(open_host: str, open_repository: Open) -> HttpRepository:
    return open_repository(open_host, Credentials())


def pushed(repository: HttpRepository, directory: Path) -> tuple[Image, str]:
    reference = repository.client.reference
    adapter = write_adapter(directory / "adapter")
    image = push(adapter, reference, METADATA, repository, directory / "work")
    return image, str(reference.at(image.digest))


def test_cosign_verifies_what_is_signed_with_its_encrypted_key(
    cosign: Cosign, repository: HttpRepository, tmp_path: Path
) -> None:
    image, name = pushed(repository, tmp_path)
    assert cosign.run("verify", "--key", "cosign.pub", *NO_LOG, name).returncode != 0
    signer = read_signer(cosign.folder, "the secret")
    attach_signature(image, repository.client.reference, PROVENANCE, signer, repository)
    assert image.digest in cosign.succeeds("verify", "--key", "cosign.pub", *NO_LOG, name)
    kind = ("--type", "slsaprovenance1")
    cosign.succeeds("verify-attestation", *kind, "--key", "cosign.pub", *NO_LOG, name)
    other = Cosign(tmp_path)
    other.succeeds("generate-key-pair")
    assert other.run("verify", "--key", "cosign.pub", *NO_LOG, name).returncode != 0


@pytest.mark.skipif(shutil.which(real.PROGRAM) is None, reason="the fake only knows our uploads")
def test_what_cosign_signs_is_verified(
    cosign: Cosign, open_repository: Open, tmp_path: Path
) -> None:
    with real.running(tmp_path, basic=False) as host:
        _sign_and_verify(cosign, open_repository(host, Credentials()), tmp_path)


def _sign_and_verify(cosign: Cosign, repository: HttpRepository, tmp_path: Path) -> None:
    image, name = pushed(repository, tmp_path)
    keys = parse_public_keys((cosign.folder / "cosign.pub").read_bytes())
    with pytest.raises(SignatureRefused, match="has no signature"):
        require_signature(
            image.digest, read_attached(repository, image.digest, BUNDLE_TYPE), keys, "x"
        )
    no_log = ("--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry", "-y")
    cosign.succeeds("sign", "--key", "cosign.key", *no_log, name)
    bundles = read_attached(repository, image.digest, BUNDLE_TYPE)
    assert require_signature(image.digest, bundles, keys, "x") == keys[0]
