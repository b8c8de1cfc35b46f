"""Prints a view: as JSON or YAML, or through its table for people."""

import json
from collections.abc import Callable, Sequence
from typing import TextIO, TypeVar

import yaml

from kaito_api.manifest import Model
from kubectl_kaito.options import Output


class View(Model):
    """What a verb says, in camelCase for scripts. Fields are added and never renamed or removed.

    Money is in US dollars, memory in GiB, and a span in seconds, as the field's name says.
    """


AnyView = TypeVar("AnyView", bound=View)


def emit(
    view: AnyView, output: Output, stdout: TextIO, table: Callable[[AnyView], Sequence[object]]
) -> None:
    """Prints the view. `table` returns what rich can print."""
    if output is Output.TABLE:
        from kubectl_kaito.terminal import print_all

        print_all(table(view), stdout)
        return
    document = view.model_dump(by_alias=True, mode="json")
    if output is Output.JSON:
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    else:
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    # JSON of a registry can escape half of a character, which no output can hold.
    stdout.write(text.encode(errors="replace").decode())
