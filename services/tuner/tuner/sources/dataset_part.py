"""Files that make up a dataset together, before they are downloaded."""

from dataclasses import dataclass

from tuner.sources.remote_file import RemoteFile


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPart:
    """The files of a dataset on the hub, or of all other sources together. `address` is for
    messages.

    `listed` holds the paths of files that the user names one by one, where the others were found in
    a folder. `configuration` is the one that the user chose by a hub URL.
    """

    address: str
    files: tuple[RemoteFile, ...]
    listed: frozenset[str] = frozenset()
    configuration: str | None = None
