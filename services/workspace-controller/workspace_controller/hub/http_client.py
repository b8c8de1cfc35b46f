"""The hub over HTTP. Two kinds of request are all that is needed, so there is no library.

huggingface_hub would bring another HTTP library and a thread for each call into the controller.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import aiohttp

from kaito_kube.proxies import proxy_for
from kaito_presets.hub.repository import Repository, parse_repository
from workspace_controller.hub.client import (
    AccessDenied,
    HubAway,
    HubError,
    ModelMissing,
    NoUsableAnswer,
    RevisionMissing,
    TokenRefused,
)

_TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
# The hub itself redirects once, from a model's former name.
_MAX_REDIRECTS = 3
# Repositories of a few thousand files, and vocabularies inside of tokenizer_config.json.
_MAX_BODY_BYTES = 16 * 2**20
_REFUSED_TOKEN = "Invalid credentials"
_MAX_MESSAGE = 200
# What the hub, or a proxy before it, answers to any request while it has no time for it.
_AWAY = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class HttpHubClient:
    """`endpoint` is https://huggingface.co, or a mirror with the same paths.

    Opens a connection for each call: a model is asked about once, with a handful of calls.
    """

    endpoint: str

    async def repository(self, name: str, revision: str, token: str) -> Repository:
        path = f"/api/models/{name}/revision/{quote(revision, safe='')}"
        body = await self._get(path, {"blobs": "true"}, token)
        try:
            return parse_repository(revision, json.loads(body))
        except (ValueError, RecursionError) as error:
            message = f"{self.endpoint} does not answer as a hub does: {error}"
            raise NoUsableAnswer(message) from error

    async def text(self, repository: Repository, path: str, token: str) -> str:
        where = f"/{repository.name}/resolve/{repository.commit}/{quote(path)}"
        return (await self._get(where, {}, token)).decode(errors="replace")

    async def _get(self, path: str, query: Mapping[str, str], token: str) -> bytes:
        if not (token.isascii() and token.isprintable()):
            # It fits into no header, and the error would show it.
            raise TokenRefused("it is no text without spaces and line breaks")
        address = urlsplit(self.endpoint)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            async with (
                aiohttp.ClientSession(
                    timeout=_TIMEOUT,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    proxy=proxy_for(address.scheme, address.hostname or ""),
                ) as session,
                session.get(
                    f"{self.endpoint}{path}",
                    params=query,
                    headers=headers,
                    max_redirects=_MAX_REDIRECTS,
                ) as response,
            ):
                if response.status != 200:
                    raise self._error(response, has_token=bool(token))
                return await self._body(response)
        except TimeoutError as error:
            raise HubAway(f"{self.endpoint} does not answer in time") from error
        except aiohttp.ClientError as error:
            message = _short(str(error)) or type(error).__name__
            raise HubAway(f"{self.endpoint}: {message}") from error

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > _MAX_BODY_BYTES:
                raise NoUsableAnswer(
                    f"{self.endpoint} answers with more than {_MAX_BODY_BYTES} bytes"
                )
        return bytes(body)

    def _error(self, response: aiohttp.ClientResponse, *, has_token: bool) -> HubError:
        """The hub names the cause in headers; without them, as in mirrors, the status counts."""
        status, code = response.status, response.headers.get("X-Error-Code", "")
        message = _short(response.headers.get("X-Error-Message", ""))
        if status == 401 and has_token and (_REFUSED_TOKEN in message or not code):
            return TokenRefused(message)
        if code == "RevisionNotFound":
            return RevisionMissing(message)
        if code == "GatedRepo" or status == 403:
            return AccessDenied(message)
        if code == "RepoNotFound" or status in (401, 404):
            return ModelMissing(message)
        answer = f"{self.endpoint} answers {status}{f': {message}' if message else ''}"
        if status not in _AWAY:
            return NoUsableAnswer(answer)
        return HubAway(answer, _seconds(response.headers.get("Retry-After", "")))


def _seconds(text: str) -> float | None:
    """The pause of a Retry-After; its other form, a date, is not used by the hub."""
    return float(text) if text.isdecimal() and len(text) < 6 else None


def _short(text: str) -> str:
    return " ".join(text.split())[:_MAX_MESSAGE]
