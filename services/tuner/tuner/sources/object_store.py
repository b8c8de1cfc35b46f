"""The files of a bucket in S3, Azure Blob Storage or Google Cloud Storage, or of a store that
speaks the same API.

obstore (Rust's object_store) lists a bucket and signs URLs; the download of a signed URL is that of
any other. Translates obstore's errors into RunError(DATA_UNREACHABLE), without the bodies of
answers, which it quotes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

import obstore
from fsspec.utils import glob_translate
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from kaito_process.http_headers import USER_AGENT
from kaito_process.retry_policy import TransientError
from kaito_training.data_urls import is_folder
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.sources.access_secret import AccessSecret
from tuner.sources.object_location import parse_location
from tuner.sources.remote_file import RemoteFile, Request
from tuner.sources.source_url import SourceUrl
from tuner.sources.ssrf_guard import SsrfGuard
from tuner.sources.store_plan import StorePlan, plan_store
from tuner.sources.unreachable import data_unreachable, refused

_STORES = {"s3": S3Store, "az": AzureStore, "gs": GCSStore}
# For one request. The transfer of a file may take longer than its URL is valid.
SIGNATURE_LIFETIME = timedelta(hours=1)
# More files than any dataset of the hub has; listing them all would take minutes.
MAX_OBJECTS = 100_000
_STATUS = re.compile(r"status code: (\d{3})")
_FIXED = re.compile(r"[^*?\[]*/")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStores:
    """Finds the objects that URLs lead to."""

    guard: SsrfGuard
    secret: AccessSecret
    environ: Mapping[str, str]

    def find(self, source: SourceUrl) -> tuple[str, list[RemoteFile]]:
        """The folder of the dataset that `source` leads to, and its objects.

        Raises:
            RunError: DATA_UNREACHABLE, or DATA_EMPTY if nothing matches a pattern.
        """
        location = parse_location(source.url, source.kind)
        plan = plan_store(location, self.secret, self.environ)
        self._check_endpoint(source.url, plan)
        store = self._open(plan)
        if not is_folder(source.url):
            return source.url, [_file(plan, store, location.key, source.sha256)]
        folder, objects = _list(plan, store)
        files = [_file(plan, store, key, size=size) for key, size in objects]
        if not files and folder == location.key and folder[-1:] not in ("", "/"):
            # A file without a suffix, perhaps; a request for it tells.
            return source.url, [_file(plan, store, location.key)]
        if not files:
            raise RunError(
                Reason.DATA_EMPTY,
                f"{source.url} leads to no file; check tuning.input.urls, and that "
                f"{plan.credential or 'everybody'} may list the bucket",
            )
        return location.address(f"{folder.rstrip('/')}/" if folder else ""), files

    def _check_endpoint(self, address: str, plan: StorePlan) -> None:
        parts = urlsplit(plan.endpoint)
        if parts.scheme == "http" and not self.guard.allow_private:
            # TLS ties the connection to the name that is checked here; without it, a second lookup
            # by the client could lead anywhere.
            raise data_unreachable(
                address,
                f"its endpoint {plan.endpoint} is not https",
                "use an https endpoint, or ask the cluster's administrator to set the chart's "
                "allowPrivateDataHosts (KAITO_ALLOW_PRIVATE_DATA_HOSTS) to true",
                retryable=False,
            )
        try:
            self.guard.addresses(
                parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
            )
        except TransientError as error:
            raise data_unreachable(address, str(error)) from error

    def _open(self, plan: StorePlan) -> Any:
        options = {
            "allow_http": self.guard.allow_private,
            "connect_timeout": "10s",
            "timeout": "60s",
            "user_agent": USER_AGENT["User-Agent"],
        }
        try:
            return _STORES[plan.location.kind](
                plan.location.bucket,
                config=plan.options,
                client_options=options,
                retry_config={"max_retries": 4, "retry_timeout": timedelta(minutes=1)},
            )
        except BaseError as error:
            # Without the cause: its text may quote the secret.
            raise _unusable(plan, error) from None


def _list(plan: StorePlan, store: Any) -> tuple[str, list[tuple[str, int]]]:
    """The folder that the location names, and the keys and sizes of what it selects."""
    key = plan.location.key
    is_pattern = re.search(r"[*?\[]", key) is not None
    fixed = _FIXED.match(key)
    folder = (fixed[0] if fixed else "") if is_pattern else key
    matches = re.compile(glob_translate(key)).match if is_pattern else None
    found: list[tuple[str, int]] = []
    try:
        for chunk in obstore.list(store, prefix=folder or None):
            found += [
                (str(item["path"]), int(item["size"]))
                for item in chunk
                if (matches is None or matches(item["path"])) and not is_hidden(item["path"])
            ]
            if len(found) > MAX_OBJECTS:
                address, problem = plan.location.address(key), f"it has over {MAX_OBJECTS} files"
                raise data_unreachable(address, problem, "name a smaller folder", retryable=False)
    except BaseError as error:
        raise _list_error(plan, error) from None
    return folder, sorted(found)


def is_hidden(key: str) -> bool:
    """True for a key whose name, or one of whose folders, begins with a dot."""
    return any(part.startswith(".") for part in key.split("/"))


def _file(
    plan: StorePlan, store: Any, key: str, sha256: str | None = None, size: int | None = None
) -> RemoteFile:
    return RemoteFile(
        address=plan.location.address(key),
        identity=plan.location.address(key),
        path=key,
        request=partial(_request, plan, store, key),
        credential=plan.credential,
        sha256=sha256,
        size=size,
    )


def _request(plan: StorePlan, store: Any, key: str) -> Request:
    if not plan.signs:
        return Request(plan.url(key))
    try:
        url = str(obstore.sign(store, "GET", key, SIGNATURE_LIFETIME))
    except BaseError as error:
        raise _unusable(plan, error) from None
    if not unquote(urlsplit(url).path).endswith(f"/{key}"):
        # For Google Cloud Storage, obstore 0.12 cuts a key at # and ?, and takes % as encoded.
        address, problem = plan.location.address(key), "its name cannot be signed"
        raise data_unreachable(address, problem, "rename it without # ? and %", retryable=False)
    return Request(url)


def _list_error(plan: StorePlan, error: BaseError) -> RunError:
    address = plan.location.address(plan.location.key)
    status = _STATUS.search(str(error))
    if status is None:
        host = urlsplit(plan.endpoint).netloc
        return data_unreachable(address, f"{host} gives no answer to a request for its files")
    return refused(address, int(status[1]), plan.credential)


def _unusable(plan: StorePlan, error: BaseError) -> RunError:
    """Nothing can be signed with the credentials; the client says why before it quotes them."""
    address = plan.location.address(plan.location.key)
    status = _STATUS.search(str(error))
    if status is not None:
        return refused(address, int(status[1]), plan.credential)
    problem = f"{plan.credential or 'its address'} cannot be used"
    return data_unreachable(address, problem, "correct it", retryable=False)
