"""The folder of keys: mounted Secrets, in which each file is a key's document under its id."""

import asyncio
import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from inference_gateway.keys.key_ring import KeyRing
from kaito_keys.api_key import redacted
from kaito_keys.key_policy import KeyPolicy, KeyPolicyError, check_id, parse
from kaito_process.retry import retry_until_done

logger = logging.getLogger(__name__)
# The largest object that the API server stores; one key has some hundreds of bytes.
_MAX_FILE_BYTES = 1024 * 1024


@dataclass(slots=True)
class KeysFolder:
    """A folder, and what was last seen in it.

    The kubelet updates a volume of Secrets by swapping the symlink `..data`, and all files with it.
    So where there is one, only its target is looked at: ten thousand files are read when they have
    changed, and not every two seconds.
    """

    path: Path
    _seen: object = None

    def read_if_changed(self) -> KeyRing | None:
        """All keys if the folder has changed, else None.

        A file that cannot be used is logged, and its key is unknown: what was revoked by a mistake
        in a document is revoked. A folder that is not there has no keys.
        """
        found = self._state()
        if found == self._seen:
            return None
        policies: dict[str, KeyPolicy] = {}
        for file in self._files():
            try:
                policies[file.name] = _read(file)
            except (KeyPolicyError, OSError) as error:
                fields = {"file": redacted(str(file)), "error": str(error) or type(error)}
                logger.error("key ignored", extra=fields)
        # Not before: what could not be read this time is looked at again.
        self._seen = found
        return KeyRing(policies)

    def _state(self) -> object:
        try:
            return os.readlink(self.path / "..data")
        except OSError:
            digest = hashlib.sha256()
            for file in self._files():
                stat = file.stat()
                digest.update(f"{file.name} {stat.st_mtime_ns} {stat.st_size}\n".encode())
            return digest.digest()

    def _files(self) -> list[Path]:
        # The kubelet's own entries begin with two dots.
        found = self.path.iterdir() if self.path.is_dir() else ()
        return sorted(each for each in found if not each.name.startswith("."))


def _read(file: Path) -> KeyPolicy:
    """The policy in a file.

    Raises:
        KeyPolicyError: there is none.
        OSError: it cannot be read.
    """
    check_id(file.name)
    with file.open("rb") as content:
        return parse(file.name, content.read(_MAX_FILE_BYTES).decode(errors="replace"))


async def follow(
    folder: KeysFolder,
    apply: Callable[[KeyRing | None], None],
    interval_seconds: float,
) -> None:
    """Applies the keys whenever they change, and None when they have not, forever."""

    async def look_again_and_again() -> None:
        while True:
            apply(await asyncio.to_thread(folder.read_if_changed))
            await asyncio.sleep(interval_seconds)

    await retry_until_done(look_again_and_again, Exception, "follow the keys", logger)
