"""The table of clients and its verdict."""

from tests.clients.report import Result, parse, table


def test_lines_of_a_client_become_results_and_other_output_is_skipped() -> None:
    output = 'a warning\n{"call": "chat", "result": "8 tokens", "ok": true}\n'
    assert parse("npm", output) == [Result("npm", "chat", "8 tokens", ok=True)]


def test_a_wrong_result_stands_out_and_cells_stay_cells() -> None:
    rows = table([Result("npm", "a|b", "two\nlines", ok=False)]).splitlines()
    assert rows[-1] == "| npm | a\\|b | two lines | WRONG |"
