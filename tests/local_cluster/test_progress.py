"""What the user sees while steps run."""

import io

import pytest

from tools.local_cluster.progress import Progress, Step, bar


@pytest.mark.parametrize(
    ("step", "drawn"),
    [
        (Step("a"), ""),
        (Step("a", note="fetching"), "fetching"),
        (Step("a", done=1, total=2, note="half"), "█" * 12 + "░" * 12 + " 1/2 half"),
        (Step("a", done=3, total=2), "█" * 24 + " 3/2 "),
    ],
    ids=["nothing known", "only a note", "half done", "more than expected"],
)
def test_bar(step: Step, drawn: str) -> None:
    assert bar(step) == drawn


def test_each_step_is_printed_with_its_seconds() -> None:
    out = io.StringIO()
    progress = Progress(steps=2, out=out)
    with progress.step("network"):
        pass
    with progress.step("etcd") as step:
        step.note = "fast"
    first, second = out.getvalue().splitlines()
    assert first.startswith("✓ [1/2] network  0.")
    assert second.endswith("s  fast")


def test_failed_step_is_marked() -> None:
    out = io.StringIO()
    with pytest.raises(OSError, match="full"), Progress(steps=1, out=out).step("etcd"):
        raise OSError("disk full")
    assert out.getvalue().startswith("✗ [1/1] etcd")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_terminal_redraws_running_steps_below_finished_ones() -> None:
    out = Terminal()
    # No redraw in between, however slow the machine is.
    progress = Progress(steps=2, out=out, redraw_seconds=3600)
    with progress.step("slow"):
        with progress.step("quick"):
            pass
        finished, running = out.getvalue().split("\x1b[J")[1].splitlines()
        assert finished.startswith("✓ [2/2] quick")
        assert running.startswith("… [1/2] slow")
    assert out.getvalue().split("\x1b[J")[-1].startswith("✓ [1/2] slow")
