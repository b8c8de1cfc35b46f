"""The text of an API key: `kaito-<id>-<secret><checksum>`.

The id is public: it names the key in Secrets, logs, metrics and usage records. The checksum tells a
cut or mistyped key from an unknown one, offline, and lets scanners of repositories recognize keys.

A key is kept as the SHA-256 of its text. Slow hashes such as bcrypt or Argon2 exist because people
choose passwords that can be guessed; the secret here has 190 random bits, which no dictionary has,
and a slow hash would cost every request of the gateway milliseconds.
"""

import hashlib
import re
import secrets
import string
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

PREFIX = "kaito"
_ID_LETTERS = string.ascii_lowercase + string.digits
_SECRET_LETTERS = string.ascii_letters + string.digits
# 36^10 ids: two of a million keys share one with a chance of 1 in 7,000, and creation refuses it.
_ID_LENGTH = 10
# log2(62^32) is 190 bits.
_SECRET_LENGTH = 32
# 62^6 is more than the 2^32 values of a CRC-32.
_CHECKSUM_LENGTH = 6
_FORMAT = re.compile(
    rf"{PREFIX}-([a-z0-9]{{{_ID_LENGTH}}})-([A-Za-z0-9]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}})"
)
ID_FORMAT = re.compile(rf"[a-z0-9]{{{_ID_LENGTH}}}")
DIGEST_FORMAT = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key. The text never appears in a representation, and so in no log or traceback."""

    id: str
    text: str = field(repr=False)

    @property
    def digest(self) -> str:
        """What is kept of it: "sha256:" and 64 hexadecimal digits."""
        return "sha256:" + hashlib.sha256(self.text.encode()).hexdigest()


def generate(choose: Callable[[str], str] = secrets.choice) -> ApiKey:
    """A new key. `choose` picks one of some letters at random."""
    identifier = "".join(choose(_ID_LETTERS) for _ in range(_ID_LENGTH))
    body = f"{PREFIX}-{identifier}-" + "".join(
        choose(_SECRET_LETTERS) for _ in range(_SECRET_LENGTH)
    )
    return ApiKey(identifier, body + _checksum(body))


def parse(text: str) -> ApiKey | None:
    """The key, or None if the text cannot be one that was ever issued."""
    found = _FORMAT.fullmatch(text)
    if found is None or _checksum(text[:-_CHECKSUM_LENGTH]) != text[-_CHECKSUM_LENGTH:]:
        return None
    return ApiKey(found[1], text)


def redacted(text: str) -> str:
    """The text with the id alone of each key in it, for messages and logs."""
    return _FORMAT.sub(rf"{PREFIX}-\1-...", text)


def _checksum(body: str) -> str:
    number, letters = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, place = divmod(number, len(_SECRET_LETTERS))
        letters += _SECRET_LETTERS[place]
    return letters
