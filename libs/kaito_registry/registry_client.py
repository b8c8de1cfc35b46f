"""Sends requests to one repository of a registry, authorized as the registry demands.

The credentials and the token go to the registry's own scheme, host and port, and to the token
server that the registry itself names. An upload's location, a redirect and a blob store may be on
other hosts, which the registry's storage, and not the user, chose: they see neither.

Translates httpx2's responses:

    408, 429, 5xx              → TransientError
    401, 403                   → unauthorized, on another host foreign_host_refused
    407, 511, a web page       → proxy_in_the_way
    any other that is not expected  → refused
"""

import ssl
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from kaito_process.http_headers import USER_AGENT, retry_after_seconds
from kaito_process.retry_policy import TransientError
from kaito_registry.answers import is_from_proxy, quote
from kaito_registry.challenge import authorize, parse_challenge
from kaito_registry.credentials import Credentials
from kaito_registry.errors import RegistryErrors
from kaito_registry.reference import Reference

# For each operation, not for a whole upload.
TIMEOUT = httpx2.Timeout(60.0, connect=10.0, write=300.0)
CHUNK_BYTES = 1 << 20
MAX_REDIRECTS = 5
_MAX_PORT = 65535
# Request Timeout, Too Many Requests: the same request may succeed later.
TRANSIENT_STATUSES = frozenset({408, 429})

Content = bytes | Path


@dataclass(frozen=True, slots=True)
class Request:
    """One request that can be repeated. `target` is a URL, or a path inside the repository."""

    method: str
    target: str | httpx2.URL
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Content | None = None


def new_client(ca_certificates: str | None = None) -> httpx2.Client:
    """A client for registries, which also trusts these CA certificates in PEM form.

    RegistryClient follows redirects itself, to decide at each hop who sees the credentials.

    Raises:
        ValueError: the text holds no certificate.
    """
    context = httpx2.create_ssl_context()
    if ca_certificates is not None:
        try:
            context.load_verify_locations(cadata=ca_certificates)
        except (ssl.SSLError, ValueError, TypeError) as error:
            raise ValueError(f"no CA certificate in PEM form: {error}") from error
    return httpx2.Client(
        timeout=TIMEOUT, follow_redirects=False, headers=USER_AGENT, verify=context
    )


@dataclass(slots=True, kw_only=True)
class RegistryClient:
    """Requests to the repository of `reference`. `scope` is "pull", or "pull,push"."""

    client: httpx2.Client
    reference: Reference
    credentials: Credentials
    insecure: bool
    errors: RegistryErrors
    scope: str = "pull"
    _authorization: str | None = None

    def send(self, request: Request, handled: Collection[int] = ()) -> httpx2.Response:
        """Send `request` and leave the body of the response unread.

        Raises:
            httpx2.TransportError: there is no answer.
            TransientError: the answer's status says that a retry may help.
            Exception: made by `errors`, the answer is an error whose status is not among those that
                the caller has `handled`.
        """
        response = self._send_once(request)
        if response.status_code == 401 and self._is_registry(response.url):
            header = response.headers.get("www-authenticate", "")
            if header or not is_from_proxy(response):
                response.close()
                self._authorization = self._authorize(header, response.url)
                response = self._send_once(request)
        if response.status_code not in handled:
            self.check_status(response)
        return response

    def is_found(self, request: Request) -> bool:
        """True if the answer to `request` is 200, False if it is 404."""
        response = self.send(request)
        if response.status_code == 404:
            response.close()
            return False
        self.expect(response, 200)
        return True

    def expect(self, response: httpx2.Response, *statuses: int) -> None:
        """Raise `refused` unless `response` has one of `statuses`."""
        if response.status_code not in statuses:
            raise self.errors.refused(quote(response))
        # Drain the body, so that the connection can be reused. The body of a GET is read later.
        if response.request.method != "GET":
            response.read()

    def check_status(self, response: httpx2.Response) -> None:
        """Raise the error that the status of `response` stands for, if it does for one."""
        status = response.status_code
        if is_from_proxy(response) and (status < 500 or status == 511):
            raise self.errors.proxy_in_the_way(response)
        if status in (401, 403):
            if self._is_registry(response.url):
                raise self.errors.unauthorized(quote(response))
            raise self.errors.foreign_host_refused(response.url.netloc.decode(), quote(response))
        if status in TRANSIENT_STATUSES or status >= 500:
            raise TransientError(quote(response), retry_after_seconds(response.headers))

    def named_url(self, response: httpx2.Response, text: str) -> httpx2.URL:
        """The URL that a registry names in an answer; raises `refused` if it is none."""
        return self._joined(response.url, text)

    def _joined(self, base: httpx2.URL, text: str) -> httpx2.URL:
        try:
            url = base.join(text)
            if (url.port or 0) > _MAX_PORT:
                raise httpx2.InvalidURL(f"Invalid port: {url.port}")
        except httpx2.InvalidURL as error:
            raise self.errors.refused(f"it names an address that is none ({error})") from error
        return url

    def _send_once(self, request: Request) -> httpx2.Response:
        target = request.target
        url = target if isinstance(target, httpx2.URL) else self._base.join(target)
        for _ in range(MAX_REDIRECTS + 1):
            built = self.client.build_request(
                request.method,
                url,
                headers={**request.headers, **self._authorization_header(url)},
                content=_content(request.content),
            )
            response = self.client.send(built, stream=True)
            if not response.has_redirect_location:
                return response
            response.close()
            url = self.named_url(response, response.headers["location"])
        raise self.errors.refused(f"{request.method} led to more than {MAX_REDIRECTS} redirects")

    @property
    def _base(self) -> httpx2.URL:
        scheme = "http" if self.insecure else "https"
        return httpx2.URL(f"{scheme}://{self.reference.host}/v2/{self.reference.repository}/")

    def _is_registry(self, url: httpx2.URL) -> bool:
        return url.origin == self._base.origin

    def _authorization_header(self, url: httpx2.URL) -> dict[str, str]:
        if self._authorization is None or not self._is_registry(url):
            return {}
        return {"Authorization": self._authorization}

    def _authorize(self, header: str, url: httpx2.URL) -> str:
        challenge = parse_challenge(header)
        realm = self._joined(url, challenge.parameters.get("realm", ""))
        if challenge.scheme == "bearer" and realm.scheme == "http" and not self.insecure:
            raise self.errors.insecure_token_server(str(realm.copy_with(query=None)))
        scope = f"repository:{self.reference.repository}:{self.scope}"
        try:
            authorization = authorize(self.client, challenge, self.credentials, scope)
        except (
            httpx2.HTTPStatusError,
            httpx2.TooManyRedirects,
            httpx2.DecodingError,
            ValueError,
        ) as error:
            raise TransientError(f"its token server failed: {error}") from error
        if authorization is None:
            raise self.errors.unauthorized("it refused them")
        return authorization


def _content(content: Content | None) -> bytes | Iterator[bytes] | None:
    return _chunks(content) if isinstance(content, Path) else content


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
