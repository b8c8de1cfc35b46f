import io

from tuner.check.row_progress import ROWS_PER_LOOK, RowProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_terminal_is_left_clean() -> None:
    stream = Terminal()
    with RowProgress(stream, redraw_seconds=0) as progress:
        for _ in range(ROWS_PER_LOOK * 2):
            progress.count()
    shown = stream.getvalue()
    assert f"\r{ROWS_PER_LOOK} rows read, " in shown
    assert f"\r{ROWS_PER_LOOK * 2} rows read, " in shown
    assert shown.endswith(" \r")


def test_nothing_is_written_to_a_file() -> None:
    stream = io.StringIO()
    with RowProgress(stream, redraw_seconds=0) as progress:
        for _ in range(ROWS_PER_LOOK * 2):
            progress.count()
    assert stream.getvalue() == ""
