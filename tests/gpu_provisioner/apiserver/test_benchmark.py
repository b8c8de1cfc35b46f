"""`make bench-provisioner` measures nodes that join: its stand-ins are Nodes as AKS makes them."""

import argparse

from benchmarks.provisioner import UNPACED, RoundConfig, run


async def test_claims_of_the_benchmark_become_ready_and_are_deleted_again() -> None:
    config = RoundConfig("few", 2, environ=UNPACED)
    measured = await run(config, argparse.Namespace(log=None))
    assert measured.calls_until_ready["agentPools.put"] == 2
    assert measured.calls_until_gone["agentPools.delete"] == 2
