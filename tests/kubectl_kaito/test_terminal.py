"""What people see: one line a row, and no control characters of the cluster."""

import io

from kubectl_kaito.terminal import columns, fields, print_all, text


def printed(*parts: object) -> str:
    stdout = io.StringIO()
    print_all(parts, stdout)
    return stdout.getvalue()


def test_rows_stay_one_line_however_long_and_have_no_padding_at_their_end() -> None:
    out = printed(columns(["NAME", "MESSAGE"], [("a", "x" * 500), ("b", None)]))
    lines = out.splitlines()
    assert len(lines) == 3
    assert lines[1].endswith("x" * 500)
    assert lines[2].split() == ["b", "-"]
    assert all(line == line.rstrip() for line in lines)


def test_control_characters_and_markup_of_the_cluster_are_not_obeyed() -> None:
    out = printed(columns(["M"], [("\x1b[31mred\x1b]0;title\x07 [bold]x[/bold] :smile:",)]))
    assert "\x1b" not in out and "\x07" not in out
    assert "[bold]x[/bold] :smile:" in out


def test_fields_without_a_value_are_left_out() -> None:
    assert printed(fields([("A", 1), ("B", None), ("C", "")])).split() == ["A", "1"]


def test_a_plain_text_is_printed_as_it_is() -> None:
    assert printed(text("two\nlines")) == "two\nlines\n"
