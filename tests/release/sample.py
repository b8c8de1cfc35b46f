"""A release as it would be described, for tests."""

from tools.release.manifest import Image, Release
from tools.release.source import Source

DIGESTS = {"tuner": "sha256:" + "a" * 64, "model-server": "sha256:" + "b" * 64}

RELEASE = Release(
    version="1.2.3",
    torch="cpu",
    source=Source(commit="c" * 40, committed=1_700_000_000),
    images=tuple(
        Image(
            name=name,
            archive=f"images/{name}-1.2.3.oci.tar",
            sbom=f"sbom/{name}-1.2.3.cdx.json",
            digest=digest,
        )
        for name, digest in DIGESTS.items()
    ),
    chart="kaito-1.2.3.tgz",
    crds=("crds/kaito.sh_inferencesets.yaml", "crds/kaito.sh_workspaces.yaml"),
    plugin=("kubectl-kaito-linux-amd64.tar.gz",),
    kubernetes=">=1.31.0-0",
    tools={"buildah": "1.28.2"},
)
