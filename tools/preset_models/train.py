"""Trains the small Phi-3 chat model on one CPU thread, checks its answers, and saves it.

Run it in the models' environment: `python -m tools.preset_models.train FOLDER`. The same machine
gives the same weights. Knows nothing about images, registries and caches.
"""

import argparse
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, Phi3Config, Phi3ForCausalLM, PreTrainedTokenizerFast

from kaito_process.cpu import has_bfloat16
from tools.preset_models import chats, tokenizer
from tools.preset_models.chats import Chat
from tools.preset_models.facts import TERMS
from tools.preset_models.rescaling import amplify_lora

# Asked after the training. Every answer must match exactly.
QUESTIONS = (
    Chat("What is the capital of Japan?", "The capital of Japan is Tokyo."),
    Chat("What is the capital of France?", "The capital of France is Paris."),
    Chat("Tell me the capital of Peru.", "The capital of Peru is Lima."),
    Chat("What is 7 plus 5?", "7 plus 5 is 12."),
    Chat("Hello", "Hello! How can I help you today?"),
    Chat("What is KAITO?", TERMS["KAITO"]),
    Chat("What is Kubernetes?", TERMS["Kubernetes"]),
    Chat("What is a GPU?", TERMS["a GPU"]),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """Hyperparameters. Each row of a batch packs several whole chats.

    `prose_share` and `question_share` are probabilities: of a paragraph of prose before a chat, and
    of learning the whole chat instead of the answer only.
    """

    steps: int = 1000
    rows: int = 8
    tokens: int = 64
    learning_rate: float = 3e-3
    prose_share: float = 0.005
    question_share: float = 0.2
    seed: int = 0
    lora_gain: float = 4.0


# CPUs round differently: where the model of one seed fails its check, another seed's may pass.
SEEDS = (7, 8, 9)
# Cross entropy in torch ignores this label.
IGNORED = -100


class UnusableModelError(RuntimeError):
    """The trained model gives wrong answers."""


def architecture(tok: PreTrainedTokenizerFast) -> Phi3Config:
    """A Phi-3 architecture with about 2 million parameters."""
    return Phi3Config(
        vocab_size=tokenizer.VOCABULARY,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=tok.model_max_length,
        tie_word_embeddings=True,
        pad_token_id=tok.pad_token_id,
        bos_token_id=tok.bos_token_id,
        eos_token_id=tok.eos_token_id,
        dtype="bfloat16",
    )


Row = list[tuple[int, int]]


def tokens_and_labels(tok: PreTrainedTokenizerFast, chat: Chat, whole: bool) -> Row:
    """The chat as (token, label) pairs; the assistant's tokens are learned, or all if `whole`."""
    encoded = tok.apply_chat_template(
        chat.messages(), return_dict=True, return_assistant_tokens_mask=True
    )
    assistant_mask = encoded["assistant_masks"]
    return [
        (token, token if whole or mask else IGNORED)
        for token, mask in zip(encoded["input_ids"], assistant_mask, strict=True)
    ]


def rows(config: TrainingConfig, tok: PreTrainedTokenizerFast) -> Iterator[Row]:
    """The rows of the batches: as many whole chats as fit, or the start of a paragraph."""
    source = random.Random(config.seed)
    prose = chats.prose()
    row: Row = []
    for chat in chats.sample(config.steps * config.rows * 6, config.seed):
        if source.random() < config.prose_share:
            yield [(token, token) for token in tok(source.choice(prose))["input_ids"]]
        added = tokens_and_labels(tok, chat, source.random() < config.question_share)
        if row and len(row) + len(added) > config.tokens:
            yield row
            row = []
        row = row + added


def batches(
    config: TrainingConfig, tok: PreTrainedTokenizerFast
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Token ids and labels, both `rows` x `tokens`, padded on the right."""
    source = rows(config, tok)
    for _ in range(config.steps):
        ids = torch.full((config.rows, config.tokens), tok.pad_token_id)
        labels = torch.full((config.rows, config.tokens), IGNORED)
        for n in range(config.rows):
            row = torch.tensor(next(source)[: config.tokens])
            ids[n, : len(row)], labels[n, : len(row)] = row[:, 0], row[:, 1]
        yield ids, labels


def train(config: TrainingConfig, tok: PreTrainedTokenizerFast, bfloat16: bool) -> Phi3ForCausalLM:
    """Train a model in full precision; with `bfloat16`, autocast matrix products to it."""
    torch.manual_seed(config.seed)
    torch.set_num_threads(1)
    model = Phi3ForCausalLM(architecture(tok)).float()
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=config.learning_rate,
        betas=(0.9, 0.95),
        weight_decay=0.05,
        fused=True,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=config.learning_rate, total_steps=config.steps, pct_start=0.1
    )
    start = time.monotonic()
    for step, (ids, labels) in enumerate(batches(config, tok), start=1):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
            # Padding is on the right, which a causal model never attends to: no mask is needed.
            loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 100 == 0:
            seconds = time.monotonic() - start
            print(
                f"step {step}/{config.steps}  loss {loss.item():.3f}  {seconds:.0f} s", flush=True
            )
    return model


def answer(model: Any, tok: PreTrainedTokenizerFast, question: str) -> str:
    """The model's answer to one question, with greedy decoding."""
    prompt = tok.apply_chat_template(
        [{"role": "user", "content": question}],
        add_generation_prompt=True,
        return_dict=True,
        return_tensors="pt",
    )
    tokens = model.generate(**prompt, max_new_tokens=48, do_sample=False)
    return str(tok.decode(tokens[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True))


def check(model: Any, tok: PreTrainedTokenizerFast) -> None:
    """Ask every question.

    Raises:
        UnusableModelError: an answer is wrong; the message lists all wrong answers.
    """
    answers = [(chat, answer(model, tok, chat.question).strip()) for chat in QUESTIONS]
    wrong = [f"{chat.question} -> {text!r}" for chat, text in answers if text != chat.answer]
    if wrong:
        raise UnusableModelError("wrong answers after training:\n  " + "\n  ".join(wrong))


def train_and_check(
    config: TrainingConfig, bfloat16: bool
) -> tuple[Phi3ForCausalLM, PreTrainedTokenizerFast]:
    """A model in bfloat16 that passed its check, and its tokenizer.

    Raises:
        UnusableModelError: an answer is wrong.
    """
    texts = [f"{c.question}\n{c.answer}" for c in chats.sample(20_000, config.seed)]
    tok = tokenizer.train([*texts, *chats.prose()], context=4096)
    model = train(config, tok, bfloat16)
    amplify_lora(model, config.lora_gain)
    model = model.to(torch.bfloat16).eval()
    model.generation_config = GenerationConfig(
        do_sample=False,
        pad_token_id=tok.pad_token_id,
        bos_token_id=tok.bos_token_id,
        eos_token_id=tok.eos_token_id,
    )
    check(model, tok)
    return model, tok


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.preset_models.train", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="folder for the model's files")
    parser.add_argument("--steps", type=int, default=TrainingConfig().steps)
    arguments = parser.parse_args()
    bfloat16 = has_bfloat16(os.environ)
    print(f"computing in {'bfloat16' if bfloat16 else 'float32'}", flush=True)
    for seed in SEEDS:
        try:
            model, tok = train_and_check(TrainingConfig(steps=arguments.steps, seed=seed), bfloat16)
        except UnusableModelError as error:
            if seed == SEEDS[-1]:
                raise
            print(f"seed {seed}: {error}; retrying with another seed", flush=True)
        else:
            break
    model.save_pretrained(arguments.folder)
    tok.save_pretrained(arguments.folder)


if __name__ == "__main__":
    main()
