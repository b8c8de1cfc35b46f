"""The seam to the cluster, as far as the verbs need one. Manifests are in the API's JSON form."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from kaito_kube.kinds import Key, Kind, Manifest


@dataclass(frozen=True, slots=True)
class ClusterChoice:
    """Which cluster; None for what the kubeconfig says."""

    kubeconfig: str | None = None
    context: str | None = None


class Process(Protocol):
    """A program that runs in a container. Every method raises Unavailable if it has ended."""

    def write(self, data: bytes) -> None:
        """To its stdin."""
        ...

    def read_line(self) -> str:
        """The next line of its stdout, without its end."""
        ...


class Cluster(Protocol):
    """Every method raises subclasses of ClusterError (kaito_kube.errors) and nothing else."""

    @property
    def namespace(self) -> str:
        """The namespace of the context."""
        ...

    def get(self, kind: Kind, name: str, namespace: str = "") -> Manifest:
        """Reads an object.

        Raises:
            NotFound: there is no such object, or the cluster does not serve the kind.
        """
        ...

    def list(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> Sequence[Manifest]:
        """Lists objects, by default of all namespaces.

        Raises:
            NotFound: the cluster does not serve the kind.
        """
        ...

    def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Creates an object and returns it as stored; reviews return their answer."""
        ...

    def apply(self, kind: Kind, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        """Creates the object or sets the given fields (server-side apply).

        Raises:
            Conflict: another manager owns one of the fields.
            Invalid: the schema rejects the object; the message names the field.
        """
        ...

    def patch(self, kind: Kind, name: str, namespace: str, changes: Manifest) -> Manifest:
        """Merges changes into an object and returns it; None removes a field.

        Unlike `apply`, it leaves everything else as it is, whoever has set it. With
        `metadata.resourceVersion`, it changes the object only as it was read.

        Raises:
            Conflict: the object has changed since it was read.
            Invalid: the schema rejects the result; the message names the field.
            NotFound: there is no such object.
        """
        ...

    def log(self, pod: Key, container: str, *, previous: bool = False, lines: int = 20) -> str:
        """The last lines of a container's log, of its run before the current one if `previous`.

        Empty where the container has not started.

        Raises:
            NotFound: there is no such pod.
        """
        ...

    def follow_log(self, pod: Key, container: str, *, lines: int, since: str = "") -> Iterator[str]:
        """The lines of the current run as they come, each after its time and a space.

        With `since`, an RFC 3339 time, only those of that second and later. It ends when the
        container does, or when the connection is lost.

        Raises:
            NotFound: there is no such pod.
        """
        ...

    def post(self, service: Key, port: str, path: str, body: Manifest) -> Iterator[str]:
        """Sends JSON to a Service through the API server, and returns the answer line by line.

        `port` is the name of the Service's port.

        Raises:
            Unavailable: no pod of the Service answers.
        """
        ...

    def delete(self, kind: Kind, name: str, namespace: str = "") -> None:
        """Raises:
        NotFound: there is no such object.
        """
        ...

    def run(
        self, pod: Key, container: str, command: Sequence[str]
    ) -> AbstractContextManager[Process]:
        """Runs a program in a container, until the context ends.

        Raises:
            NotFound: there is no such pod.
            Forbidden: the user may not.
            Unavailable: it cannot be started.
        """
        ...

    def version(self) -> str:
        """The API server's version, such as v1.36.1."""
        ...
