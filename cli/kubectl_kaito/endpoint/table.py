"""The addresses for people."""

from rich.console import RenderableType

from kubectl_kaito.endpoint.view import EndpointView
from kubectl_kaito.terminal import fields, text


def table(view: EndpointView) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if not view.ready:
        parts += [text("The model does not answer yet.", "yellow"), text("")]
    return [
        *parts,
        fields(
            [
                ("External", view.external),
                ("In the cluster", view.http),
                ("gRPC", view.grpc),
                ("OpenAI base URL", f"{view.external or view.http}/v1"),
            ]
        ),
        text(""),
        text("From here:"),
        text(f"  {view.port_forward}"),
        text(f"  curl {view.local}/v1/models"),
    ]
