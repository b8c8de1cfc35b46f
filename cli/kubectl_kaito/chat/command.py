"""The verb `chat`."""

from typing import Annotated

import typer

from kubectl_kaito.cluster.cluster import ClusterChoice
from kubectl_kaito.options import ContextOption, KubeconfigOption, NamespaceOption
from kubectl_kaito.scope import scope_of


def chat(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A Workspace.")],
    message: Annotated[
        str | None, typer.Argument(help="A question; without, lines of stdin until it ends.")
    ] = None,
    namespace: NamespaceOption = None,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Talk to a served model through the API server; no port-forward is needed."""
    from kaito_kube.kinds import Key
    from kubectl_kaito.chat.conversation import Conversation
    from kubectl_kaito.errors import CommandError
    from kubectl_kaito.observation import read_workspace
    from kubectl_kaito.workspace_facts import is_answering

    choice = ClusterChoice(kubeconfig, cluster_context)
    environment, cluster, within = scope_of(context, choice, namespace)
    if not is_answering(read_workspace(cluster, name, within)):
        raise CommandError(
            f"{within}/{name} does not answer yet: `kubectl kaito why {name} -n {within}` says why"
        )
    conversation, stdout = Conversation(cluster, Key(within, name)), environment.stdout

    def write(text: str) -> None:
        stdout.write(text)
        stdout.flush()

    questions = [message] if message is not None else environment.stdin
    for question in questions:
        if question.strip():
            conversation.ask(question.strip(), write)
            write("\n")
