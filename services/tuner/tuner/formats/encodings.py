"""Which encoding a text has: by its first bytes, or, if it is not UTF-8, by its letters."""

import codecs
import re
from collections.abc import Callable, Mapping

# The longer marks first: that of UTF-32 begins with that of UTF-16.
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
HIGH_BYTES = re.compile(rb"[\x80-\xff]+")
WINDOW = 400


def detect_encoding(head: bytes) -> str:
    """The encoding, as a codec of Python, of a text that begins with `head`; usually utf-8."""
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    sample = head[:1024]
    # UTF-16 without a mark: of a Latin letter, and of a separator, one byte of two is 0.
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) > len(sample) // 5 and min(even, odd) * 8 < max(even, odd):
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"


def likely_encoding(data: bytes, start: int) -> str | None:
    """The encoding that makes sense of the bytes of `data` from `start` on, as iconv names it.

    Libraries that detect encodings need pages of text; here, a few letters have to do.
    """
    window = data[start : start + WINDOW]
    # Accents and quotation marks occur alone, or in pairs, between letters of ASCII.
    if max(map(len, HIGH_BYTES.findall(window)), default=0) <= 2 and _decode(window, "cp1252"):
        return "WINDOWS-1252"
    for encoding, is_common in COMMON_LETTERS.items():
        letters = [x for x in _decode(window, encoding) if not x.isascii() and x.isalpha()]
        if letters and sum(map(is_common, letters)) >= 0.7 * len(letters):
            return encoding
    return None


def _decode(window: bytes, encoding: str) -> str:
    """`window`, whose end may be cut, as text; "" if it is not of that encoding."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(window)
    except UnicodeDecodeError:
        return ""


def _is_common_chinese(letter: str) -> bool:
    """True for the 3,755 characters of the first level of GB 2312, which texts consist of."""
    return b"\xb0" <= letter.encode("gb2312", "ignore")[:1] <= b"\xd7"


def _is_kana_or_kanji(letter: str) -> bool:
    return "\u3040" <= letter <= "\u30ff" or "\u4e00" <= letter <= "\u9fff"


def _is_hangul(letter: str) -> bool:
    return "\uac00" <= letter <= "\ud7a3"


def _is_small_cyrillic(letter: str) -> bool:
    return "\u0430" <= letter <= "\u044f"


# From the strictest to the one that takes nearly every byte.
COMMON_LETTERS: Mapping[str, Callable[[str], bool]] = {
    "WINDOWS-1251": _is_small_cyrillic,
    "EUC-KR": _is_hangul,
    "GB18030": _is_common_chinese,
    "SHIFT_JIS": _is_kana_or_kanji,
    "EUC-JP": _is_kana_or_kanji,
}
