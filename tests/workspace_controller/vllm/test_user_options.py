"""Which options of vLLM a user may set, and what is said about the others."""

from typing import Any

import pytest

from kaito_training.errors import ConfigError
from workspace_controller.vllm.user_options import read_options


@pytest.mark.parametrize(
    ("section", "options"),
    [
        ({}, {}),
        ({"gpu_memory_utilization": 0.9}, {"gpu-memory-utilization": 0.9}),
        ({"gpu-memory-utilization": "0.95"}, {"gpu-memory-utilization": 0.95}),
        ({"--max-num-seqs": "64"}, {"max-num-seqs": 64}),
        ({"max-num-batched-tokens": "8k"}, {"max-num-batched-tokens": "8k"}),
        ({"enable-chunked-prefill": "False"}, {"enable-chunked-prefill": False}),
        ({"enforce-eager": ""}, {"enforce-eager": True}),
        ({"enable-expert-parallel": None}, {"enable-expert-parallel": True}),
        ({"disable-lora": True}, {"enable-lora": False}),
        ({"no-trust-remote-code": "true"}, {"trust-remote-code": False}),
        ({"revision": 1234}, {"revision": "1234"}),
        ({"max-lora-rank": None}, {"max-lora-rank": None}),
        ({"speculative-config": {"model": "x"}}, {"speculative-config": {"model": "x"}}),
        # What KAITO's own example sets; this version of vLLM has no swap space.
        ({"cpu-offload-gb": 0, "swap-space": 4}, {"cpu-offload-gb": 0}),
    ],
)
def test_options_are_read(section: dict[str, Any], options: dict[str, Any]) -> None:
    assert read_options(section) == options


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            {"gpu-memory-utilisation": 0.9},
            "sets vllm.gpu-memory-utilisation, which is no option of vLLM 0.33.0: did you mean "
            "gpu-memory-utilization?",
        ),
        (
            {"zzz": 1},
            "sets vllm.zzz, which is no option of vLLM 0.33.0: vllm serve --help=all lists them",
        ),
        ({"port": 80}, "sets vllm.port, which Kaito sets itself: remove it"),
        ({"api_key": "x"}, "sets vllm.api_key, which Kaito sets itself: remove it"),
        (
            {"max-num-seqs": "many"},
            "cannot be used: vllm.max-num-seqs is 'many'; use a whole number",
        ),
        (
            {"gpu-memory-utilization": 95},
            "cannot be used: vllm.gpu-memory-utilization is 95; use a number above 0 and at most 1",
        ),
        (
            {"enforce-eager": 3},
            "cannot be used: vllm.enforce-eager is 3; use true or false",
        ),
        (
            {"dtype": "int8"},
            "cannot be used: vllm.dtype is 'int8'; use one of: auto, bfloat16, float, float16, "
            "float32, half",
        ),
    ],
)
def test_a_wrong_option_is_named_with_its_value_and_the_remedy(
    section: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        read_options(section)
    assert str(raised.value) == message
