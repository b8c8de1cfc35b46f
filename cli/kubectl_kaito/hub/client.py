"""The hub over HTTP, with the user's own token."""

import json
from urllib.parse import quote

import httpx2

from kaito_presets.hub.model_files import ModelFiles, needed_files
from kaito_presets.hub.names import DEFAULT_REVISION
from kaito_presets.hub.repository import parse_repository
from kubectl_kaito.errors import CommandError, NotFoundError

ENDPOINT = "https://huggingface.co"
_TIMEOUT_SECONDS = 15.0


class HubClient:
    """`token` is the value of HF_TOKEN, which huggingface_hub reads as well; it may be empty."""

    def __init__(self, endpoint: str = ENDPOINT, token: str = "") -> None:
        self._endpoint = endpoint.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def read(self, name: str) -> ModelFiles:
        with httpx2.Client(
            base_url=self._endpoint,
            headers=self._headers,
            timeout=_TIMEOUT_SECONDS,
            follow_redirects=True,
        ) as client:
            path = f"/api/models/{name}/revision/{DEFAULT_REVISION}?blobs=true"
            try:
                repository = parse_repository(
                    DEFAULT_REVISION, json.loads(self._get(client, path, name))
                )
            except (ValueError, RecursionError) as error:
                message = f"{self._endpoint} does not answer as a hub does: {error}"
                raise CommandError(message) from error
            where = f"/{repository.name}/resolve/{repository.commit}"
            texts = {
                path: self._get(client, f"{where}/{quote(path)}", name)
                for path in needed_files(repository)
            }
        return ModelFiles(repository=repository, texts=texts)

    def _get(self, client: httpx2.Client, path: str, name: str) -> str:
        try:
            response = client.get(path)
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeEncodeError) as error:
            detail = type(error).__name__
            raise CommandError(f"{self._endpoint} does not answer ({detail})") from error
        if response.status_code == httpx2.codes.OK:
            return str(response.text)
        gated = response.headers.get("X-Error-Code") == "GatedRepo"
        if gated or response.status_code == httpx2.codes.FORBIDDEN:
            raise CommandError(
                f"{name!r} is gated: accept its license at https://huggingface.co/{name}, and set "
                "HF_TOKEN to a token of that account"
            )
        if response.status_code in (httpx2.codes.UNAUTHORIZED, httpx2.codes.NOT_FOUND):
            raise NotFoundError(
                f"the hub has no model {name!r}, or it is private: correct the name, or set "
                "HF_TOKEN to a token that opens it"
            )
        raise CommandError(f"{self._endpoint} answers {response.status_code}: try again later")
