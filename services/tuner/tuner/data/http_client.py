"""GET over HTTP with every hop checked by the Guard; httpx2's errors end here.

httpx2.TransportError, 408, 425, 429, 5xx  → TransientError
any other status ≥ 400, a bad redirect     → RunError(DATA_UNREACHABLE)
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx2

from tuner.data.guard import Guard
from tuner.data.names import shown
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.retry import TransientError

TIMEOUT = httpx2.Timeout(30.0, connect=10.0)
MAX_REDIRECTS = 8
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PASSING = frozenset({408, 425, 429})
REMEDY = "check tuning.input.urls and that the address answers from inside the cluster"


def new_client() -> httpx2.Client:
    """A client fit for `get`. It takes no proxy from the environment: a proxy would connect to
    addresses that the Guard has not seen."""
    return httpx2.Client(
        timeout=TIMEOUT, follow_redirects=False, trust_env=False, headers={"User-Agent": "kaito"}
    )


@contextmanager
def get(
    client: httpx2.Client, guard: Guard, url: str, headers: Mapping[str, str]
) -> Iterator[httpx2.Response]:
    """The answer to GET `url`, status below 400, its body not yet read.

    Errors: TransientError also while the body is read; RunError(DATA_UNREACHABLE).
    """
    target = _parse(url)
    for _ in range(MAX_REDIRECTS + 1):
        response = _send(client, guard, target, headers)
        try:
            if response.status_code not in REDIRECTS:
                _check_status(response, url)
                try:
                    yield response
                except httpx2.TransportError as error:
                    raise _passing(url, error) from error
                return
            target = _parse(str(target.join(response.headers.get("location", ""))))
        finally:
            response.close()
    raise unreachable(url, f"more than {MAX_REDIRECTS} redirects", retryable=False)


def unreachable(url: str, what: str, *, retryable: bool = True) -> RunError:
    """A RunError(DATA_UNREACHABLE) that names the URL."""
    message = f"{shown(url)} cannot be fetched: {what}; {REMEDY}"
    return RunError(Reason.DATA_UNREACHABLE, message, retryable=retryable)


def _parse(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise unreachable(url, f"it is not a URL ({error})", retryable=False) from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise unreachable(url, "only http and https URLs are fetched", retryable=False)
    return parsed


def _send(
    client: httpx2.Client, guard: Guard, url: httpx2.URL, headers: Mapping[str, str]
) -> httpx2.Response:
    port = url.port or (443 if url.scheme == "https" else 80)
    failure: httpx2.TransportError | None = None
    for address in guard.addresses(url.host, port):
        # The connection goes to the address that was checked, under the name that was asked.
        request = client.build_request(
            "GET",
            url.copy_with(host=address),
            headers={**headers, "Host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.host},
        )
        try:
            return client.send(request, stream=True)
        except httpx2.TransportError as error:
            failure = error
    raise _passing(str(url), failure) from failure


def _check_status(response: httpx2.Response, url: str) -> None:
    status = response.status_code
    if status in PASSING or status >= 500:
        after = response.headers.get("retry-after", "")
        raise TransientError(
            f"{shown(url)} answered {status} {response.reason_phrase}",
            float(after) if after.isdigit() else None,
        )
    if status >= 400:
        raise unreachable(url, f"the server answered {status} {response.reason_phrase}")


def _passing(url: str, error: httpx2.TransportError | None) -> TransientError:
    what = "no address" if error is None else f"{type(error).__name__}: {error}"
    return TransientError(f"{shown(url)}: {what}")
