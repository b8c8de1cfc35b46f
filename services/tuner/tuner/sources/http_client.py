"""GET over HTTP with every hop checked by the SsrfGuard, and credentials for the first origin only.

Translates httpx2's errors:

httpx2.TransportError, 408, 425, 429, 5xx  → TransientError
any other status ≥ 400, a bad redirect     → RunError(DATA_UNREACHABLE), not retryable
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx2

from kaito_process.http_headers import USER_AGENT, retry_after_seconds
from kaito_process.retry_policy import TransientError
from kaito_training.data_urls import redact_url
from tuner.sources.remote_file import RemoteFile
from tuner.sources.ssrf_guard import SsrfGuard
from tuner.sources.unreachable import data_unreachable, is_transient, refused

# The longest silence within a transfer; a large file may take as long as it needs in all.
TIMEOUT = httpx2.Timeout(30.0, connect=10.0)
MAX_REDIRECTS = 8
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# What a part's range is answered with when the file has become shorter.
RANGE_NOT_SATISFIABLE = 416


def new_client() -> httpx2.Client:
    """A client for `get`. It uses no proxy from the environment: a proxy would connect to addresses
    that the guard has not checked."""
    return httpx2.Client(
        timeout=TIMEOUT, follow_redirects=False, trust_env=False, headers=USER_AGENT
    )


@contextmanager
def get(
    client: httpx2.Client, guard: SsrfGuard, file: RemoteFile, headers: Mapping[str, str]
) -> Iterator[httpx2.Response]:
    """Yield the response to a GET of `file`, with a status below 400, or 416, and its body not yet
    read.

    Raises:
        TransientError: a retry may help; also while the block reads the body.
        RunError: DATA_UNREACHABLE, a retry does not help.
    """
    request = file.request()
    target = _parse_url(file.address, request.url)
    origin = target.origin
    for _ in range(MAX_REDIRECTS + 1):
        # A redirect may lead to any host, which the server chose, and not the user.
        # The names of headers are the same in any case: ours replace the user's.
        sent = httpx2.Headers(request.credentials if target.origin == origin else {})
        sent.update(headers)
        response = _send(client, guard, file, target, sent)
        try:
            if response.status_code not in REDIRECTS:
                _check_status(response, file)
                try:
                    yield response
                except (httpx2.TransportError, httpx2.DecodingError) as error:
                    raise _transient(file, error) from error
                return
            target = _next_hop(response, file, target)
        finally:
            response.close()
    raise data_unreachable(file.address, f"more than {MAX_REDIRECTS} redirects", retryable=False)


def _parse_url(address: str, url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise data_unreachable(address, f"it is not a URL ({error})", retryable=False) from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        problem = f"only http and https URLs are supported, not {redact_url(url)!r}"
        raise data_unreachable(address, problem, retryable=False)
    return parsed


def _send(
    client: httpx2.Client,
    guard: SsrfGuard,
    file: RemoteFile,
    url: httpx2.URL,
    headers: httpx2.Headers,
) -> httpx2.Response:
    port = url.port or (443 if url.scheme == "https" else 80)
    last_error: httpx2.TransportError | None = None
    headers["Host"] = url.netloc.decode("ascii")
    for address in guard.addresses(url.host, port):
        # Connect to the address that was checked, under the name in the URL: Host and SNI keep
        # virtual hosts and certificates working.
        request = client.build_request(
            "GET",
            url.copy_with(host=address),
            headers=headers,
            extensions={"sni_hostname": url.host},
        )
        try:
            return client.send(request, stream=True)
        except httpx2.TransportError as error:
            last_error = error
    raise _transient(file, last_error) from last_error


def _check_status(response: httpx2.Response, file: RemoteFile) -> None:
    status, reason = response.status_code, response.reason_phrase
    if is_transient(status):
        problem = f"{file.address} answered {status} {reason}"
        raise TransientError(problem, retry_after_seconds(response.headers))
    if status >= 400 and status != RANGE_NOT_SATISFIABLE:
        raise refused(file.address, status, file.credential, reason, file.refusal)


def _next_hop(response: httpx2.Response, file: RemoteFile, url: httpx2.URL) -> httpx2.URL:
    location = response.headers.get("location", "")
    if not location:
        # S3 answers in this way to requests for a bucket in another region.
        region = response.headers.get("x-amz-bucket-region", "")
        problem = f"the server answered {response.status_code} without a location"
        if not region:
            raise data_unreachable(file.address, problem, retryable=False)
        problem = f"{problem}, as its bucket is in {region!r:.40}"
        remedy = "set AWS_REGION in the access secret"
        raise data_unreachable(file.address, problem, remedy, retryable=False)
    try:
        target = str(url.join(location))
    except httpx2.InvalidURL as error:
        problem = f"it redirects to what is not a URL ({error})"
        raise data_unreachable(file.address, problem, retryable=False) from error
    return _parse_url(file.address, target)


def _transient(file: RemoteFile, error: httpx2.RequestError | None) -> TransientError:
    problem = "no address" if error is None else f"{type(error).__name__}: {error}"
    return TransientError(f"{file.address}: {problem}")
