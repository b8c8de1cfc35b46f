"""The options that several verbs share. Those about the cluster are kubectl's own."""

from enum import StrEnum
from typing import Annotated

import typer


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


NamespaceOption = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="Namespace; by default that of the context."),
]
AllNamespacesOption = Annotated[
    bool, typer.Option("--all-namespaces", "-A", help="Workspaces of all namespaces.")
]
ContextOption = Annotated[
    str | None, typer.Option("--context", help="Context of the kubeconfig; by default its current.")
]
KubeconfigOption = Annotated[
    str | None,
    typer.Option("--kubeconfig", help="Path of the kubeconfig; by default KUBECONFIG or ~/.kube."),
]
SubscriptionOption = Annotated[
    str | None,
    typer.Option(
        envvar="AZURE_SUBSCRIPTION_ID",
        help="Azure subscription whose quota is read, with your `az login`.",
    ),
]
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How to print the result.")]
