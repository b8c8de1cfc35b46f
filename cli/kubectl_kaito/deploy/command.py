"""The verbs `deploy` and `tune`."""

from enum import StrEnum
from typing import Annotated

import typer

from kubectl_kaito.cluster.cluster import ClusterChoice
from kubectl_kaito.environment import environment_of
from kubectl_kaito.options import (
    ContextOption,
    KubeconfigOption,
    NamespaceOption,
    Output,
    OutputOption,
    SubscriptionOption,
)

ModelArgument = Annotated[str, typer.Argument(help="A preset, its alias, or its Hugging Face ID.")]
NameOption = Annotated[
    str | None, typer.Option("--name", help="Of the Workspace; by default the model's.")
]
InstanceTypeOption = Annotated[
    str | None, typer.Option(help="Instance type; by default the cheapest that works.")
]
AccessSecretOption = Annotated[
    str | None, typer.Option(help="Secret with HF_TOKEN, for gated models.")
]
MaxPriceOption = Annotated[
    float | None, typer.Option(min=0.0, max=1e6, help="US dollars per hour, of all nodes together.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Print the manifest, and apply nothing.")
]
WaitOption = Annotated[bool, typer.Option(help="Follow it until it is ready or has failed.")]


class Method(StrEnum):
    LORA = "lora"
    QLORA = "qlora"
    DPO = "dpo"


def deploy(
    context: typer.Context,
    model: ModelArgument,
    name: NameOption = None,
    instance_type: InstanceTypeOption = None,
    access_secret: AccessSecretOption = None,
    max_price: MaxPriceOption = None,
    subscription: SubscriptionOption = None,
    dry_run: DryRunOption = False,
    wait: WaitOption = True,
    namespace: NamespaceOption = None,
    output: OutputOption = Output.TABLE,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Serve a model: writes its Workspace, applies it, and follows it until it answers."""
    from kubectl_kaito.deploy.request import DeployRequest
    from kubectl_kaito.deploy.running import deploy as run

    request = DeployRequest(
        model=model,
        name=name,
        instance_type=instance_type,
        access_secret=access_secret,
        max_price=max_price,
        subscription=subscription,
    )
    choice = ClusterChoice(kubeconfig, cluster_context)
    environment = environment_of(context)
    run(request, environment, choice, namespace, dry_run=dry_run, wait=wait, output=output)


def tune(
    context: typer.Context,
    model: ModelArgument,
    data: Annotated[
        str, typer.Option(help="A file of this machine, or a URL: https, s3, az, gs or hf.")
    ],
    adapter: Annotated[str, typer.Option(help="Image to push: registry/repository:tag.")],
    push_secret: Annotated[
        str | None, typer.Option(help="Secret of type dockerconfigjson for the push.")
    ] = None,
    storage_class: Annotated[
        str | None, typer.Option(help="Of the volume for a local file; by default the cluster's.")
    ] = None,
    check: Annotated[bool, typer.Option(help="Read a local file before it is uploaded.")] = True,
    method: Annotated[
        Method,
        typer.Option(
            help="qlora needs less memory than lora; dpo learns from pairs of a chosen and a "
            "rejected answer."
        ),
    ] = Method.QLORA,
    name: NameOption = None,
    instance_type: InstanceTypeOption = None,
    access_secret: AccessSecretOption = None,
    max_price: MaxPriceOption = None,
    subscription: SubscriptionOption = None,
    dry_run: DryRunOption = False,
    wait: WaitOption = True,
    namespace: NamespaceOption = None,
    output: OutputOption = Output.TABLE,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Fine-tune a model on your data, push the adapter, and serve the result."""
    from kubectl_kaito.deploy.local_data import LocalData, with_local_data
    from kubectl_kaito.deploy.request import DeployRequest
    from kubectl_kaito.deploy.running import deploy as run
    from kubectl_kaito.workspace_manifest import TuningRequest

    environment = environment_of(context)
    request = DeployRequest(
        model=model,
        name=name,
        instance_type=instance_type,
        access_secret=access_secret,
        max_price=max_price,
        subscription=subscription,
        tuning=TuningRequest(
            data=data, output_image=adapter, push_secret=push_secret, method=method.value
        ),
    )
    local: LocalData | None = None
    if "://" not in data:
        request, local = with_local_data(
            request, environment, storage_class=storage_class, check=check
        )
    choice = ClusterChoice(kubeconfig, cluster_context)
    run(request, environment, choice, namespace, local, dry_run=dry_run, wait=wait, output=output)
