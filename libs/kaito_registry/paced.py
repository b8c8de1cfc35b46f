"""Reads a body, unless it comes so slowly that it would never end.

The time limit of a connection is for silence: a byte now and then is none.
"""

from collections.abc import Callable, Iterable, Iterator

from kaito_process.retry_policy import MINIMUM_BYTES_PER_SECOND, TransientError

# A link may falter for a while.
WINDOW_SECONDS = 60.0


def paced(chunks: Iterable[bytes], clock: Callable[[], float]) -> Iterator[bytes]:
    """The chunks, as they come. `clock` gives seconds.

    Raises:
        TransientError: in a window of time there were too few bytes.
    """
    started, received = clock(), 0
    for chunk in chunks:
        received += len(chunk)
        seconds = clock() - started
        if seconds >= WINDOW_SECONDS:
            if received < MINIMUM_BYTES_PER_SECOND * seconds:
                raise TransientError(f"only {received} bytes came in {seconds:.0f} seconds")
            started, received = clock(), 0
        yield chunk
