"""Files at http and https URLs, opened by the access secret."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from kaito_training.data_access import HOSTS, host_of, http_hosts
from kaito_training.data_urls import redact_url
from tuner.sources.access_secret import AccessSecret
from tuner.sources.remote_file import RemoteFile, Request
from tuner.sources.source_url import SourceUrl
from tuner.sources.unreachable import data_unreachable


def http_files(
    sources: Sequence[SourceUrl], secret: AccessSecret, *, allow_http: bool
) -> list[RemoteFile]:
    """One file for each of `sources`.

    The secret's credentials are for the hosts that it names, or else for the only one.
    `allow_http` permits that they are sent without TLS.

    Raises:
        RunError: DATA_UNREACHABLE, the secret cannot be used for these URLs.
    """
    named = {host.strip().lower() for host in secret.values.get(HOSTS, "").split(",")} - {""}
    hosts = named or http_hosts([source.url for source in sources])
    return [
        _file(
            source,
            secret if host_of(source.url) in hosts else AccessSecret(),
            allow_http=allow_http,
        )
        for source in sources
    ]


def _file(source: SourceUrl, secret: AccessSecret, *, allow_http: bool) -> RemoteFile:
    address, keys = redact_url(source.url), secret.http_keys()
    if keys and not allow_http and not source.url.lower().startswith("https://"):
        problem = f"{secret.describe(keys)} would be sent without TLS, where others can read it"
        raise data_unreachable(address, problem, "use an https URL", retryable=False)
    request = Request(_signed(source.url, secret.signature()), secret.http_headers())
    return RemoteFile(
        address=address,
        identity=source.url,
        path=source.url,
        request=lambda: request,
        credential=secret.describe(keys) if keys else "",
        sha256=source.sha256,
    )


def _signed(url: str, signature: str) -> str:
    if not signature:
        return url
    parts = urlsplit(url)
    query = f"{parts.query}&{signature}" if parts.query else signature
    return parts._replace(query=query).geturl()
