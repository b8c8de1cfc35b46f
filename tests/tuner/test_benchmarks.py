"""The programs of `make bench-tuner` and `make gpu-check` on a tiny model, in one process."""

import json
from pathlib import Path

import pytest

from benchmarks import random_model
from benchmarks.gpu.size import SIZES
from benchmarks.tuner import data, evaluate, trl_run, tuner_run
from benchmarks.tuner.contenders import BEST, PLAIN, TUNER, Subject, write_subject
from benchmarks.tuner.measure import Outcome, Trainings
from benchmarks.tuner.measurement import read_measurement
from benchmarks.tuner.results import Clock, report

# TRL still uses names that transformers has replaced.
pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing. is deprecated")
ROWS, HELD_OUT = 6, 2
SUBJECT = SIZES["tiny"].subject("cpu")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What all contenders took on the same few rows."""
    folder = tmp_path_factory.mktemp("benchmark")
    random_model.make(folder / "model", SIZES["tiny"].model)
    write_subject(folder, SUBJECT)
    data.write(folder, ROWS, HELD_OUT)
    for name in (PLAIN, BEST, TUNER):
        (folder / name).mkdir()
    trl_run.run(PLAIN, folder)
    trl_run.run(BEST, folder)
    with pytest.MonkeyPatch.context() as environ:
        trainings = Trainings(folder=folder, python="", environ={})
        for name, value in trainings.tuner_settings(SUBJECT).items():
            environ.setenv(name, value)
        tuner_run.run(folder / TUNER)
    names = (PLAIN, BEST, TUNER)
    return Outcome(
        measured={name: read_measurement(folder / name) for name in names},
        losses=evaluate.evaluate(folder, {name: folder / name / "adapter" for name in names}),
        tokens=1000,
    )


def test_each_contender_trains_and_has_an_adapter_that_is_evaluated(outcome: Outcome) -> None:
    assert set(outcome.losses) == {"", PLAIN, BEST, TUNER}
    for name, took in outcome.measured.items():
        assert took.updates > 0 and took.cpu_seconds > 0 and took.peak_memory_bytes > 2**20, name
        # It has learned something, so the adapter is its own.
        assert outcome.losses[name] != outcome.losses[""], name


def test_the_last_line_compares_the_tuner_with_both(outcome: Outcome) -> None:
    *_, last = report(outcome, Clock.CPU)
    assert last.startswith("tuner: ")
    assert "x plain, " in last and "x best-known, loss difference " in last


def test_a_gpu_trains_with_what_trl_advises_for_it() -> None:
    gpu = Subject(learning_rate=1e-4, target_modules=("q_proj",), device="cuda")
    assert "use_cpu" not in trl_run.options_of(PLAIN, gpu)
    assert trl_run.options_of(PLAIN, gpu)["per_device_train_batch_size"] == 1
    best = trl_run.options_of(BEST, gpu)
    assert best["packing"] and best["bf16"] and best["per_device_train_batch_size"] > 1
    assert trl_run.options_of(BEST, SUBJECT)["use_cpu"]


def test_the_model_answers_with_a_text_for_each_of_its_tokens(tmp_path: Path) -> None:
    random_model.make(tmp_path, "llama-1m")
    tokenizer = json.loads((tmp_path / "tokenizer.json").read_text())
    config = json.loads((tmp_path / "config.json").read_text())
    assert len(tokenizer["model"]["vocab"]) == config["vocab_size"]
