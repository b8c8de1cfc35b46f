"""`make bench-controller` measures a controller that requests nodes."""

from benchmarks.controller import measure


async def test_workspaces_of_the_benchmark_get_their_machines() -> None:
    burst = await measure(2, idle_seconds=0)
    assert burst.count == 2
    assert burst.peak_mb > 0
