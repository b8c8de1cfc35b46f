"""Clients notice nothing of a rolling update, however long and slow their answers are."""

from tools.demo.cluster import KaitoCluster
from tools.demo.rollout.update import serve_model, update_under_load


def test_update_of_model_and_front_door_fails_no_request(clean: KaitoCluster) -> None:
    serve_model(clean.kubectl)
    results = update_under_load(clean.kubectl, stream_tokens=1000)
    for result in results:
        print(result)
    assert not [failure for result in results for failure in result.failures]
    requests, streams = results
    assert requests.seconds
    assert max(streams.seconds) >= 60
