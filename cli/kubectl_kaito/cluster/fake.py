"""A cluster in memory: the store of `kaito_kube.fake`, which the controllers run against too."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from kaito_kube import errors
from kaito_kube.fake import FakeCluster as Store
from kaito_kube.kinds import POD, Key, Kind, Manifest
from kubectl_kaito.cluster.cluster import Process


@dataclass
class FakeCluster:
    """`logs` are by pod, container, and whether they are those of the run before; those that are
    followed have times in front of their lines. `programs` run what is run in a container.

    `denied` are kinds that the user may not read. `answers` are the lines that the next posts
    return.
    """

    store: Store = field(default_factory=Store)
    namespace: str = "default"
    logs: dict[tuple[Key, str, bool], str] = field(default_factory=dict)
    follows: list[tuple[Key, str, str]] = field(default_factory=list)
    missing_kinds: set[Kind] = field(default_factory=set)
    denied: set[Kind] = field(default_factory=set)
    outage: Exception | None = None
    answers: list[list[str]] = field(default_factory=list)
    posts: list[tuple[Key, str, Manifest]] = field(default_factory=list)
    programs: Callable[[Sequence[str]], AbstractContextManager[Process]] = field(
        default_factory=lambda: _nothing_runs
    )
    post_error: errors.ClusterError | None = None

    def get(self, kind: Kind, name: str, namespace: str = "") -> Manifest:
        self._check(kind)
        return asyncio.run(self.store.get(kind, name, namespace))

    def list(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> Sequence[Manifest]:
        self._check(kind)
        return asyncio.run(self.store.list(kind, namespace=namespace, labels=labels)).items

    def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        self._check(None)
        if kind.plural == "selfsubjectaccessreviews":
            resource = manifest["spec"]["resourceAttributes"]["resource"]
            denied = any(kind.plural == resource for kind in self.denied)
            return {**manifest, "status": {"allowed": not denied}}
        self._check(kind)
        return asyncio.run(self.store.create(kind, manifest))

    def apply(self, kind: Kind, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        self._check(kind)
        return manifest if dry_run else asyncio.run(self.store.apply(kind, manifest))

    def patch(self, kind: Kind, name: str, namespace: str, changes: Manifest) -> Manifest:
        self._check(kind)
        return asyncio.run(self.store.patch(kind, name, changes, namespace=namespace))

    def log(self, pod: Key, container: str, *, previous: bool = False, lines: int = 20) -> str:
        self._check(POD)
        if self.store.peek(POD, pod.name, pod.namespace) is None:
            raise errors.NotFound(f'pods "{pod.name}" not found')
        text = self.logs.get((pod, container, previous), "")
        return "".join(text.splitlines(keepends=True)[-lines:])

    def follow_log(self, pod: Key, container: str, *, lines: int, since: str = "") -> Iterator[str]:
        self.follows.append((pod, container, since))
        text = self.log(pod, container, lines=10_000 if since else lines)
        return (line for line in text.splitlines() if line.partition(" ")[0] >= since[:19])

    def post(self, service: Key, port: str, path: str, body: Manifest) -> Iterator[str]:
        self.posts.append((service, f"{port}/{path}", body))
        if self.post_error is not None:
            raise self.post_error
        return iter(self.answers.pop(0))

    def delete(self, kind: Kind, name: str, namespace: str = "") -> None:
        self._check(kind)
        asyncio.run(self.store.delete(kind, name, namespace))

    def run(
        self, pod: Key, container: str, command: Sequence[str]
    ) -> AbstractContextManager[Process]:
        self._check(POD)
        if self.store.peek(POD, pod.name, pod.namespace) is None:
            raise errors.NotFound(f'pods "{pod.name}" not found')
        return self.programs(command)

    def version(self) -> str:
        self._check(None)
        return "v1.36.1"

    def _check(self, kind: Kind | None) -> None:
        if self.outage is not None:
            raise self.outage
        if kind in self.missing_kinds:
            raise errors.NotFound("the server could not find the requested resource")
        if kind in self.denied and kind is not None:
            raise errors.Forbidden(f'{kind.plural} is forbidden: User "me" cannot list it')


def _nothing_runs(command: Sequence[str]) -> AbstractContextManager[Process]:
    raise errors.Unavailable("the container runs no programs")
