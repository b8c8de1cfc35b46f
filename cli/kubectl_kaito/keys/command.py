"""The verbs `keys create`, `keys list` and `keys revoke`."""

from typing import Annotated

import typer

from kubectl_kaito.cluster.cluster import ClusterChoice
from kubectl_kaito.environment import environment_of
from kubectl_kaito.options import ContextOption, KubeconfigOption, Output, OutputOption

ReleaseNamespaceOption = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="Namespace of the release; by default it is found."),
]
SecretOption = Annotated[
    str, typer.Option(help="Secret of the keys; one of inference-gateway.apiKeys.secrets.")
]
DEFAULT_SECRET = "kaito-api-keys"
_NOTE = (
    "Keep this key: it is not shown again. Front doors know it within about a minute. "
    "`kubectl kaito keys revoke {id} -n {namespace}{secret}` ends it."
)


def create_key(
    context: typer.Context,
    description: Annotated[str, typer.Option(help="Whose it is, or what for.")] = "",
    allow_model: Annotated[
        list[str] | None,
        typer.Option(help="A model that it may use: namespace/workspace, adapter or preset."),
    ] = None,
    allow_namespace: Annotated[
        list[str] | None, typer.Option(help="A namespace whose models it may use.")
    ] = None,
    requests_per_minute: Annotated[int | None, typer.Option(min=0)] = None,
    requests_per_day: Annotated[int | None, typer.Option(min=0)] = None,
    concurrent_requests: Annotated[int | None, typer.Option(min=1)] = None,
    tokens_per_minute: Annotated[int | None, typer.Option(min=0)] = None,
    tokens_per_day: Annotated[int | None, typer.Option(min=0)] = None,
    tokens_per_month: Annotated[int | None, typer.Option(min=0)] = None,
    dollars_per_day: Annotated[str | None, typer.Option(metavar="DOLLARS")] = None,
    dollars_per_month: Annotated[str | None, typer.Option(metavar="DOLLARS")] = None,
    priority: Annotated[
        int, typer.Option(min=-1000, max=1000, help="Lower numbers run first.")
    ] = 0,
    expires: Annotated[
        str | None, typer.Option(help="A span like 90d, or a time like 2027-01-01T00:00:00Z.")
    ] = None,
    secret: SecretOption = DEFAULT_SECRET,
    namespace: ReleaseNamespaceOption = None,
    output: OutputOption = Output.TABLE,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Make an API key for the front door, and show it once.

    Without --allow-model and --allow-namespace it may use all models; without limits it has none.
    """
    from kaito_keys.api_key import generate
    from kubectl_kaito.keys.changes import expiry, new_policy
    from kubectl_kaito.keys.table import created_table
    from kubectl_kaito.keys.view import CreatedKeyView
    from kubectl_kaito.keys.writing import add_key, secret_of
    from kubectl_kaito.output import emit

    environment = environment_of(context)
    key, now = generate(), environment.now()
    fields = {
        "description": description,
        "models": allow_model or [],
        "namespaces": allow_namespace or [],
        "requestsPerMinute": requests_per_minute,
        "requestsPerDay": requests_per_day,
        "concurrentRequests": concurrent_requests,
        "tokensPerMinute": tokens_per_minute,
        "tokensPerDay": tokens_per_day,
        "tokensPerMonth": tokens_per_month,
        "dollarsPerDay": dollars_per_day,
        "dollarsPerMonth": dollars_per_month,
        "priority": priority,
        "expires": expiry(expires, now) if expires is not None else None,
    }
    policy = new_policy(key, fields, now)
    cluster = environment.connect(ClusterChoice(kubeconfig, cluster_context))
    where = secret_of(cluster, secret, namespace)
    add_key(cluster, where, policy)
    view = CreatedKeyView(namespace=where.namespace, secret=where.name, id=key.id, key=key.text)
    emit(view, output, environment.stdout, created_table)
    if output is Output.TABLE:
        other = f" --secret {secret}" if secret != DEFAULT_SECRET else ""
        typer.echo(_NOTE.format(id=key.id, namespace=where.namespace, secret=other), err=True)


def list_keys(
    context: typer.Context,
    secret: SecretOption = DEFAULT_SECRET,
    namespace: ReleaseNamespaceOption = None,
    output: OutputOption = Output.TABLE,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Show the keys of a Secret: what each may use, its limits, and whether it is good.

    Exit code 1: the front door ignores one, because its document is wrong.
    """
    from kubectl_kaito.exit_codes import ExitCode
    from kubectl_kaito.keys.table import table
    from kubectl_kaito.keys.view import keys_view
    from kubectl_kaito.keys.writing import read_keys, secret_of
    from kubectl_kaito.output import emit

    environment = environment_of(context)
    cluster = environment.connect(ClusterChoice(kubeconfig, cluster_context))
    found = read_keys(cluster, secret_of(cluster, secret, namespace))
    view = keys_view(found, environment.now())
    emit(view, output, environment.stdout, table)
    if any(each.state == "Invalid" for each in view.keys):
        raise typer.Exit(ExitCode.FAILING)


def revoke_keys(
    context: typer.Context,
    keys: Annotated[
        list[str], typer.Argument(metavar="KEY...", help="Ids, or whole keys that have leaked.")
    ],
    secret: SecretOption = DEFAULT_SECRET,
    namespace: ReleaseNamespaceOption = None,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """End keys. Front doors end their running streams, too, within about a minute."""
    from kubectl_kaito.keys.changes import key_id
    from kubectl_kaito.keys.writing import remove_keys, secret_of

    environment = environment_of(context)
    cluster = environment.connect(ClusterChoice(kubeconfig, cluster_context))
    names = [key_id(each) for each in keys]
    remove_keys(cluster, secret_of(cluster, secret, namespace), names)
    for name in names:
        environment.stdout.write(f"key {name} revoked\n")


keys = typer.Typer(
    name="keys",
    help="Make, list and revoke API keys of the front door.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
keys.command("create")(create_key)
keys.command("list")(list_keys)
keys.command("revoke")(revoke_keys)
