"""Python's garbage collector, set for a process that holds many streams.

A full collection looks at every object while everything else waits: up to 0.6 seconds with 2,000
streams, and several times while they begin. What requests leave behind is freed without it, since
their objects form no cycles; tests hold that.
"""

import gc

# A collection of the youngest objects, and one of five times as many, takes milliseconds.
_YOUNG_OBJECTS = 5_000
_COLLECTIONS_OF_YOUNG = 5
# Python's own 10 would mean full collections while some hundreds of streams begin.
_COLLECTIONS_OF_MIDDLE = 1_000


def make_full_collections_rare() -> None:
    """Call it when everything that lasts as long as the process exists: that is never looked at."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, _COLLECTIONS_OF_YOUNG, _COLLECTIONS_OF_MIDDLE)
