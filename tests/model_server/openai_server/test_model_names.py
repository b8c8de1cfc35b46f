"""A relayed body gets the name that the server knows."""

import json

import pytest

from model_server.errors import InvalidRequest
from model_server.openai_server.model_names import set_model

_FORM = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nname="model"\r\n'
    b'--x\r\nContent-Disposition: form-data; name="model"\r\nContent-Type: text/plain\r\n\r\n'
    b"tiny\r\n--x--\r\n"
)


def test_json_gets_the_name() -> None:
    body = set_model('{"model": "tiny", "é": [1]}'.encode(), "application/json; charset=utf-8", "m")
    assert json.loads(body) == {"model": "m", "é": [1]}
    assert json.loads(set_model(b"{}", "application/json", "m")) == {"model": "m"}


def test_half_of_a_surrogate_pair_stays() -> None:
    # What remains of an emoji that a client has cut.
    body = set_model(rb'{"prompt": "\u00e9\ud83d", "\udc00": "\\ud83d"}', "application/json", "m")
    assert json.loads(body) == {"prompt": "\u00e9\ud83d", "\udc00": "\\ud83d", "model": "m"}


def test_a_form_gets_the_name_and_keeps_its_file() -> None:
    body = set_model(_FORM, "multipart/form-data; boundary=x", r"m\1")
    assert body == _FORM.replace(b"tiny", rb"m\1")


def test_a_body_of_another_kind_stays() -> None:
    assert set_model(b"\x00", "audio/wav", "m") == b"\x00"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
def test_what_is_no_json_object_is_rejected(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="body"):
        set_model(body, "application/json", "m")
