"""Repository over the HTTP API of the OCI distribution specification.

Own code instead of a library: the client on PyPI (oras) pushes artifacts, which container runtimes
refuse to mount, and would save only five requests. Translates httpx2's errors:

    httpx2.TransportError, 408, 429, 5xx  → REGISTRY_UNREACHABLE, after retries
    401, 403                              → PUSH_UNAUTHORIZED
    any other unexpected status           → PUSH_FAILED
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx2

from tuner.errors import RunError
from tuner.http_headers import USER_AGENT, retry_after_seconds
from tuner.reasons import Reason
from tuner.registry.challenge import Challenge, authorize, parse_challenge
from tuner.registry.credentials import CREATE_SECRET, Credentials
from tuner.registry.image import MANIFEST_TYPE
from tuner.registry.reference import Reference
from tuner.retry import RetryPolicy, TransientError

# For each operation, not for a whole upload.
TIMEOUT = httpx2.Timeout(60.0, connect=10.0, write=300.0)
CHUNK_BYTES = 1 << 20
# Request Timeout, Too Many Requests: the same request may succeed later.
TRANSIENT_STATUSES = frozenset({408, 429})
# Registries answer errors with JSON or whole HTML pages; the beginning says what is wrong.
MAX_QUOTED_CHARACTERS = 300

Result = TypeVar("Result")
Content = bytes | Path


@dataclass(frozen=True, slots=True)
class _Request:
    """One request that can be repeated. `target` is a URL, or a path inside the repository."""

    method: str
    target: str | httpx2.URL
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Content | None = None


def new_client() -> httpx2.Client:
    """A client for registries. It follows redirects, and drops the credentials when one leads to
    another host (a blob store)."""
    return httpx2.Client(timeout=TIMEOUT, follow_redirects=True, headers=USER_AGENT)


@dataclass(slots=True, kw_only=True)
class HttpRepository:
    """The repository of `reference`. `secret` is the push secret's name in messages."""

    client: httpx2.Client
    reference: Reference
    credentials: Credentials
    secret: str
    insecure: bool
    retry_policy: RetryPolicy
    _authorization: str | None = None

    def has_blob(self, digest: str) -> bool:
        """See Repository."""
        request = _Request("HEAD", f"blobs/{digest}")
        return self._retried(lambda: self._is_found(self._send(request)))

    def put_blob(self, digest: str, content: Content) -> None:
        """See Repository."""
        self._retried(lambda: self._upload(digest, content))

    def read_blob(self, digest: str) -> Iterator[bytes]:
        """See Repository; errors are raised during the iteration."""
        try:
            response = self._send(_Request("GET", f"blobs/{digest}"))
            try:
                self._expect(response, 200)
                yield from response.iter_raw(CHUNK_BYTES)
            finally:
                response.close()
        except (httpx2.TransportError, TransientError) as error:
            raise self._unreachable(error) from error

    def read_manifest(self, reference: str) -> bytes | None:
        """See Repository."""
        request = _Request("GET", f"manifests/{reference}", {"Accept": MANIFEST_TYPE})

        def read() -> bytes | None:
            response = self._send(request)
            return response.read() if self._is_found(response) else None

        return self._retried(read)

    def put_manifest(self, tag: str, manifest: bytes) -> None:
        """See Repository."""
        request = _Request("PUT", f"manifests/{tag}", {"Content-Type": MANIFEST_TYPE}, manifest)
        self._retried(lambda: self._expect(self._send(request), 201))

    def _upload(self, digest: str, content: Content) -> None:
        started = self._send(_Request("POST", "blobs/uploads/"))
        self._expect(started, 202)
        location = started.url.join(started.headers.get("location", ""))
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        # The location has parameters of its own, which carry the state of the upload.
        target = location.copy_merge_params({"digest": digest})
        self._expect(self._send(_Request("PUT", target, headers, content)), 201)

    def _send(self, request: _Request) -> httpx2.Response:
        """Send `request`, authorized as the registry demands, and leave the body unread."""
        response = self._send_once(request)
        if response.status_code == 401:
            challenge = parse_challenge(response.headers.get("www-authenticate", ""))
            response.close()
            scope = f"repository:{self.reference.repository}:pull,push"
            self._authorization = self._authorize(challenge, scope)
            response = self._send_once(request)
        self._check_status(response)
        return response

    def _send_once(self, request: _Request) -> httpx2.Response:
        scheme = "http" if self.insecure else "https"
        base = f"{scheme}://{self.reference.host}/v2/{self.reference.repository}/"
        target, content = request.target, request.content
        built = self.client.build_request(
            request.method,
            target if isinstance(target, httpx2.URL) else base + target,
            headers={**request.headers, **self._authorization_header()},
            content=_chunks(content) if isinstance(content, Path) else content,
        )
        return self.client.send(built, stream=True)

    def _authorization_header(self) -> dict[str, str]:
        return {"Authorization": self._authorization} if self._authorization else {}

    def _authorize(self, challenge: Challenge, scope: str) -> str:
        try:
            authorization = authorize(self.client, challenge, self.credentials, scope)
        except (httpx2.HTTPStatusError, ValueError) as error:
            raise TransientError(f"its token server failed: {error}") from error
        if authorization is None:
            raise self._unauthorized("it refused them")
        return authorization

    def _check_status(self, response: httpx2.Response) -> None:
        status = response.status_code
        if status in (401, 403):
            raise self._unauthorized(_quote(response))
        if status in TRANSIENT_STATUSES or status >= 500:
            raise TransientError(_quote(response), retry_after_seconds(response.headers))

    def _is_found(self, response: httpx2.Response) -> bool:
        if response.status_code == 404:
            response.close()
            return False
        self._expect(response, 200)
        return True

    def _expect(self, response: httpx2.Response, status: int) -> None:
        if response.status_code != status:
            raise RunError(
                Reason.PUSH_FAILED,
                f"{self.reference} cannot be pushed: {_quote(response)}; check that the registry "
                "allows you to create this repository and to write its tags",
            )
        # Drain the body, so that the connection can be reused. The body of a GET is read later.
        if response.request.method != "GET":
            response.read()

    def _retried(self, work: Callable[[], Result]) -> Result:
        def attempt() -> Result:
            try:
                return work()
            except httpx2.TransportError as error:
                raise TransientError(f"{type(error).__name__}: {error}") from error

        try:
            return self.retry_policy.call(attempt)
        except TransientError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> RunError:
        return RunError(
            Reason.REGISTRY_UNREACHABLE,
            f"registry {self.reference.registry} does not answer for {self.reference}: {error}; "
            "check tuning.output.image and that the registry is up; if it speaks plain HTTP, list "
            "it in the chart's insecureRegistries (KAITO_INSECURE_REGISTRIES)",
        )

    def _unauthorized(self, answer: str) -> RunError:
        registry = self.reference.registry
        if self.credentials:
            problem = f"holds credentials, but {registry} answered: {answer}"
        elif self.credentials.helper:
            problem = (
                f"refers to the credential helper {self.credentials.helper!r} (credsStore or "
                f"credHelpers) instead of holding credentials for {registry}, and no helper runs "
                "in the cluster"
            )
        else:
            problem = f"holds no credentials for {registry}"
        return RunError(
            Reason.PUSH_UNAUTHORIZED,
            f"{self.reference} cannot be pushed: {self.secret} {problem}; give it credentials that "
            f"may push there: `{CREATE_SECRET.format(registry=registry)}`",
        )


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _quote(response: httpx2.Response) -> str:
    """What the registry answered, in one line."""
    try:
        text = " ".join(response.read().decode("utf-8", "replace").split())
    except httpx2.HTTPError:
        text = ""
    status = f"{response.request.method} answered {response.status_code}"
    return f"{status} {text[:MAX_QUOTED_CHARACTERS]}".strip()
