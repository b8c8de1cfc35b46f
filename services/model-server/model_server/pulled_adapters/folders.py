"""Where pulled adapters lie: a folder for each image, and the list that they were pulled for.

The folder outlives the process, so that a server which is restarted serves them at once, also while
a registry or the caller is away.
"""

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

from model_server.pulled_adapters.puller import Puller
from model_server.pulled_adapters.wanted import WantedAdapter, WantedList

logger = logging.getLogger(__name__)
_LIST = "wanted.json"
_IMAGE, _SIGNED_BY = "image", "signed-by"
_PARTIAL = ".partial"


class AdapterFolders:
    """The folders below `root`. All calls block."""

    def __init__(self, root: Path, puller: Puller) -> None:
        self.root = root
        self._puller = puller

    def read_list(self) -> WantedList | None:
        """The list that was stored last; None before the first, or if it is damaged."""
        try:
            return WantedList.from_json((self.root / _LIST).read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            logger.warning("the list of pulled adapters is not readable: %s", error)
            return None

    def store_list(self, wanted: WantedList) -> None:
        """Store the list, whole or not at all."""
        self.root.mkdir(parents=True, exist_ok=True)
        partial = self.root / f"{_LIST}{_PARTIAL}"
        partial.write_text(wanted.to_json())
        partial.replace(self.root / _LIST)

    def fetch(self, entry: WantedAdapter) -> Path:
        """The folder with the adapter's files, which are pulled unless they are there.

        Raises:
            PullFailed: they cannot be pulled.
            OSError: they cannot be stored.
        """
        folder = self.root / entry.folder_name
        if folder.is_dir():
            return folder
        partial = self.root / f"{entry.folder_name}{_PARTIAL}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            pulled = self._puller.pull(entry, partial)
            (partial / _IMAGE).write_text(pulled.image)
            (partial / _SIGNED_BY).write_text(pulled.signed_by)
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return folder

    def image_of(self, folder_name: str) -> str:
        """The image in a folder, by its digest."""
        return self._read(folder_name, _IMAGE)

    def signer_of(self, folder_name: str) -> str:
        """The fingerprint of the key that signed the image; empty if that was not demanded."""
        return self._read(folder_name, _SIGNED_BY)

    def _read(self, folder_name: str, name: str) -> str:
        try:
            return (self.root / folder_name / name).read_text()
        except OSError:
            return ""

    def drop(self, folder_name: str) -> None:
        """Remove a folder, so that its image is pulled again."""
        shutil.rmtree(self.root / folder_name, ignore_errors=True)

    def keep_only(self, folder_names: Iterable[str]) -> None:
        """Remove all folders but these."""
        kept = {*folder_names, _LIST}
        for path in self.root.glob("*") if self.root.is_dir() else ():
            if path.name not in kept and path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
