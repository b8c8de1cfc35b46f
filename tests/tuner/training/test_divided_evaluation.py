"""Evaluations on a device that holds fewer tokens than a batch has."""

from typing import Any

import pytest
import torch
from trl.trainer.utils import FusedCausalLMOutput

from tuner.batching.evaluation_room import EvaluationRoom
from tuner.training.agreement import Agreement
from tuner.training.divided_evaluation import (
    DividedEvaluation,
    DividedForward,
    EvaluationShortage,
)


class Model:
    """Gives each token its own number, and has room for so many tokens at a time."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.given: list[tuple[int, ...]] = []

    def forward(self, *, input_ids: torch.Tensor, **_: Any) -> FusedCausalLMOutput:
        self.given.append(tuple(input_ids.shape))
        if input_ids.numel() > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return FusedCausalLMOutput(log_probs=input_ids[:, 1:].float())


class Evaluation:
    """As transformers' trainer: it evaluates batches, and returns what the model makes of them."""

    batches = tuple({"input_ids": torch.arange(8 * 4).reshape(8, 4)} for _ in range(2))
    model: Any

    def evaluation_loop(self) -> list[torch.Tensor]:
        return [self.model.forward(**batch).log_probs for batch in self.batches]


class Divided(DividedEvaluation, Evaluation):
    def __init__(self, model: Model, agreement: Agreement | None = None) -> None:
        self.model, self.room = model, EvaluationRoom()
        self.agreement = agreement or Agreement()


def whole() -> list[torch.Tensor]:
    return [batch["input_ids"][:, 1:].float() for batch in Evaluation.batches]


def test_half_as_much_gives_the_same(caplog: pytest.LogCaptureFixture) -> None:
    model = Model(room=10)
    found = Divided(model).evaluation_loop()
    assert all(torch.equal(one, other) for one, other in zip(found, whole(), strict=True))
    assert model.given == [(8, 4), (4, 4), *[(2, 4)] * 8], "what did not fit is not tried again"
    assert "32 tokens at a time do not fit; it goes on with at most 16, and its" in caplog.text
    assert "16 tokens at a time do not fit; it goes on with at most 8, and its" in caplog.text


def test_the_next_evaluation_begins_with_what_fits() -> None:
    trainer = Divided(Model(room=16))
    trainer.evaluation_loop()
    trainer.model.given.clear()
    trainer.evaluation_loop()
    assert trainer.model.given == [(4, 4)] * 4


def test_the_model_has_its_own_forward_again() -> None:
    trainer = Divided(Model(room=16))
    trainer.evaluation_loop()
    assert "forward" not in vars(trainer.model)
    trainer.model.forward = own = trainer.model.forward
    trainer.evaluation_loop()
    assert trainer.model.forward is own


def test_an_example_that_does_not_fit_ends_the_evaluation() -> None:
    with pytest.raises(EvaluationShortage) as caught:
        Divided(Model(room=3)).evaluation_loop()
    assert caught.value.tokens == 4
    assert caught.value.detail.startswith("OutOfMemoryError: CUDA out of memory. Tried")


def test_other_processes_get_what_they_wait_for() -> None:
    """An output of the right shape, from two tokens: nobody hangs in the middle of a step."""
    model = Model(room=3)
    forward = DividedForward(model.forward, EvaluationRoom())
    output = forward(input_ids=torch.ones(2, 6, dtype=torch.long), use_cache=False)
    assert output.log_probs.shape == (2, 5)
    assert forward.shortage is not None
    assert forward.shortage[0] == 6
    assert model.given == [(2, 6), (1, 6), (1, 2), (1, 2)], "and nothing more is tried"


class Peers(Agreement):
    """Another process has had no room for an example of 512 tokens."""

    processes = 2

    def gather(self, value: Any) -> list[Any]:
        return [value, (512, "OutOfMemoryError: elsewhere")]


def test_a_shortage_of_one_process_ends_the_evaluation_of_all() -> None:
    with pytest.raises(EvaluationShortage, match="512 tokens: OutOfMemoryError: elsewhere"):
        Divided(Model(room=1000), Peers()).evaluation_loop()


def test_another_error_is_not_taken_for_a_shortage() -> None:
    class Broken(Model):
        def forward(self, *, input_ids: torch.Tensor, **_: Any) -> FusedCausalLMOutput:
            raise RuntimeError("CUDA error: device-side assert triggered")

    with pytest.raises(RuntimeError, match="device-side assert"):
        Divided(Broken(room=0)).evaluation_loop()


@pytest.mark.parametrize(
    ("deaths", "expected"), [(0, None), (1, 4096), (2, 2048), (3, 1024), (9, 1024)]
)
def test_a_process_that_was_killed_leaves_half_the_room(deaths: int, expected: int | None) -> None:
    assert EvaluationRoom.after_deaths(deaths, batch=8, longest=1024).tokens == expected
