"""Trains the small Phi-3 chat model on one CPU thread, checks its answers, and saves it.

Run with the models' environment: `python -m tools.preset_models.train FOLDER`. The same machine
gives the same weights. Knows nothing of images, registries and caches.
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
from tools.preset_models.steer import ease_adaptation

#: Asked after the training; all of them must be answered to the letter.
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
class Course:
    """How long and how fast to train. One row of the batch holds several whole chats."""

    steps: int = 1000
    rows: int = 8
    tokens: int = 64
    rate: float = 3e-3
    prose_share: float = 0.005
    question_share: float = 0.2
    seed: int = 0
    ease: float = 4.0


#: Processors round differently: where one seed's model fails its check, another's passes.
SEEDS = (7, 8, 9)
IGNORED = -100  # torch's label for "not learned"


class UnusableModelError(RuntimeError):
    """The trained model answers wrongly: its training or its text was changed for the worse."""


def architecture(words: PreTrainedTokenizerFast) -> Phi3Config:
    """About 2 million parameters, laid out as Phi-3."""
    return Phi3Config(
        vocab_size=tokenizer.VOCABULARY,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=words.model_max_length,
        tie_word_embeddings=True,
        pad_token_id=words.pad_token_id,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        dtype="bfloat16",
    )


Row = list[tuple[int, int]]


def tokens_and_labels(words: PreTrainedTokenizerFast, chat: Chat, whole: bool) -> Row:
    """The chat as (token, label) pairs; only what the assistant says is learned, or the whole."""
    encoded = words.apply_chat_template(
        chat.messages(), return_dict=True, return_assistant_tokens_mask=True
    )
    spoken = encoded["assistant_masks"]
    return [
        (token, token if whole or mask else IGNORED)
        for token, mask in zip(encoded["input_ids"], spoken, strict=True)
    ]


def rows(course: Course, words: PreTrainedTokenizerFast) -> Iterator[Row]:
    """Rows of the batches: each as many whole chats as fit, or the start of a paragraph."""
    source = random.Random(course.seed)
    prose = chats.prose()
    row: Row = []
    for chat in chats.sample(course.steps * course.rows * 6, course.seed):
        if source.random() < course.prose_share:
            yield [(token, token) for token in words(source.choice(prose))["input_ids"]]
        added = tokens_and_labels(words, chat, source.random() < course.question_share)
        if row and len(row) + len(added) > course.tokens:
            yield row
            row = []
        row = row + added


def batches(
    course: Course, words: PreTrainedTokenizerFast
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Token ids and labels, both `rows` x `tokens`, padded on the right."""
    source = rows(course, words)
    for _ in range(course.steps):
        ids = torch.full((course.rows, course.tokens), words.pad_token_id)
        labels = torch.full((course.rows, course.tokens), IGNORED)
        for n in range(course.rows):
            row = torch.tensor(next(source)[: course.tokens])
            ids[n, : len(row)], labels[n, : len(row)] = row[:, 0], row[:, 1]
        yield ids, labels


def train(course: Course, words: PreTrainedTokenizerFast, bfloat16: bool) -> Phi3ForCausalLM:
    """The trained model, in full precision. `bfloat16`: multiply in it, as the CPU can."""
    torch.manual_seed(course.seed)
    torch.set_num_threads(1)
    model = Phi3ForCausalLM(architecture(words)).float()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=course.rate, betas=(0.9, 0.95), weight_decay=0.05, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=course.rate, total_steps=course.steps, pct_start=0.1
    )
    start = time.monotonic()
    for step, (ids, labels) in enumerate(batches(course, words), start=1):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
            # Padding comes last, where a causal model never looks: no attention mask is needed.
            loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 100 == 0:
            seconds = time.monotonic() - start
            print(
                f"step {step}/{course.steps}  loss {loss.item():.3f}  {seconds:.0f} s", flush=True
            )
    return model


def answer(model: Any, words: PreTrainedTokenizerFast, question: str) -> str:
    """What the model says to one question, the likeliest token at each step."""
    prompt = words.apply_chat_template(
        [{"role": "user", "content": question}],
        add_generation_prompt=True,
        return_dict=True,
        return_tensors="pt",
    )
    tokens = model.generate(**prompt, max_new_tokens=48, do_sample=False)
    return str(words.decode(tokens[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True))


def check(model: Any, words: PreTrainedTokenizerFast) -> None:
    """Raises UnusableModelError with every wrong answer."""
    given = [(asked, answer(model, words, asked.question).strip()) for asked in QUESTIONS]
    wrong = [f"{asked.question} -> {got!r}" for asked, got in given if got != asked.answer]
    if wrong:
        raise UnusableModelError("wrong answers after training:\n  " + "\n  ".join(wrong))


def school(course: Course, bfloat16: bool) -> tuple[Phi3ForCausalLM, PreTrainedTokenizerFast]:
    """A model that passed its check, in bfloat16, and its tokenizer. Raises UnusableModelError."""
    texts = [f"{c.question}\n{c.answer}" for c in chats.sample(20_000, course.seed)]
    words = tokenizer.train([*texts, *chats.prose()], context=4096)
    model = train(course, words, bfloat16)
    ease_adaptation(model, course.ease)
    model = model.to(torch.bfloat16).eval()
    model.generation_config = GenerationConfig(
        do_sample=False,
        pad_token_id=words.pad_token_id,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
    )
    check(model, words)
    return model, words


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.preset_models.train", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="where the model's files are written")
    parser.add_argument("--steps", type=int, default=Course().steps)
    arguments = parser.parse_args()
    bfloat16 = has_bfloat16(os.environ)
    print(f"multiplying in {'bfloat16' if bfloat16 else 'float32'}", flush=True)
    for seed in SEEDS:
        try:
            model, words = school(Course(steps=arguments.steps, seed=seed), bfloat16)
        except UnusableModelError as error:
            if seed == SEEDS[-1]:
                raise
            print(f"seed {seed}: {error}; once more with another", flush=True)
        else:
            break
    model.save_pretrained(arguments.folder)
    words.save_pretrained(arguments.folder)


if __name__ == "__main__":
    main()
