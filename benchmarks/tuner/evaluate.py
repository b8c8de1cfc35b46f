"""The loss of each adapter on the answers held out: python -m benchmarks.tuner.evaluate FOLDER.

Runs in .venv-models. Knows neither TRL nor the tuner: each conversation goes through the model by
itself, in float32 on a CPU and in bfloat16 on a GPU, and the assistant's tokens count.
Prints JSON: adapter → loss per token.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.tuner.contenders import read_subject

Encoded = tuple[torch.Tensor, torch.Tensor]


def encode(tokenizer: Any, file: Path) -> Iterator[Encoded]:
    """For each conversation its ids, 1 x length, and which of them are the assistant's."""
    for row in pq.read_table(file).column("messages").to_pylist():
        found = tokenizer.apply_chat_template(
            row, return_dict=True, return_assistant_tokens_mask=True
        )
        yield torch.tensor([found["input_ids"]]), torch.tensor(found["assistant_masks"]).bool()


def loss(model: Any, examples: list[Encoded]) -> float:
    """The mean over all tokens of the assistant."""
    total, count = 0.0, 0
    with torch.no_grad():
        for ids, learned in examples:
            ids, learned = ids.to(model.device), learned.to(model.device)
            logits = model(input_ids=ids).logits[0, :-1].float()
            each = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none")
            total += float(each[learned[1:]].sum())
            count += int(learned[1:].sum())
    return total / count


def evaluate(folder: Path, adapters: Mapping[str, Path]) -> dict[str, float]:
    """The loss with each adapter, and of the base model as ""."""
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    examples = list(encode(tokenizer, folder / "held-out.parquet"))
    device = read_subject(folder).device
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    base = AutoModelForCausalLM.from_pretrained(folder / "model", dtype=dtype).to(device).eval()
    losses = {"": loss(base, examples)}
    for name, path in adapters.items():
        model = PeftModel.from_pretrained(base, path).eval()
        losses[name] = loss(model, examples)
        base = model.unload()
    return losses


if __name__ == "__main__":
    root = Path(sys.argv[1])
    found = {path.parent.name: path for path in sorted(root.glob("*/adapter"))}
    print(json.dumps(evaluate(root, found)))
