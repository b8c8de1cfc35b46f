"""Carries a deployment out: prints it, or applies it and follows it."""

import json

import typer
import yaml

from kaito_kube.errors import ClusterError
from kubectl_kaito.cluster.cluster import Cluster, ClusterChoice
from kubectl_kaito.deploy.local_data import LocalData, hand_over, send
from kubectl_kaito.deploy.request import DeployRequest, apply, prepare
from kubectl_kaito.environment import Environment
from kubectl_kaito.exit_codes import ExitCode
from kubectl_kaito.observation import Observation, observe
from kubectl_kaito.options import Output
from kubectl_kaito.plan.connecting import connect_if_possible
from kubectl_kaito.status import live, view


def deploy(
    request: DeployRequest,
    environment: Environment,
    choice: ClusterChoice,
    namespace: str | None,
    local: LocalData | None = None,
    *,
    dry_run: bool,
    wait: bool,
    output: Output,
) -> None:
    """`local` is the file of this machine that is uploaded first.

    Raises:
        CommandError: an option is wrong, or nothing fits.
        ClusterError: the cluster refuses it.
        Exit: the Workspace failed.
    """
    cluster = connect_if_possible(environment, choice, required=not dry_run)
    within = namespace or (cluster.namespace if cluster is not None else "default")
    deployment = prepare(
        request, cluster, environment.prices(), within, environment.hub, environment.quotas
    )
    if local is not None and local.report is not None:
        typer.echo(f"{local.file.path}: {local.report.summary}", err=True)
    if dry_run or cluster is None:
        _print(deployment.manifest, output, environment)
        return
    if local is not None:
        send(local, cluster, within, environment.pause)
    try:
        deployment = apply(deployment, cluster, within)
    except ClusterError:
        if local is not None:
            typer.echo(
                f"The data stays in the volume {within}/{local.claim}: the same command uses it "
                f"again, and `kubectl delete pvc {local.claim} -n {within}` deletes it.",
                err=True,
            )
        raise
    if local is not None:
        hand_over(local, cluster, deployment.manifest)
    name = deployment.manifest["metadata"]["name"]
    if output is Output.TABLE:
        environment.stdout.write(f"{deployment.summary} applied in {within}.\n")
    if wait:
        _follow(cluster, name, within, environment, output)


def _follow(
    cluster: Cluster, name: str, namespace: str, environment: Environment, output: Output
) -> None:
    def look() -> Observation:
        return observe(cluster, name, namespace, environment.now())

    last = live.show(look, environment, output)
    if view.is_failing(last):
        if output is Output.TABLE:
            environment.stdout.write(f"`kubectl kaito why {name} -n {namespace}` says why.\n")
        raise typer.Exit(ExitCode.FAILING)
    if output is Output.TABLE:
        environment.stdout.write(f"`kubectl kaito endpoint {name} -n {namespace}` says where.\n")


def _print(manifest: object, output: Output, environment: Environment) -> None:
    if output is Output.JSON:
        environment.stdout.write(json.dumps(manifest, indent=2) + "\n")
    else:
        environment.stdout.write(yaml.safe_dump(manifest, sort_keys=False))
