"""The verb `models`."""

from typing import Annotated

import typer

from kubectl_kaito.environment import environment_of
from kubectl_kaito.options import Output, OutputOption


def models(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="A preset, its alias, or any model of the hub.")
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the models, or show one: what it needs, where it fits, license, gated or not."""
    from kaito_presets import catalog as presets
    from kaito_skus import catalog as skus
    from kaito_skus.sku import Cloud
    from kubectl_kaito.models import table, view
    from kubectl_kaito.output import emit
    from kubectl_kaito.presets import find_preset

    environment, azure = environment_of(context), skus.load().on(Cloud.AZURE).skus
    stdout = environment.stdout
    if name is None:
        emit(view.preset_list(presets.load().presets, azure), output, stdout, table.list_table)
    else:
        detail = view.preset_detail(find_preset(name, environment.hub), azure)
        emit(detail, output, stdout, table.detail_table)
