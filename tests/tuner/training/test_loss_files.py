"""loss.json and loss.png in the results and beside the adapter."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.image import imread

from tuner.results import IMAGE_FILES, LOSS_CURVE, LOSS_HISTORY, ResultsDirectory
from tuner.training import loss_curve
from tuner.training.loss_curve import draw_loss_curve, smoothed
from tuner.training.loss_files import add_loss_to_adapter, save_loss
from tuner.training.loss_history import LossPoint

POINTS = [
    LossPoint(
        step=step,
        loss=4.0 / step,
        eval_loss=4.5 / step if step % 40 == 0 else None,
        learning_rate=2e-4,
        time="2026-01-02T03:04:05+00:00",
    )
    for step in range(1, 121)
]


@pytest.fixture
def results(tmp_path: Path) -> ResultsDirectory:
    found = ResultsDirectory(tmp_path)
    found.adapter.mkdir()
    return found


def test_history_and_picture_are_kept(results: ResultsDirectory) -> None:
    save_loss(results, POINTS, "phi (lora)", picture=True)
    history = json.loads((results.root / "loss.json").read_bytes())
    assert len(history["points"]) == 120
    assert history["points"][39] == {
        "step": 40,
        "loss": 0.1,
        "eval_loss": 0.1125,
        "learning_rate": 2e-4,
        "time": "2026-01-02T03:04:05+00:00",
    }
    picture = imread(results.root / "loss.png")
    assert picture.shape[:2] == (540, 960)
    # Blue is the loss, orange the loss on the rows held back.
    colors = {
        tuple(round(float(part), 1) for part in pixel[:3]) for row in picture for pixel in row
    }
    assert {(0.1, 0.5, 0.7), (1.0, 0.5, 0.1)} <= colors
    assert sorted(path.name for path in results.root.iterdir() if path.is_file()) == [
        "loss.json",
        "loss.png",
    ]


def test_picture_names_the_run_and_its_lines() -> None:
    (axes,) = draw_loss_curve(POINTS, "phi (lora)").axes
    assert (axes.get_title(), axes.get_xlabel(), axes.get_ylabel()) == (
        "phi (lora)",
        "step",
        "loss",
    )
    lines = {line.get_label(): len(line.get_xdata()) for line in axes.get_lines()}
    assert lines == {"loss": 120, "loss, mean": 120, "loss on rows held back": 3}


def test_mean_line_follows_the_loss() -> None:
    assert smoothed([1.0, 2.0, 3.0, 10.0], 1) == [1.0, 2.0, 5.0, 6.5]


def test_run_of_one_step_has_a_picture(results: ResultsDirectory) -> None:
    save_loss(results, POINTS[:1], "phi (lora)", picture=True)
    assert results.loss_curve.stat().st_size > 5000


def test_run_without_a_step_leaves_no_files(results: ResultsDirectory) -> None:
    save_loss(results, [], "phi (lora)", picture=True)
    assert not results.loss_history.exists()


def test_terminating_pod_draws_no_picture(results: ResultsDirectory) -> None:
    save_loss(results, POINTS, "phi (lora)", picture=False)
    assert results.loss_history.exists() and not results.loss_curve.exists()


def test_failure_costs_the_picture_and_not_the_run(
    results: ResultsDirectory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no fonts")

    monkeypatch.setattr(loss_curve, "draw_loss_curve", fail)
    save_loss(results, POINTS, "phi (lora)", picture=True)
    assert "the loss is not kept" in caplog.text and "no fonts" in caplog.text
    add_loss_to_adapter(results)
    assert "the image goes without the loss" in caplog.text


def test_image_has_both_files_and_is_the_same_for_the_same_training(
    results: ResultsDirectory,
) -> None:
    save_loss(results, POINTS, "phi (lora)", picture=True)
    add_loss_to_adapter(results)
    first = {name: (results.adapter / name).read_bytes() for name in (LOSS_HISTORY, LOSS_CURVE)}
    assert set(first) <= set(IMAGE_FILES)
    later = [replace(point, time="2027-01-01") for point in POINTS]
    save_loss(results, later, "phi (lora)", picture=True)
    add_loss_to_adapter(results)
    assert {name: (results.adapter / name).read_bytes() for name in first} == first
