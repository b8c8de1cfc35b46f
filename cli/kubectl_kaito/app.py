"""The verbs, and the options of each.

Modules named `command` import nothing heavy at the top: help and shell completion load all of them,
and neither rich nor the Kubernetes client may cost them time. A test holds them to it.
"""

import typer

from kubectl_kaito.adapters.command import adapters
from kubectl_kaito.chat.command import chat
from kubectl_kaito.cost.command import cost
from kubectl_kaito.deploy.command import deploy, tune
from kubectl_kaito.doctor.command import doctor
from kubectl_kaito.endpoint.command import endpoint
from kubectl_kaito.history.command import history
from kubectl_kaito.keys.command import keys
from kubectl_kaito.lineage.command import lineage
from kubectl_kaito.logs.command import logs
from kubectl_kaito.models.command import models
from kubectl_kaito.plan.command import plan
from kubectl_kaito.status.command import status
from kubectl_kaito.undo.command import undo
from kubectl_kaito.why.command import why

_HELP = """Serve and tune language models on Kubernetes: what it costs, how far it is, and why not.

Exit codes: 0 fine, 1 what you asked about is failing, 2 wrong options, 3 no cluster, 4 not found,
5 the cluster refuses, 70 a bug.
"""

app = typer.Typer(
    name="kubectl-kaito",
    help=_HELP,
    no_args_is_help=True,
    # Both would load rich.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_ALL = (
    models,
    plan,
    deploy,
    tune,
    status,
    why,
    endpoint,
    chat,
    logs,
    history,
    undo,
    lineage,
    cost,
    doctor,
)
VERBS = {verb.__name__: verb for verb in _ALL}

# Verbs with verbs of their own.
GROUPS = {"adapters": adapters, "keys": keys}

for verb in VERBS.values():
    app.command()(verb)
for name, group in GROUPS.items():
    app.add_typer(group, name=name)
