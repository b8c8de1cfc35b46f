"""Prints the log of a Workspace as it grows."""

from collections.abc import Iterator

import typer

from kaito_kube.kinds import Key
from kubectl_kaito.cluster.cluster import Cluster
from kubectl_kaito.environment import Environment
from kubectl_kaito.logs.follow import follow
from kubectl_kaito.logs.source import Source
from kubectl_kaito.observation import Observation, observe


def print_following(
    environment: Environment, cluster: Cluster, key: Key, container: str | None, tail: int
) -> None:
    """Names each pod, container and run on stderr, before its lines.

    Raises:
        ClusterError: the cluster does not answer for a minute, or refuses.
    """

    def look() -> Observation:
        return observe(cluster, key.name, key.namespace, environment.now())

    def stream(source: Source, since: str) -> Iterator[str]:
        return cluster.follow_log(source.pod, source.container, lines=tail, since=since)

    announced: tuple[str, str, str] | None = None
    for line in follow(look, stream, environment.pause, container):
        source = line.source
        if announced != source.identity:
            again = ", restarted" if announced and announced[:2] == source.place else ""
            typer.echo(f"pod {source.pod.name}, container {source.container}{again}:", err=True)
            announced = source.identity
        environment.stdout.write(f"{line.text}\n")
        environment.stdout.flush()
