"""Where an object of a store is: bucket, key, and the account that Azure needs besides. Pure."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from kaito_training.data_urls import AZURE


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectLocation:
    """`kind` is s3, gs or az, and `root` the URL as the user writes it, up to the bucket.

    `account_host` is the host of Azure's account if the URL names it.
    """

    kind: str
    root: str
    bucket: str
    key: str
    account_host: str = ""

    def address(self, key: str) -> str:
        """The URL of the object `key` of this bucket."""
        return f"{self.root}/{key}"


def parse_location(url: str, kind: str) -> ObjectLocation:
    """The location that `url` names, which `find_url_problem` has nothing against."""
    scheme, _, rest = url.partition("://")
    netloc, _, key = rest.partition("/")
    container = AZURE.fullmatch(netloc) if kind == "az" else None
    return ObjectLocation(
        kind=kind,
        root=f"{scheme}://{netloc}",
        bucket=container["container"] if container else netloc,
        key=key,
        account_host=(urlsplit(url).hostname or "") if container and container["account"] else "",
    )
