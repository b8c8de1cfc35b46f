"""An adapter in a registry, as the tuner pushes and signs it."""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kaito_registry.digest import sha256
from kaito_registry.fake import FakeRegistry
from kaito_registry.referrers import Referrer
from kaito_signatures.bundle import BUNDLE_TYPE
from kaito_signatures.provenance import DatasetFile, Provenance
from kaito_signatures.signer import Signer
from kaito_signatures.statement import SIGNATURE, Statement
from tests.kaito_registry.images import layer, manifest_of

DATA, CONFIG, FILE = (f"sha256:{letter * 64}" for letter in "abc")
PROVENANCE = Provenance(
    base_model="phi-3-mini-128k-instruct",
    hub_id="microsoft/Phi-3-mini-128k-instruct",
    method="lora",
    workspace="team/phi-tuned",
    dataset_digest=DATA,
    dataset_files=(DatasetFile(name="train.jsonl", digest=FILE),),
    dataset_urls=("https://example.com/train.jsonl",),
    config_digest=CONFIG,
    finished_at="2026-01-01T09:00:00Z",
    versions={"peft": "0.19.0"},
    results={"steps": 120, "loss": 0.5},
)


def new_signer() -> Signer:
    return Signer(ec.generate_private_key(ec.SECP256R1()))


def public_pem(signer: Signer) -> bytes:
    return signer.public_key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass
class SignedImage:
    """The image team/adapter:1 of a registry, and what is attached to it."""

    registry: FakeRegistry
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        content = manifest_of([layer({"data/adapter_config.json": b"{}"})])
        self.digest = sha256(content)
        self.registry.manifests |= {"1": content, self.digest: content}

    @property
    def reference(self) -> str:
        return f"{self.registry.host}/team/adapter:1"

    @property
    def by_digest(self) -> str:
        return f"{self.registry.host}/team/adapter@{self.digest}"

    def sign(self, signer: Signer, provenance: Provenance | None = PROVENANCE) -> None:
        """As the pusher does it: the approval, and then where it comes from."""
        self.attach(
            signer, Statement(digests=(self.digest,), predicate_type=SIGNATURE, predicate={})
        )
        if provenance is not None:
            self.attach(signer, provenance.to_statement(self.digest))

    def attach(self, signer: Signer, statement: Statement) -> None:
        referrer = Referrer(
            subject=self.registry.manifests[self.digest],
            artifact_type=BUNDLE_TYPE,
            content=signer.sign(statement).to_bytes(),
            annotations={},
        )
        self.registry.blobs[sha256(referrer.content)] = referrer.content
        self.registry.manifests[sha256(referrer.manifest)] = referrer.manifest
