"""What the user sees while things take long."""

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


def test_each_step_is_told_with_its_seconds() -> None:
    out = io.StringIO()
    progress = Progress(steps=2, out=out)
    with progress.step("network"):
        pass
    with progress.step("etcd") as step:
        step.note = "fast"
    first, second = out.getvalue().splitlines()
    assert first.startswith("✓ [1/2] network  0.")
    assert second.endswith("s  fast")


def test_a_step_that_fails_says_so() -> None:
    out = io.StringIO()
    with pytest.raises(OSError, match="full"), Progress(steps=1, out=out).step("etcd"):
        raise OSError("disk full")
    assert out.getvalue().startswith("✗ [1/1] etcd")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_running_steps_are_redrawn_below_those_that_are_over() -> None:
    out = Terminal()
    progress = Progress(steps=2, out=out)
    with progress.step("slow"):
        with progress.step("quick"):
            pass
        over, running = out.getvalue().split("\x1b[J")[1].splitlines()
        assert over.startswith("✓ [2/2] quick")
        assert running.startswith("… [1/2] slow")
    assert out.getvalue().split("\x1b[J")[-1].startswith("✓ [1/2] slow")
