"""python -m tools.images [build|push] [IMAGE...]: the images of this checkout.

Builds missing images with buildah and pushes those that the registry lacks. The tag is a digest of
an image's inputs, so an unchanged image is neither built nor pushed again.
"""

import argparse
import json
import sys

from tools.images.buildah import BuildFailedError
from tools.images.local import local_pipeline
from tools.images.pipeline import ResolvedImage, resolve
from tools.images.recipes import recipes
from tools.images.registry import Registry, RegistryError
from tools.venvs import ROOT

DEFAULT_REGISTRY = "172.30.0.1:5000"


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.images", description=__doc__)
    parser.add_argument("action", choices=("build", "push"), nargs="?", default="push")
    parser.add_argument(
        "image", nargs="*", help=f"one of {', '.join(recipes('cpu'))}; default: all"
    )
    parser.add_argument("--registry", default=DEFAULT_REGISTRY, help="host[:port]")
    parser.add_argument("--tls", action="store_true", help="use HTTPS for the registry")
    parser.add_argument("--tag", help="an additional tag for every image")
    parser.add_argument("--torch", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    return parser


def _print(references: dict[str, str], output: str) -> None:
    if output == "json":
        print(json.dumps(references, indent=2))
    else:
        for name, reference in references.items():
            print(f"{name:22} {reference}")


def main() -> int:
    parser = _parser()
    arguments = parser.parse_args()
    known = recipes(arguments.torch)
    if unknown := set(arguments.image) - set(known):
        parser.error(f"no such image: {', '.join(sorted(unknown))}; use {', '.join(known)}")
    chosen = [recipe for name, recipe in known.items() if name in (arguments.image or known)]
    registry = Registry(arguments.registry, plain_http=not arguments.tls)
    images = resolve(ROOT, chosen)
    try:
        if arguments.action == "push":
            local_pipeline(_report).push(images, registry, arguments.tag)
        else:
            for image in images:
                local_pipeline(_report).build(image)
    except (BuildFailedError, RegistryError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    _print({i.recipe.name: _reference(i, registry, arguments) for i in images}, arguments.output)
    return 0


def _reference(image: ResolvedImage, registry: Registry, arguments: argparse.Namespace) -> str:
    if arguments.action == "build":
        return image.local
    return registry.reference(image.recipe.repository, arguments.tag or image.tag)


if __name__ == "__main__":
    sys.exit(main())
