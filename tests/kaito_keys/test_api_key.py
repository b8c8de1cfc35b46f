"""The text of an API key."""

import hashlib
import random

import pytest

from kaito_keys.api_key import generate, parse

# Always the same one: it is part of the names of tests.
KEY = generate(random.Random(1).choice)


def test_a_key_is_read_back() -> None:
    assert parse(KEY.text) == KEY
    assert KEY.text.startswith(f"kaito-{KEY.id}-")


def test_no_two_keys_are_alike() -> None:
    keys = [generate() for _ in range(100)]
    assert len({key.text for key in keys}) == len({key.id for key in keys}) == 100


def test_the_digest_is_that_of_the_text() -> None:
    assert KEY.digest == "sha256:" + hashlib.sha256(KEY.text.encode()).hexdigest()


def test_the_text_is_not_shown() -> None:
    assert KEY.text not in repr(KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kaito",
        KEY.text[:-1],
        KEY.text + "a",
        " " + KEY.text,
        KEY.text[:-10] + ("a" if KEY.text[-10] != "a" else "b") + KEY.text[-9:],
        KEY.text.replace("kaito", "sk"),
        KEY.text.replace(KEY.id, KEY.id[::-1]),
        "kaito-ключ",
    ],
)
def test_what_was_never_issued_is_no_key(text: str) -> None:
    assert parse(text) is None
