"""Which base models an adapter's configuration may name."""

import pytest

from model_server.adapters.base_model_names import is_another_model


@pytest.mark.parametrize(
    ("declared", "served", "another"),
    [
        ("", "falcon-7b", False),
        ("falcon-7b", "falcon-7b", False),
        ("tiiuae/falcon-7b", "falcon-7b", False),
        ("microsoft/Phi-3-mini-4k-instruct", "phi-3-mini-4k-instruct", False),
        ("unsloth/Phi-3-mini-4k-instruct-bnb-4bit", "phi-3-mini-4k-instruct", False),
        ("meta-llama/Llama-2-7b-chat-hf", "llama-2-7b-chat", False),
        ("/mnt/model", "falcon-7b", False),
        ("./falcon", "falcon-7b", False),
        ("tiiuae/falcon-7b", "falcon-7b-instruct", True),
        ("tiiuae/falcon-7b-instruct", "falcon-7b", True),
        ("meta-llama/Llama-2-7b-hf", "llama-2-7b-chat", True),
        ("microsoft/phi-2", "phi-3-mini-4k-instruct", True),
    ],
)
def test_adapter_names_its_base_model(declared: str, served: str, another: bool) -> None:
    assert is_another_model(declared, served) is another
