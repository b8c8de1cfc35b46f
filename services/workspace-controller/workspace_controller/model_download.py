"""Downloads a model from the hub: the program of the init container model-download.

The pod carries this text, with that of model_cache, and runs it with the Python of another image,
so they import nothing but the standard library. huggingface_hub is not enough: since version 2 it
starts a file again that was interrupted, leaves what it had on the disk, and compares no digests.

A file is written to PATH.part and renamed once it has the digest that the hub knows. So whatever
ends the container, the next one goes on at the byte where it ended, and what is there is right. How
far it is, is served on the port of the metrics: as JSON at /progress, and at /metrics.

With KAITO_MODEL_CACHE the folder is one that the node keeps: a model that is there whole, by the
digests of its files, is not downloaded.
"""

import collections
import contextlib
import errno
import fnmatch
import hashlib
import http.client
import http.server
import itertools
import json
import os
import pathlib
import random
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from workspace_controller.model_cache import NodeCache

# Written when all files are there: a pod that starts again then needs no hub.
COMPLETE = ".kaito-complete.json"
# In one container, without a byte of progress; then the kubelet starts the next one.
TRIES, FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 8, 2.0, 60.0
# How often a file may arrive with another digest.
DAMAGED_TRIES = 3
# The speed is that of this time; the remaining time would jump with a shorter one.
WINDOW_SECONDS, SAMPLE_SECONDS = 60.0, 2.0
SAMPLES_PER_LOG_LINE = 15
FILES_AT_A_TIME, CHUNK_BYTES, SILENCE_SECONDS = 8, 2**20, 60.0
# Gets the bytes that are to arrive.
MakeRoom = Callable[[int], None]


class Failed(Exception):
    """Ends the container; `reason` is one of the Workspace's."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        # The kubelet starts the container again, and then it may be different.
        self.report = {"reason": reason, "message": message, "retryable": True}


class Damaged(Exception):
    """A file has arrived with another digest."""


class Speed:
    """Bytes per second over the last minute."""

    def __init__(self) -> None:
        self.samples: collections.deque[tuple[float, int]] = collections.deque()

    def add(self, now: float, done_bytes: int) -> None:
        self.samples.append((now, done_bytes))
        while now - self.samples[0][0] > WINDOW_SECONDS:
            self.samples.popleft()

    def bytes_per_second(self) -> float:
        if not self.samples:
            return 0.0
        (start, first), (end, last) = self.samples[0], self.samples[-1]
        return max(0.0, (last - first) / (end - start)) if end > start else 0.0


class File:
    """A file of the repository; `sha256` is empty for small ones, which have Git's digest."""

    def __init__(self, folder: pathlib.Path, sibling: dict[str, Any]) -> None:
        self.name: str = sibling["rfilename"]
        large = sibling.get("lfs") or {}
        size = sibling.get("size", large.get("size"))
        if not isinstance(size, int):
            # A missing size is no empty file, which would count as downloaded.
            raise ValueError(f"the hub lists {self.name!r} without its size")
        self.size = size
        self.sha256, self.git = large.get("sha256") or "", sibling.get("blobId") or ""
        self.path = folder / self.name
        self.part = self.path.with_name(f"{self.path.name}.part")
        if folder.resolve() not in self.path.resolve().parents:
            raise Failed(
                "ModelUnknown", f"the hub lists {self.name!r}, which is outside of the model"
            )

    def hasher(self) -> Any:
        return hashlib.sha256() if self.sha256 else hashlib.sha1(b"blob %d\0" % self.size)

    def has_digest(self, found: Any) -> bool:
        """Whether the hub's digest is the one found; a mirror may not know any."""
        wanted = self.sha256 or self.git
        return not wanted or found.hexdigest() == wanted

    def done_bytes(self) -> int:
        return self.size if size_of(self.path) == self.size else min(self.size, size_of(self.part))

    @property
    def there(self) -> bool:
        return self.path.is_file() and size_of(self.path) == self.size


class Progress:
    """How far the download is, by the files on the disk: right after a restart, too."""

    def __init__(self) -> None:
        self.files: list[File] = []
        self.problem, self.speed = "", Speed()

    def sample(self, now: float) -> None:
        # Before the files are known, nothing is there: what an earlier container has brought would
        # then count as downloaded within two seconds.
        if self.files:
            self.speed.add(now, sum(file.done_bytes() for file in self.files))

    def document(self) -> dict[str, Any]:
        done = sum(file.done_bytes() for file in self.files)
        total, speed = sum(file.size for file in self.files), self.speed.bytes_per_second()
        return {
            "doneBytes": done,
            "totalBytes": total,
            "bytesPerSecond": round(speed),
            "remainingSeconds": round((total - done) / speed) if speed > 0 else None,
            "problem": self.problem,
        }

    def metrics(self) -> str:
        found = self.document()
        values = {
            "kaito_model_download_done_bytes": found["doneBytes"],
            "kaito_model_download_total_bytes": found["totalBytes"],
            "kaito_model_download_speed_bytes_per_second": found["bytesPerSecond"],
            "kaito_model_download_remaining_seconds": found["remainingSeconds"],
        }
        known = {name: value for name, value in values.items() if value is not None}
        return "".join(f"# TYPE {name} gauge\n{name} {value}\n" for name, value in known.items())


class Server(http.server.ThreadingHTTPServer):
    """Listens on IPv4 and on IPv6: the pod's address may be either."""

    address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
    daemon_threads = True

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


class Redirects(urllib.request.HTTPRedirectHandler):
    """Sends the token to the hub itself, and not to where it stores large files."""

    def redirect_request(self, *arguments: Any) -> urllib.request.Request | None:
        before: urllib.request.Request = arguments[0]
        after = super().redirect_request(*arguments)
        token = before.unredirected_hdrs.get("Authorization")
        same_hub = after is not None and (after.type, after.host) == (before.type, before.host)
        if after is not None and token and same_hub:
            after.add_unredirected_header("Authorization", token)
        return after


class Hub:
    """The paths of the hub that a download needs."""

    def __init__(self, endpoint: str, hub_id: str, token: str) -> None:
        self.endpoint, self.hub_id, self.token = endpoint, hub_id, token
        context = ssl.create_default_context()
        with contextlib.suppress(ImportError):
            import certifi

            # Some images have no certificates of their own.
            context.load_verify_locations(certifi.where())
        handlers = (urllib.request.HTTPSHandler(context=context), Redirects())
        self.opener = urllib.request.build_opener(*handlers)

    def get(self, path: str, start: int = 0) -> Any:
        request = urllib.request.Request(f"{self.endpoint}{path}")
        if self.token:
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        if start:
            request.add_header("Range", f"bytes={start}-")
        return self.opener.open(request, timeout=SILENCE_SECONDS)

    def repository(self, revision: str) -> dict[str, Any]:
        quoted = urllib.parse.quote(revision, safe="")
        with self.get(f"/api/models/{self.hub_id}/revision/{quoted}?blobs=true") as response:
            found: dict[str, Any] = json.load(response)
        return found

    def fetch(self, file: File, commit: str) -> None:
        """Brings a file, from the byte where an earlier attempt ended."""
        if file.there:
            return
        file.path.parent.mkdir(parents=True, exist_ok=True)
        found, start = file.hasher(), 0
        with file.part.open("ab+") as part:
            part.seek(0)
            while chunk := part.read(CHUNK_BYTES):
                found.update(chunk)
                start += len(chunk)
            if start < file.size:
                path = f"/{self.hub_id}/resolve/{commit}/{urllib.parse.quote(file.name)}"
                with self.get(path, start) as response:
                    if start and response.status != http.HTTPStatus.PARTIAL_CONTENT:
                        part.truncate(0)
                        found = file.hasher()
                    # What has arrived, not a whole chunk: a slow hub would seem to send nothing.
                    while chunk := response.read1(CHUNK_BYTES):
                        part.write(chunk)
                        found.update(chunk)
        if size_of(file.part) < file.size:
            raise ConnectionError(f"{file.name} ended early")
        if size_of(file.part) != file.size or not file.has_digest(found):
            file.part.unlink()
            raise Damaged(file.name)
        file.part.replace(file.path)


def size_of(path: pathlib.Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def serve(progress: Progress, port: int) -> Server:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/progress":
                body, kind = json.dumps(progress.document()), "application/json"
            elif self.path == "/metrics":
                body, kind = progress.metrics(), "text/plain; version=0.0.4"
            else:
                return self.send_error(404)
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = Server(("", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def keep_sampling(progress: Progress) -> None:
    for number in itertools.count():
        progress.sample(time.monotonic())
        if number % SAMPLES_PER_LOG_LINE == SAMPLES_PER_LOG_LINE - 1:
            print(json.dumps(progress.document()), flush=True)
        time.sleep(SAMPLE_SECONDS)


def is_complete(folder: pathlib.Path, wanted: list[Any]) -> bool:
    try:
        found = json.loads((folder / COMPLETE).read_text())
        sizes = found["sizes"]
        return bool(found["model"] == wanted) and all(
            size_of(folder / name) == size for name, size in sizes.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def remove_wrong_files(folder: pathlib.Path) -> list[str]:
    """Removes the files of a whole model that do not have their digests any more; their names."""
    try:
        found = json.loads((folder / COMPLETE).read_text())["siblings"]
        files = [File(folder, sibling) for sibling in found]
    # Another version may have written it, and the disk may have damaged it as any other file.
    except (OSError, ValueError, KeyError, TypeError, AttributeError, Failed):
        (folder / COMPLETE).unlink(missing_ok=True)
        return [COMPLETE]
    with ThreadPoolExecutor(FILES_AT_A_TIME) as pool:
        right = list(pool.map(is_right, files))
    wrong = [file for file, is_good in zip(files, right, strict=True) if not is_good]
    for file in wrong:
        file.path.unlink(missing_ok=True)
    return [file.name for file in wrong]


def is_right(file: File) -> bool:
    found = file.hasher()
    try:
        with file.path.open("rb") as content:
            while chunk := content.read(CHUNK_BYTES):
                found.update(chunk)
    except OSError:
        return False
    return file.has_digest(found)


def failure(error: Exception) -> Failed | None:
    """What ends the container; None for an error that may pass."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return Failed("ContainerCrashed", "the disk of the node is full: the model does not fit")
    if not isinstance(error, urllib.error.HTTPError) or error.code not in (401, 403, 404):
        return None
    code = error.headers.get("X-Error-Code", "")
    refused = "Invalid credentials" in error.headers.get("X-Error-Message", "")
    if code == "GatedRepo" or error.code == 403 or refused:
        return Failed(
            "ModelGated",
            "the hub does not give the model to this token, or without one: accept its license "
            "with the account of the token in presetOptions.modelAccessSecret",
        )
    return Failed(
        "ModelUnknown",
        "the hub has no such model or revision any longer, or the token does not open it",
    )


def check_token(token: str) -> None:
    """Refuses what fits into no header: the error of the library would show it."""
    if not (token.isascii() and token.isprintable()):
        raise Failed(
            "ModelGated",
            "the key HF_TOKEN of the Secret in presetOptions.modelAccessSecret is no token: it has "
            "a line break or other characters that no token has",
        )


def files_of(repository: dict[str, Any], folder: pathlib.Path, ignored: list[str]) -> list[File]:
    """The files to bring, each once: two that write to one path would damage each other."""
    found: dict[pathlib.Path, File] = {}
    for sibling in repository["siblings"]:
        if not any(fnmatch.fnmatchcase(sibling["rfilename"], pattern) for pattern in ignored):
            file = File(folder, sibling)
            found.setdefault(file.path.resolve(), file)
    for file in found.values():
        if file.part.resolve() in found:
            raise Failed(
                "ModelUnknown",
                f"the hub lists {file.name!r} and {file.part.name!r}, and the second is where the "
                "first is downloaded to: name a revision without it",
            )
    return list(found.values())


def attempt(hub: Hub, folder: pathlib.Path, revision: str, ignored: list[str], progress: Progress,
            damaged: collections.Counter[str], make_room: MakeRoom) -> None:  # fmt: skip
    """Brings what is missing. All files are tried, and then the first error is raised."""
    repository = hub.repository(revision)
    progress.files = files_of(repository, folder, ignored)
    make_room(sum(file.size - file.done_bytes() for file in progress.files))
    largest_first = sorted(progress.files, key=lambda file: -file.size)
    with ThreadPoolExecutor(FILES_AT_A_TIME) as pool:
        futures = [pool.submit(hub.fetch, file, repository["sha"]) for file in largest_first]
    errors = [error for future in futures if (error := future.exception()) is not None]
    damaged.update(str(error) for error in errors if isinstance(error, Damaged))
    for error in errors:
        raise error


def download(hub: Hub, folder: pathlib.Path, revision: str, ignored: list[str], progress: Progress,
             make_room: MakeRoom) -> None:  # fmt: skip
    """Tries again, with pauses that grow while nothing arrives.

    Raises:
        Failed: no other try in this container can help.
    """
    damaged: collections.Counter[str] = collections.Counter()
    tries, pause, done = 0, FIRST_PAUSE_SECONDS, 0
    while True:
        try:
            attempt(hub, folder, revision, ignored, progress, damaged, make_room)
            progress.problem = ""
            return
        except Damaged as error:
            problem = f"{error} arrived with another digest than the hub's"
            if damaged[str(error)] >= DAMAGED_TRIES:
                more = f"{problem}, {DAMAGED_TRIES} times: a mirror or proxy changes it, or the "
                raise Failed("ContainerCrashed", f"{more}disk of the node is broken") from error
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            if (failed := failure(error)) is not None:
                raise failed from error
            problem = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        progress.problem = problem
        now = progress.document()["doneBytes"]
        if now > done:
            tries, pause = 0, FIRST_PAUSE_SECONDS
        tries, done = tries + 1, now
        print(f"try {tries} of {TRIES}: {problem}", file=sys.stderr, flush=True)
        if tries >= TRIES:
            raise Failed("HubUnavailable", f"{hub.endpoint}: {problem}; it goes on where it ended")
        time.sleep(pause * (0.5 + random.random() / 2))
        pause = min(2 * pause, MAX_PAUSE_SECONDS)


def bring(folder: pathlib.Path, progress: Progress, make_room: MakeRoom) -> None:
    """Downloads the model that the environment names.

    Raises:
        Failed: the container cannot go on.
    """
    hub_id, revision, ignored = wanted_model()
    token = os.environ.get("HF_TOKEN", "").strip()
    check_token(token)
    hub = Hub(os.environ["HF_ENDPOINT"], hub_id, token)
    download(hub, folder, revision, ignored, progress, make_room)
    # As the hub lists them, so that they can be read again as files.
    siblings = [
        {
            "rfilename": file.name,
            "size": file.size,
            "blobId": file.git,
            "lfs": {"sha256": file.sha256},
        }
        for file in progress.files
    ]
    sizes = {file.name: file.size for file in progress.files}
    document = {"model": [hub_id, revision, ignored], "sizes": sizes, "siblings": siblings}
    (folder / COMPLETE).write_text(json.dumps(document))


def bring_to_node(cache: NodeCache, progress: Progress) -> None:
    """The same in the cache of the node, unless the model is there.

    Raises:
        Failed: the container cannot go on.
    """
    with cache.locked():
        if is_complete(cache.folder, wanted_model()):
            wrong = remove_wrong_files(cache.folder)
            if not wrong:
                cache.mark_used()
                print("the node has the model already", flush=True)
                return
            print(f"{', '.join(wrong)}: damaged on the node's disk, and removed", flush=True)
        if cache.folder.exists():
            cache.take_back()
        found_parts = cache.partial.exists()
        cache.partial.mkdir(exist_ok=True)
        bring(cache.partial, progress, cache.make_room)
        # What was found may not have reached the disk before the node lost its power.
        if found_parts and remove_wrong_files(cache.partial):
            bring(cache.partial, progress, cache.make_room)
        cache.publish()


def wanted_model() -> list[Any]:
    """Name and revision on the hub, and the patterns of files that are left out."""
    environ = os.environ
    ignored = json.loads(environ["KAITO_HUB_IGNORE"])
    return [environ["KAITO_HUB_ID"], environ["KAITO_HUB_REVISION"], ignored]


def main() -> int:
    folder, root = pathlib.Path(os.environ["KAITO_MODEL_PATH"]), os.environ.get("KAITO_MODEL_CACHE")
    if root is None and is_complete(folder, wanted_model()):
        print("all files are there already", flush=True)
        return 0
    if why := os.environ.get("KAITO_MODEL_UNCACHED"):
        print(f"the node does not keep the model: {why}", flush=True)
    progress = Progress()
    server = serve(progress, int(os.environ["KAITO_METRICS_PORT"]))
    threading.Thread(target=keep_sampling, args=(progress,), daemon=True).start()
    print(f"progress at port {server.server_port}", flush=True)
    try:
        if root is None:
            bring(folder, progress, lambda _: None)
        else:
            bring_to_node(NodeCache(pathlib.Path(root), folder), progress)
    except OSError as error:
        # Those of the download are read where they can be tried again.
        return report(failure(error) or Failed("ContainerCrashed", f"the node's disk: {error}"))
    except Failed as failed:
        return report(failed)
    return 0


def report(failed: Failed) -> int:
    """Says why the container ends; its exit code."""
    print(failed, file=sys.stderr, flush=True)
    with contextlib.suppress(OSError):
        log = os.environ.get("KAITO_TERMINATION_LOG", "/dev/termination-log")
        pathlib.Path(log).write_text(json.dumps(failed.report))
    return 1


if __name__ == "__main__":
    sys.exit(main())
