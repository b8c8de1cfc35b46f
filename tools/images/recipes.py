"""The images of this repository, as data."""

from typing import Literal

from tools.images.recipe import Recipe

Torch = Literal["cpu", "cuda"]
CONTROL = ("workspace-controller", "gpu-provisioner", "inference-gateway")
MODELS = ("tuner", "model-server")
#: The content of the data server's context comes from these.
DATA_SOURCES = tuple(f"tools/preset_models/{name}.py" for name in ("dataset", "chats", "facts"))


def recipes(torch: Torch) -> dict[str, Recipe]:
    """Every image by name, in the order of building: what takes longest first."""
    services = [
        Recipe(
            name=name,
            repository=f"kaito/{name}",
            dockerfile=f"services/{name}/Dockerfile",
            arguments={"TORCH": torch} if name in MODELS else {},
        )
        for name in (*MODELS, *CONTROL)
    ]
    beside = [
        Recipe(
            name="curl",
            repository="curlimages/curl",
            dockerfile="tools/images/curl/Dockerfile",
            tag="latest",
        ),
        Recipe(
            name="data-server",
            repository="kaito/data-server",
            dockerfile="tools/images/data_server/Dockerfile",
            contexts=("data",),
            sources=DATA_SOURCES,
        ),
    ]
    return {recipe.name: recipe for recipe in services + beside}
