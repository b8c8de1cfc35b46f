"""Which encoding a text has: by its first bytes, or, if it is not UTF-8, by its letters."""

import codecs
import unicodedata

# The longer marks first: that of UTF-32 begins with that of UTF-16.
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Under the names that iconv knows, with the beginnings of the Unicode names of their letters. From
# the strictest to the one that takes nearly every byte.
CANDIDATES = {
    "EUC-JP": ("HIRAGANA", "KATAKANA", "CJK", "IDEOGRAPHIC", "FULLWIDTH"),
    "SHIFT_JIS": ("HIRAGANA", "KATAKANA", "CJK", "IDEOGRAPHIC", "FULLWIDTH"),
    "EUC-KR": ("HANGUL",),
    "GB18030": ("CJK", "IDEOGRAPHIC", "FULLWIDTH"),
    "WINDOWS-1251": ("CYRILLIC",),
    "WINDOWS-1252": ("LATIN", "LEFT", "RIGHT", "EN", "EM", "EURO", "INVERTED", "DEGREE", "POUND"),
}
WINDOW = 400


def detect_encoding(head: bytes) -> str:
    """The encoding, as a codec of Python, of a text that begins with `head`; usually utf-8."""
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    sample = head[:1024]
    # UTF-16 without a mark: of a Latin letter, and of a separator, one byte of two is 0.
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) > len(sample) // 5 and min(even, odd) < len(sample) // 50:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"


def likely_encoding(data: bytes, start: int) -> str | None:
    """The encoding that makes letters of one script of the bytes of `data` from `start` on."""
    window = data[start : start + WINDOW]
    for encoding, scripts in CANDIDATES.items():
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(window)
        except UnicodeDecodeError:
            continue
        others = [letter for letter in text if not letter.isascii()]
        matching = [x for x in others if unicodedata.name(x, "").startswith(scripts)]
        if others and len(matching) >= 0.9 * len(others):
            return encoding
    return None
