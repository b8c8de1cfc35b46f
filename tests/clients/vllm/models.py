"""Makes the small models that vLLM serves, with random weights.

One generates, one embeds, one classifies, and one sees images. Runs in the models' environment:
`python -m` this module, with a kind and a folder.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    Idefics3Processor,
    LlamaConfig,
    Qwen2Config,
    Qwen2ForSequenceClassification,
)

from tests.model_server.tiny_model import CONTEXT, make_adapter, make_tokenizer
from tests.model_server.tool_model import make_tool_model

_IMAGE_TOKENS = (
    "<fake_token_around_image>",
    "<image>",
    "<global-img>",
    "<end_of_utterance>",
)
# vLLM's attention for CPUs needs heads of 32 numbers or more.
_HIDDEN, _HEADS = 64, 2
_IMAGE_PIXELS, _PATCH_PIXELS, _SCALE = 64, 16, 2
_IMAGE_TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>"
    "{% if m.content is string %}{{ m.content }}{% else %}{% for part in m.content %}"
    "{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}{% endif %}<|end|>{% endfor %}<|assistant|>"
)


def make_text(folder: Path) -> None:
    """A model that generates, with tools, and two adapters beside it."""
    make_tool_model(folder / "model", heads=_HEADS)
    for seed, name in enumerate(("pirate", "poet"), start=1):
        make_adapter(folder / "adapters" / name, seed=seed)


def make_embeddings(folder: Path) -> None:
    """The same model; vLLM takes its last hidden state for vectors."""
    make_tool_model(folder / "model", heads=_HEADS)


def make_classes(folder: Path) -> None:
    """A classifier with three labels."""
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(folder / "model")
    torch.manual_seed(7)
    labels = dict(enumerate(("calm", "breeze", "storm")))
    config = Qwen2Config(
        **_sizes(tokenizer),
        id2label=labels,
        label2id={name: index for index, name in labels.items()},
    )
    Qwen2ForSequenceClassification(config).to(torch.float32).save_pretrained(folder / "model")


def make_images(folder: Path) -> None:
    """An Idefics 3: its image becomes a few tokens of a Llama. vLLM needs no torchvision for it."""
    tokenizer = make_tokenizer()
    tokenizer.add_tokens(list(_IMAGE_TOKENS), special_tokens=True)
    tokenizer.chat_template = None
    torch.manual_seed(7)
    edge = {"longest_edge": _IMAGE_PIXELS}
    processor = Idefics3Processor(
        Idefics3ImageProcessorPil(size=edge, max_image_size=edge, do_image_splitting=False),
        tokenizer,
        image_seq_len=(_IMAGE_PIXELS // _PATCH_PIXELS // _SCALE) ** 2,
        chat_template=_IMAGE_TEMPLATE,
    )
    processor.save_pretrained(folder / "model")
    config = Idefics3Config(
        vision_config={
            "hidden_size": _HIDDEN,
            "intermediate_size": 2 * _HIDDEN,
            "num_hidden_layers": 2,
            "num_attention_heads": _HEADS,
            "image_size": _IMAGE_PIXELS,
            "patch_size": _PATCH_PIXELS,
            "initializer_range": 0.2,
        },
        text_config=LlamaConfig(**_sizes(tokenizer)),
        scale_factor=_SCALE,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
    )
    model = Idefics3ForConditionalGeneration(config).to(torch.float32)
    model.save_pretrained(folder / "model")


def _sizes(tokenizer: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": _HIDDEN,
        "intermediate_size": 2 * _HIDDEN,
        "num_hidden_layers": 2,
        "num_attention_heads": _HEADS,
        "num_key_value_heads": 1,
        "max_position_embeddings": CONTEXT,
        # Random answers differ from one token to the next only if the weights are not tiny.
        "initializer_range": 0.2,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


MAKERS: Mapping[str, Callable[[Path], None]] = {
    "text": make_text,
    "embeddings": make_embeddings,
    "classes": make_classes,
    "images": make_images,
}


if __name__ == "__main__":
    MAKERS[sys.argv[1]](Path(sys.argv[2]))
