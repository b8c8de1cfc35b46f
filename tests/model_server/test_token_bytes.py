"""The bytes of the tokens of vocabularies of every kind."""

from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from model_server.text.token_bytes import TokenBytes
from model_server.transformers.vocabulary import HubVocabulary
from tests.model_server.tiny_model import make_tokenizer

TEXT = "The ship — naïve 東京 ☂\n\tgold <|end|> 🚢"
_VOCABULARY = {
    "<unk>": 0, "▁The": 1, "▁ship": 2, "s": 3, "▁": 4, "<0xE2>": 5, "<0x98>": 6, "<0x82>": 7,
    "東": 8, "<0x0A>": 9,
}  # fmt: skip


def sentencepiece(decoder: Any) -> Any:
    raw = Tokenizer(models.BPE(vocab=_VOCABULARY, merges=[], byte_fallback=True))
    raw.decoder = decoder
    return PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<end ▁>")


LLAMA = decoders.Sequence(
    [
        decoders.Replace("▁", " "),
        decoders.ByteFallback(),
        decoders.Fuse(),
        decoders.Strip(" ", 1, 0),
    ]
)
METASPACE = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])


def test_bytes_of_a_byte_level_vocabulary_join_to_the_text() -> None:
    tokenizer = make_tokenizer()
    known = TokenBytes(HubVocabulary(tokenizer))
    ids = tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    tokens = [known.likely_token(each, -1.0) for each in ids]
    assert b"".join(each.raw for each in tokens) == TEXT.encode()
    assert any(each.text == "\N{REPLACEMENT CHARACTER}" for each in tokens)
    assert [each.text for each in tokens if each.raw == b"<|end|>"] == ["<|end|>"]


@pytest.mark.parametrize("decoder", [LLAMA, METASPACE], ids=["replace", "metaspace"])
def test_bytes_of_a_sentencepiece_vocabulary(decoder: Any) -> None:
    known = TokenBytes(HubVocabulary(sentencepiece(decoder)))
    raws = [known.likely_token(token, None).raw for token in range(1, 10)]
    assert raws == [b" The", b" ship", b"s", b" ", b"\xe2", b"\x98", b"\x82", "東".encode(), b"\n"]
    assert b"".join(raws[4:7]).decode() == "☂"
    # An added token is its own text, whatever the vocabulary's word boundary is.
    assert known.likely_token(10, None).text == "<end ▁>"


def test_bytes_of_other_vocabularies_are_those_of_the_decoded_token() -> None:
    raw = Tokenizer(models.WordPiece({"[UNK]": 0, "ship": 1, "##s": 2}, unk_token="[UNK]"))
    raw.decoder = decoders.WordPiece()
    known = TokenBytes(HubVocabulary(PreTrainedTokenizerFast(tokenizer_object=raw)))
    assert [known.likely_token(token, None).raw for token in (1, 2)] == [b"ship", b"##s"]


def test_row_of_the_model_beyond_the_vocabulary_stands_for_nothing() -> None:
    assert TokenBytes(HubVocabulary(make_tokenizer())).likely_token(99_999, -1.0).raw == b""
