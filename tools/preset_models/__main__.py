"""python -m tools.preset_models: pushes a small model under the names of real presets.

Trains the model if the cache lacks it, and pushes one image per preset. The model's files are at
/workspace/tfs/weights, as in the images of the real models.
"""

import argparse
import json
import sys
import time

from tools.images.registry import Registry, RegistryError
from tools.preset_models import oci, store

DEFAULT_REGISTRY = "172.30.0.1:5000"
DEFAULT_PRESETS = ("phi-3-mini-128k-instruct=0.0.1",)
WEIGHTS = "workspace/tfs/weights"


def _preset(text: str) -> tuple[str, str]:
    name, _, tag = text.partition("=")
    if not (name and tag):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not NAME=TAG: use {DEFAULT_PRESETS[0]}, for example"
        )
    return name, tag


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.preset_models", description=__doc__)
    parser.add_argument("--registry", default=DEFAULT_REGISTRY, help="host[:port]")
    parser.add_argument("--tls", action="store_true", help="use HTTPS for the registry")
    parser.add_argument(
        "--preset",
        type=_preset,
        action="append",
        metavar="NAME=TAG",
        help=f"image to push, may be repeated; default: {' '.join(DEFAULT_PRESETS)}",
    )
    parser.add_argument("--only-train", action="store_true", help="do not push any image")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    return parser


def publish(registry: Registry, preset: str, tag: str, archive: bytes) -> str:
    """Push the model under the preset's name and return the reference.

    The tag is always written, because it may point to a model from older sources.

    Raises:
        RegistryError: the registry cannot be reached or rejects the image.
    """
    repository = f"kaito-{preset}"
    oci.push(
        registry, repository, tag, oci.image(archive, {"org.opencontainers.image.title": preset})
    )
    return registry.reference(repository, tag)


def main() -> int:
    arguments = _parser().parse_args()
    start = time.monotonic()
    folder = store.model_folder()
    print(f"model: {folder} ({time.monotonic() - start:.1f} s)", file=sys.stderr)
    if arguments.only_train:
        return 0
    registry = Registry(arguments.registry, plain_http=not arguments.tls)
    archive = oci.tar(folder, WEIGHTS)
    presets = arguments.preset or [_preset(text) for text in DEFAULT_PRESETS]
    try:
        references = {name: publish(registry, name, tag, archive) for name, tag in presets}
    except RegistryError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if arguments.output == "json":
        print(json.dumps(references, indent=2))
    else:
        print("\n".join(references.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
