from tuner.data_report.samples import MAX_PIECES, shorten_pieces


def test_short_pieces_stay() -> None:
    pieces = (("a", False), ("b", True))
    assert shorten_pieces([*pieces, ("", True)]) == pieces


def test_the_middle_of_a_long_piece_is_left_out() -> None:
    ((text, learned),) = shorten_pieces([("a" * 400 + "b" * 1234 + "c" * 200, True)])
    assert text == "a" * 400 + "\n… 1,234 characters …\n" + "c" * 200
    assert learned


def test_the_middle_of_many_pieces_is_left_out() -> None:
    pieces = shorten_pieces((f"{n}", n % 2 == 1) for n in range(100))
    assert len(pieces) == MAX_PIECES + 1
    assert pieces[0] == ("0", False)
    assert pieces[MAX_PIECES // 2] == ("\n… 88 parts …\n", False)
    assert pieces[-1] == ("99", True)
