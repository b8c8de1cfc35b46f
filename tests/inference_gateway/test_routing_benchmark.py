"""What `make bench-routing` measures, on a smaller load."""

import pytest

from benchmarks.routing import policies
from benchmarks.routing.conversations import Conversation, draw
from benchmarks.routing.replay import Result, replay
from inference_gateway.endpoints.prompt_start import prompt_start

CONVERSATIONS = draw(count=120, per_second=1.2, seed=7)


def run(policy: str, gateways: int) -> Result:
    return replay(policy, CONVERSATIONS, replicas=4, gateways=gateways)


@pytest.mark.parametrize("gateways", [1, 2, 3])
def test_affinity_caches_more_answers_sooner_and_overloads_no_replica(gateways: int) -> None:
    found = run(policies.AFFINITY, gateways)
    for other in (policies.LEAST_LOAD, policies.ROUND_ROBIN):
        peer = run(other, gateways)
        assert found.hit_rate > peer.hit_rate + 0.05
        middle = len(peer.first_token_seconds) // 2
        assert found.first_token_seconds[middle] < 0.9 * peer.first_token_seconds[middle]
    assert found.busiest_in_flight <= 1.25
    assert found.busiest_requests <= 1.25


def test_all_turns_of_a_replayed_conversation_begin_alike() -> None:
    def start(conversation: Conversation, turn: int) -> bytes:
        return prompt_start(policies.PATH, conversation.body(turn))

    starts = {start(conversation, 0) for conversation in CONVERSATIONS}
    assert len(starts) == len(CONVERSATIONS)
    assert all(start(each, 0) == start(each, len(each.turns) - 1) for each in CONVERSATIONS)
