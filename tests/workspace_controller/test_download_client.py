"""Asking a pod that downloads its model how far it is."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from workspace_controller.model_download import Progress, serve
from workspace_controller.observed import ModelDownload
from workspace_controller.pod_clients.download_client import (
    DownloadClient,
    FakeDownloadClient,
    HttpDownloadClient,
    from_document,
)

HERE = "127.0.0.1"


@contextmanager
def program(progress: Progress) -> Iterator[DownloadClient]:
    server = serve(progress, 0)
    try:
        yield HttpDownloadClient(server.server_port)
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def fake(progress: Progress) -> Iterator[DownloadClient]:
    yield FakeDownloadClient({HERE: from_document(progress.document())})


@pytest.mark.parametrize("kind", [program, fake])
async def test_the_progress_of_a_pod_is_read(kind: object) -> None:
    progress = Progress()
    progress.problem = "URLError: timed out"
    with kind(progress) as client:  # type: ignore[operator]
        assert await client.get(HERE) == ModelDownload(
            done_bytes=0, total_bytes=0, problem="URLError: timed out"
        )


async def test_a_pod_that_does_not_answer_is_no_failure() -> None:
    with program(Progress()) as client:
        pass
    assert await client.get(HERE) is None
    assert await FakeDownloadClient().get(HERE) is None


@pytest.mark.parametrize(
    "document",
    [[], {}, {"doneBytes": -1, "totalBytes": 1}, {"doneBytes": "1", "totalBytes": 1}],
)
def test_what_is_no_progress_is_refused(document: object) -> None:
    with pytest.raises(ValueError):
        from_document(document)
