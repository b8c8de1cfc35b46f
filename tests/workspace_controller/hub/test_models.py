"""How often the hub is asked, and what a user reads when it refuses."""

import asyncio
import random
from typing import Any

import pytest

from kaito_api.reasons import Reason
from kaito_kube.clock import FakeClock
from kaito_presets.hub.model import HubModel
from kaito_presets.hub.model_files import ModelFiles
from kaito_presets.hub.refusal import ModelRefusal
from kaito_presets.hub.repository import Repository
from tests.kaito_presets.hub.repositories import llama, model_files, whole
from workspace_controller.hub.client import HubAway, NoUsableAnswer
from workspace_controller.hub.fake import FakeHub
from workspace_controller.hub.models import HubModels, ModelQuery

QUERY = ModelQuery("org/small", "main")


def small(**facts: Any) -> ModelFiles:
    return model_files("org/small", llama(2, 8, 4, 512), whole(1.0), **facts)


class Lookup:
    def __init__(self, files: ModelFiles | None = None, **hub: Any) -> None:
        self.clock, self.hub = FakeClock(), FakeHub(**hub)
        self.hub.add(files or small())
        self.models = HubModels(self.hub, self.clock, random.Random(7))

    async def refusal(self, query: ModelQuery = QUERY) -> ModelRefusal:
        found = await self.models.find(query)
        assert isinstance(found, ModelRefusal)
        return found


async def test_a_model_takes_three_calls_whoever_asks() -> None:
    lookup = Lookup()
    found = await asyncio.gather(*(lookup.models.find(QUERY) for _ in range(20)))
    assert all(isinstance(model, HubModel) for model in found)
    await lookup.models.find(QUERY)
    # One at a time is let through of those that come together, up to four.
    assert lookup.hub.calls[:3] == [
        "org/small@main",
        "org/small/config.json",
        "org/small/tokenizer_config.json",
    ]
    assert len(lookup.hub.calls) <= 4 * 3


async def test_a_branch_is_asked_about_again_later() -> None:
    lookup = Lookup()
    await lookup.models.find(QUERY)
    lookup.clock.advance(601)
    await lookup.models.find(QUERY)
    assert lookup.hub.calls.count("org/small@main") == 2


async def test_a_token_shares_no_answer_with_another() -> None:
    lookup = Lookup(tokens={"a": frozenset({"org/small"})}, private=frozenset({"org/small"}))
    found = await lookup.models.find(ModelQuery("org/small", "main", "hf", "a"))
    assert isinstance(found, HubModel)
    assert (await lookup.refusal()).reason is Reason.MODEL_UNKNOWN


async def test_a_refusal_is_kept_for_pauses_that_grow() -> None:
    lookup = Lookup()
    query, asked = ModelQuery("org/none", "main"), []
    for _ in range(120):
        await lookup.refusal(query)
        asked.append(len(lookup.hub.calls))
        lookup.clock.advance(10)
    # Twenty minutes of passes every ten seconds.
    assert 6 <= asked[-1] <= 12
    assert asked[-1] - asked[60] <= 2


async def test_while_the_hub_is_away_nobody_asks_it_and_nobody_waits() -> None:
    lookup = Lookup(error=HubAway("https://hub.example does not answer in time"))
    refusal = await lookup.refusal()
    for name in ("org/a", "org/b", "org/c"):
        assert await lookup.refusal(ModelQuery(name, "main")) == refusal
    assert len(lookup.hub.calls) == 1
    assert refusal.reason is Reason.HUB_UNAVAILABLE
    assert refusal.message == (
        "the hub is not available: https://hub.example does not answer in time: it is asked again; "
        "check that the controller may reach it (workspace-controller.settings.hubEndpoint)"
    )
    lookup.hub.error = None
    lookup.clock.advance(11)
    assert isinstance(await lookup.models.find(QUERY), HubModel)


async def test_what_is_known_already_does_not_need_the_hub() -> None:
    lookup = Lookup()
    await lookup.models.find(QUERY)
    lookup.hub.error = HubAway("away")
    await lookup.refusal(ModelQuery("org/other", "main"))
    assert isinstance(await lookup.models.find(QUERY), HubModel)


class BusyHub(FakeHub):
    """Answers later, so that several wait for it at a time."""

    async def repository(self, name: str, revision: str, token: str) -> Repository:
        await asyncio.sleep(0)
        return await super().repository(name, revision, token)


async def test_those_that_ask_at_the_same_time_lengthen_the_pause_once() -> None:
    lookup = Lookup()
    hub = BusyHub(lookup.hub.models, error=HubAway("away"))
    models = HubModels(hub, lookup.clock, random.Random(7))
    await asyncio.gather(*(models.find(ModelQuery(f"org/m{n}", "main")) for n in range(200)))
    assert len(hub.calls) <= 4
    hub.error = None
    lookup.clock.advance(11)
    assert isinstance(await models.find(QUERY), HubModel)


async def test_a_model_that_the_hub_cannot_describe_does_not_hold_up_others() -> None:
    lookup = Lookup(error=NoUsableAnswer("https://hub.example answers 451"))
    refusal = await lookup.refusal(ModelQuery("org/odd", "main"))
    assert refusal.reason is Reason.HUB_UNAVAILABLE
    assert refusal.message == (
        "the hub gives no usable answer about 'org/odd': https://hub.example answers 451: it is "
        "asked again; name another model or revision, or check what answers at "
        "workspace-controller.settings.hubEndpoint"
    )
    lookup.hub.error = None
    assert isinstance(await lookup.models.find(QUERY), HubModel)
    # The one itself is asked about after a pause.
    assert await lookup.refusal(ModelQuery("org/odd", "main")) == refusal


async def test_no_pause_that_the_hub_asks_for_is_longer_than_ours() -> None:
    lookup = Lookup(error=HubAway("busy", retry_after_seconds=86_400))
    await lookup.refusal()
    lookup.hub.error = None
    lookup.clock.advance(601)
    assert isinstance(await lookup.models.find(QUERY), HubModel)


async def test_the_pause_that_the_hub_asks_for_is_kept() -> None:
    lookup = Lookup(error=HubAway("busy", retry_after_seconds=300))
    await lookup.refusal()
    lookup.hub.error = None
    lookup.clock.advance(299)
    assert (await lookup.refusal()).reason is Reason.HUB_UNAVAILABLE
    lookup.clock.advance(2)
    assert isinstance(await lookup.models.find(QUERY), HubModel)


@pytest.mark.parametrize(
    ("query", "reason", "message"),
    [
        (
            ModelQuery("org/none", "main"),
            Reason.MODEL_UNKNOWN,
            "the hub has no model 'org/none', or it is private: correct the name; name a Secret "
            "with a token in presetOptions.modelAccessSecret if it is private",
        ),
        (
            ModelQuery("org/none", "main", "hf", "valid"),
            Reason.MODEL_UNKNOWN,
            "the hub has no model 'org/none', or it is private: correct the name; the token in "
            "Secret 'hf' does not open it",
        ),
        (
            ModelQuery("org/small", "v9"),
            Reason.MODEL_UNKNOWN,
            "'org/small' has no revision 'v9' on the hub: set the annotation "
            "kaito.sh/model-revision to a branch, a tag or a commit that it has, or remove it",
        ),
        (
            ModelQuery("org/small", "main"),
            Reason.MODEL_GATED,
            "'org/small' is gated, and there is no token: accept its license at "
            "https://huggingface.co/org/small, and name a Secret in "
            "presetOptions.modelAccessSecret whose key HF_TOKEN holds a token of that account",
        ),
        (
            ModelQuery("org/small", "main", "hf", "valid"),
            Reason.MODEL_GATED,
            "'org/small' is gated, and the token in Secret 'hf' has no access to it: accept its "
            "license at https://huggingface.co/org/small with the account of that token; a "
            "fine-grained token needs the right to read gated repositories",
        ),
        (
            ModelQuery("org/small", "main", "hf", "expired"),
            Reason.MODEL_GATED,
            "the hub refuses the token in Secret 'hf': put a token that is valid into its key "
            "HF_TOKEN",
        ),
    ],
    ids=["unknown", "not opened", "no such revision", "gated", "no access", "invalid token"],
)
async def test_refusals_name_value_and_remedy(
    query: ModelQuery, reason: Reason, message: str
) -> None:
    lookup = Lookup(small(gated=True), tokens={"valid": frozenset()})
    refusal = await lookup.refusal(query)
    assert refusal.reason is reason
    assert refusal.message == message


async def test_a_model_that_is_not_served_is_refused_by_its_files() -> None:
    pickled = model_files("org/small", llama(2, 8, 4, 512), {"pytorch_model.bin": 9})
    refusal = await Lookup(pickled).refusal()
    assert refusal.reason is Reason.MODEL_NOT_SERVED


def test_a_token_is_in_no_text() -> None:
    query = ModelQuery("org/small", "main", "hf", "hf_secret")
    assert "hf_secret" not in repr(query) and "hf_secret" not in str(query.key)
