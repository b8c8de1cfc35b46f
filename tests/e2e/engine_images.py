"""Images that only tests need, in the local registry: each is built once, and then cached."""

from tools.demo.cluster import REGISTRY
from tools.images.local import local_pipeline
from tools.images.pipeline import resolve
from tools.images.recipe import Recipe
from tools.images.registry import Registry
from tools.venvs import ROOT

_VLLM = Recipe(
    name="vllm-cpu",
    repository="kaito-test/vllm-cpu",
    dockerfile="tests/e2e/images/vllm_cpu/Dockerfile",
)


def vllm_image() -> tuple[str, str]:
    """Repository and tag of vLLM's server for CPUs: minutes and 8 GB of disk on first use."""
    (image,) = resolve(ROOT, [_VLLM])
    # Of digits only, it would be a number to Helm.
    tag = f"cpu-{image.digest}"
    local_pipeline(print).push([image], Registry(REGISTRY), tag)
    return f"{REGISTRY}/{_VLLM.repository}", tag
