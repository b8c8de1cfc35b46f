"""Questions about single pools, in virtual time."""

import asyncio

import pytest

from gpu_provisioner.cloud import CloudUnavailable, Pool, PoolNotFound, PoolState
from gpu_provisioner.fake import FakeCloud
from gpu_provisioner.pacing.questions import Questions
from kaito_kube.clock import FakeClock

pytestmark = pytest.mark.looptime


def asked(*names: str) -> tuple[FakeCloud, Questions]:
    """A cloud with pools of these names."""
    cloud = FakeCloud(FakeClock())
    for name in names:
        cloud.seed(Pool(name=name, state=PoolState.SUCCEEDED, instance_type="x"))
    return cloud, Questions(cloud.get, cloud.list, 1.0)


async def test_one_question_is_asked_by_itself() -> None:
    cloud, questions = asked("a")
    assert (await questions.ask("a")).name == "a"
    with pytest.raises(PoolNotFound):
        await questions.ask("b")
    assert cloud.calls == [("get", "a"), ("get", "b")]


async def test_questions_of_one_moment_are_one_call() -> None:
    cloud, questions = asked("a", "b")
    answers = await asyncio.gather(*map(questions.ask, "abc"), return_exceptions=True)
    assert [getattr(answer, "name", None) for answer in answers[:2]] == ["a", "b"]
    assert isinstance(answers[2], PoolNotFound)
    assert cloud.calls == [("list", "")]


async def test_no_answer_is_older_than_its_question() -> None:
    cloud, questions = asked("a", "b")
    first = asyncio.gather(*map(questions.ask, "ab"))
    await asyncio.sleep(1.0)
    await first
    cloud.seed(Pool(name="c", state=PoolState.CREATING, instance_type="x"))
    later = await asyncio.gather(*map(questions.ask, "ac"))
    assert [pool.name for pool in later] == ["a", "c"]
    assert cloud.calls == [("list", ""), ("list", "")]


async def test_an_error_is_everybodys() -> None:
    cloud, questions = asked("a", "b")
    cloud.fail_next("list", CloudUnavailable("CloudUnavailable", "cut"))
    answers = await asyncio.gather(*map(questions.ask, "ab"), return_exceptions=True)
    assert all(isinstance(answer, CloudUnavailable) for answer in answers)
    assert (await questions.ask("a")).name == "a"


async def test_one_who_stops_waiting_disturbs_nobody() -> None:
    _, questions = asked("a", "b")
    gone, stays = (asyncio.create_task(questions.ask(name)) for name in "ab")
    await asyncio.sleep(0.5)
    gone.cancel()
    assert (await stays).name == "b"
