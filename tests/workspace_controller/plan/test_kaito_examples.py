"""KAITO's own examples are taken, except for what is no preset, no instance type, or too small."""

import pytest

from tools.docgen.kaito_examples import EXAMPLES, Example, verdict

REFUSED = {
    "<your-vm-sku>": "is not in the catalog",
    # Of its 8 GiB, 6.7 are vLLM's, which needs 2.3 besides the 5.3 of the weights.
    "Standard_NK6": "phi-2 needs 2 GPUs of 8 GiB",
}


def name(example: Example) -> str:
    return f"{example.file}-{example.preset}"


@pytest.mark.parametrize("example", EXAMPLES, ids=name)
def test_only_what_cannot_be_served_is_refused(example: Example) -> None:
    found = verdict(example)
    why = REFUSED.get(example.instance_type or "") or REFUSED.get(example.preset)
    assert why in found.problem if why else not found.problem
    of_the_hub = example.preset == "deepseek-ai/DeepSeek-V4-Flash"
    assert (found.nodes == 0) is (why is not None or of_the_hub)


@pytest.mark.parametrize(
    ("file", "engine", "nodes"),
    [
        ("KAITO's page about gpt-oss", "vllm", 1),
        ("KAITO's page about DeepSeek R1", "vllm", 5),
        ("inference/kaito_workspace_llama-3.3_70b_instruct.yaml", "vllm", 2),
        ("inference/kaito_workspace_gpt_oss_120b.yaml", "transformers", 1),
        ("inference/kaito_workspace_mistral-medium-3.5.yaml", "vllm", 2),
        ("inference/kaito_workspace_accelerator.yaml", "vllm", 1),
        ("fine-tuning/kaito_workspace_tuning_falcon_7b_oai.yaml", "transformers", 1),
    ],
)
def test_what_serves_an_example(file: str, engine: str, nodes: int) -> None:
    (example,) = [each for each in EXAMPLES if each.file == file]
    found = verdict(example)
    assert (found.engine, found.nodes) == (engine, nodes)


def test_there_are_many_examples() -> None:
    assert len(EXAMPLES) >= 30
