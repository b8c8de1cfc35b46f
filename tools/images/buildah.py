"""buildah: an image store in the cache, builds without a daemon, and pushes."""

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# The path of the CA certificates inside builds. A constant, whatever the host's path, so that
# cached layers stay valid.
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


class BuildFailedError(RuntimeError):
    """buildah exited with an error; the message is the end of its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One build: Dockerfile, context, build arguments, and additional contexts by name."""

    dockerfile: Path
    context: Path
    reference: str
    arguments: Mapping[str, str]
    contexts: Mapping[str, Path]


def tail(printed: str) -> str:
    """The last lines of a program's output."""
    return "\n".join(printed.splitlines()[-30:])


class Builder(Protocol):
    """A store of images by name. `build`, `import_base` and `push` raise BuildFailedError."""

    def has(self, reference: str) -> bool:
        """Whether the store has the image."""

    def build(self, build: Build) -> None:
        """Build one image, reusing cached layers."""

    def import_base(self, archive: Path, reference: str) -> None:
        """Create a single-layer image from a tar archive of a root file system."""

    def push(self, reference: str, target: str, *, plain_http: bool) -> None:
        """Push an image from the store to `target`, host[:port]/repository:tag."""


class Buildah:
    """An image store in `folder`. Builds run one at a time; pushes may run in parallel."""

    def __init__(self, folder: Path, *, package_cache: Path, certificates: Path | None) -> None:
        self._folder = folder
        self._certificates = certificates
        self._building = threading.Lock()
        self._prepare_cache(package_cache)

    def _prepare_cache(self, package_cache: Path) -> None:
        # buildah keeps `--mount=type=cache,id=uv` in this folder; the link makes the builds
        # share the wheels that were downloaded for the virtual environments.
        link = self._folder / "tmp" / "buildah-cache" / "uv"
        link.parent.mkdir(parents=True, exist_ok=True)
        package_cache.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(package_cache)

    def _run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        store = ["--root", str(self._folder / "store"), "--runroot", "/run/kaito/buildah"]
        result = subprocess.run(
            ["buildah", *store, *arguments],
            env={**os.environ, "TMPDIR": str(self._folder / "tmp")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if check and result.returncode:
            raise BuildFailedError(f"buildah {arguments[0]} failed:\n{tail(result.stdout)}")
        return result

    def has(self, reference: str) -> bool:
        return self._run("inspect", "--type=image", reference, check=False).returncode == 0

    def build(self, build: Build) -> None:
        options = [f"--build-arg={name}={value}" for name, value in build.arguments.items()]
        options += [f"--build-context={name}={path}" for name, path in build.contexts.items()]
        if self._certificates:
            options += [
                f"--volume={self._certificates}:{CERTIFICATES}:ro",
                f"--build-arg=SSL_CERT_FILE={CERTIFICATES}",
            ]
        log = self._folder / "logs" / f"{build.reference.rpartition('/')[2]}.log"
        log.parent.mkdir(exist_ok=True)
        log.unlink(missing_ok=True)
        with self._building:
            result = self._run(
                "bud",
                f"--logfile={log}",
                "--isolation=chroot",
                "--layers",
                "--pull=never",
                f"--ignorefile={Path(__file__).parent / 'ignore'}",
                f"--file={build.dockerfile}",
                f"--tag={build.reference}",
                *options,
                str(build.context),
                check=False,
            )
        if result.returncode:
            printed = log.read_text() if log.exists() else result.stdout
            raise BuildFailedError(
                f"building {build.reference} failed, see {log}:\n{tail(printed)}"
            )

    def import_base(self, archive: Path, reference: str) -> None:
        with self._building:
            container = self._run("from", "scratch").stdout.strip()
            try:
                self._run("add", "-q", container, str(archive), "/")
                self._run("config", "--cmd", "/bin/sh", "--env", "PATH=/usr/bin:/bin", container)
                self._run("commit", "-q", "--rm", container, reference)
            except BuildFailedError:
                self._run("rm", container, check=False)
                raise

    def push(self, reference: str, target: str, *, plain_http: bool) -> None:
        self._run(
            "push",
            "-q",
            "--format=oci",
            # Compared with gzip, a node unpacks it in half the time, and packing is faster too.
            "--compression-format=zstd",
            "--compression-level=1",
            f"--tls-verify={str(not plain_http).lower()}",
            reference,
            f"docker://{target}",
        )

    def export(self, reference: str, layout: Path, name: str) -> None:
        """Writes an image of the store into a folder, as an OCI image layout under that name."""
        self._run(
            "push",
            "-q",
            "--format=oci",
            "--compression-format=zstd",
            reference,
            f"oci:{layout}:{name}",
        )

    @contextmanager
    def mounted(self, reference: str) -> Iterator[Path]:
        """Mounts the file system of an image of the store, to be read."""
        container = self._run("from", "-q", "--pull-never", reference).stdout.strip()
        try:
            yield Path(self._run("mount", container).stdout.strip())
        finally:
            self._run("rm", container, check=False)

    def image_id(self, reference: str) -> str:
        """The digest of an image's configuration, sha256:..."""
        found = self._run("inspect", "--type=image", "--format={{.FromImageID}}", reference)
        return f"sha256:{found.stdout.strip()}"

    def version(self) -> str:
        """buildah's version."""
        return self._run("--version").stdout.split()[2]
