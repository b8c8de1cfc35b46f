"""Repository over the HTTP API of the OCI distribution specification.

Own code instead of a library: the client that PyPI has (oras) pushes artifacts, which container
runtimes refuse to mount, and would save only the five requests. httpx2's errors end here:

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
from tuner.reasons import Reason
from tuner.registry.authorize import Challenge, answer, parse_challenge
from tuner.registry.credentials import Credentials
from tuner.registry.image import MANIFEST_TYPE
from tuner.registry.reference import Reference
from tuner.retry import Patience, TransientError, persist

TIMEOUT = httpx2.Timeout(60.0, connect=10.0, write=300.0)
CHUNK = 1 << 20
PASSING = frozenset({408, 429})

Result = TypeVar("Result")
Content = bytes | Path


@dataclass(frozen=True, slots=True)
class _Call:
    """One request that can be sent again. `where` is a URL, or a path inside the repository."""

    method: str
    where: str | httpx2.URL
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Content | None = None


def new_client() -> httpx2.Client:
    """A client fit for registries. It follows redirects, without the credentials when they lead
    to another host (blob stores)."""
    return httpx2.Client(timeout=TIMEOUT, follow_redirects=True, headers={"User-Agent": "kaito"})


@dataclass(slots=True, kw_only=True)
class RegistryRepository:
    """The repository of `reference`. `secret` is what messages call the push secret."""

    client: httpx2.Client
    reference: Reference
    credentials: Credentials
    secret: str
    insecure: bool
    patience: Patience
    _authorization: str | None = None

    def has_blob(self, digest: str) -> bool:
        """As Repository."""
        return self._retried(lambda: self._found(self._send(_Call("HEAD", f"blobs/{digest}"))))

    def put_blob(self, digest: str, content: Content) -> None:
        """As Repository."""
        self._retried(lambda: self._upload(digest, content))

    def read_blob(self, digest: str) -> Iterator[bytes]:
        """As Repository; the errors come while it is read."""
        try:
            response = self._send(_Call("GET", f"blobs/{digest}"))
            try:
                self._expect(response, 200)
                yield from response.iter_raw(CHUNK)
            finally:
                response.close()
        except (httpx2.TransportError, TransientError) as error:
            raise self._unreachable(error) from error

    def read_manifest(self, reference: str) -> bytes | None:
        """As Repository."""
        call = _Call("GET", f"manifests/{reference}", {"Accept": MANIFEST_TYPE})

        def read() -> bytes | None:
            response = self._send(call)
            return response.read() if self._found(response) else None

        return self._retried(read)

    def put_manifest(self, tag: str, manifest: bytes) -> None:
        """As Repository."""
        call = _Call("PUT", f"manifests/{tag}", {"Content-Type": MANIFEST_TYPE}, manifest)
        self._retried(lambda: self._expect(self._send(call), 201))

    def _upload(self, digest: str, content: Content) -> None:
        started = self._send(_Call("POST", "blobs/uploads/"))
        self._expect(started, 202)
        target = started.url.join(started.headers.get("location", ""))
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        where = target.copy_merge_params({"digest": digest})
        self._expect(self._send(_Call("PUT", where, headers, content)), 201)

    def _send(self, call: _Call) -> httpx2.Response:
        """The answer to `call`, authorized as the registry asks; its body is not yet read."""
        response = self._once(call)
        if response.status_code == 401:
            challenge = parse_challenge(response.headers.get("www-authenticate", ""))
            response.close()
            scope = f"repository:{self.reference.repository}:pull,push"
            self._authorization = self._answer(challenge, scope)
            response = self._once(call)
        self._check_status(response)
        return response

    def _once(self, call: _Call) -> httpx2.Response:
        scheme = "http" if self.insecure else "https"
        base = f"{scheme}://{self.reference.host}/v2/{self.reference.repository}/"
        request = self.client.build_request(
            call.method,
            call.where if isinstance(call.where, httpx2.URL) else base + call.where,
            headers={**call.headers, **self._authorization_header()},
            content=_chunks(call.content) if isinstance(call.content, Path) else call.content,
        )
        return self.client.send(request, stream=True)

    def _authorization_header(self) -> dict[str, str]:
        return {"Authorization": self._authorization} if self._authorization else {}

    def _answer(self, challenge: Challenge, scope: str) -> str:
        try:
            authorization = answer(self.client, challenge, self.credentials, scope)
        except (httpx2.HTTPStatusError, ValueError) as error:
            raise TransientError(f"its token server failed: {error}") from error
        if authorization is None:
            raise self._unauthorized("it refused them")
        return authorization

    def _check_status(self, response: httpx2.Response) -> None:
        status = response.status_code
        if status in (401, 403):
            raise self._unauthorized(_explain(response))
        if status in PASSING or status >= 500:
            after = response.headers.get("retry-after", "")
            raise TransientError(_explain(response), float(after) if after.isdigit() else None)

    def _found(self, response: httpx2.Response) -> bool:
        if response.status_code == 404:
            response.close()
            return False
        self._expect(response, 200)
        return True

    def _expect(self, response: httpx2.Response, status: int) -> None:
        if response.status_code != status:
            raise RunError(
                Reason.PUSH_FAILED,
                f"{self.reference} cannot be pushed: {_explain(response)}; check that the "
                "registry lets this repository be created and tags be written",
            )
        if response.request.method != "GET":
            response.read()

    def _retried(self, work: Callable[[], Result]) -> Result:
        def once() -> Result:
            try:
                return work()
            except httpx2.TransportError as error:
                raise TransientError(f"{type(error).__name__}: {error}") from error

        try:
            return persist(once, self.patience)
        except TransientError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> RunError:
        return RunError(
            Reason.REGISTRY_UNREACHABLE,
            f"registry {self.reference.registry} does not answer for {self.reference}: {error}; "
            "check tuning.output.image and that the registry is up; one that speaks plain HTTP "
            "must be named in the chart's insecureRegistries (KAITO_INSECURE_REGISTRIES)",
        )

    def _unauthorized(self, what: str) -> RunError:
        registry = self.reference.registry
        given = "holds no credentials" if not self.credentials else "holds credentials, but"
        because = f"for {registry}" if not self.credentials else f"{registry} said: {what}"
        return RunError(
            Reason.PUSH_UNAUTHORIZED,
            f"{self.reference} cannot be pushed: {self.secret} {given} {because}; give it "
            "credentials that may push there: `kubectl create secret docker-registry <name> "
            f"--docker-server={registry} --docker-username=... --docker-password=...`",
        )


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _explain(response: httpx2.Response) -> str:
    try:
        text = " ".join(response.read().decode("utf-8", "replace").split())
    except httpx2.HTTPError:
        text = ""
    return f"{response.request.method} answered {response.status_code} {text[:300]}".strip()
