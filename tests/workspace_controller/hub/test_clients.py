"""What every client of the hub does; the fake and the real one pass the same tests."""

from collections.abc import Iterator

import pytest

from tests.hub_stand_in import COMMIT, HubStandIn, StoredModel, hub_stand_in
from tests.workspace_controller.hub.hubs import CONFIG, MODELS, WEIGHTS, fake_hub, http_hub
from workspace_controller.hub.client import (
    AccessDenied,
    HubAway,
    HubClient,
    ModelMissing,
    NoUsableAnswer,
    RevisionMissing,
    TokenRefused,
)
from workspace_controller.hub.http_client import HttpHubClient

HUBS = {"fake": fake_hub, "http": http_hub}


@pytest.fixture(params=HUBS)
def hub(request: pytest.FixtureRequest) -> Iterator[HubClient]:
    with HUBS[request.param]() as client:
        yield client


@pytest.mark.parametrize("revision", ["main", COMMIT])
async def test_a_repository_is_read_at_its_commit(hub: HubClient, revision: str) -> None:
    repository = await hub.repository("org/open", revision, "")
    assert (repository.name, repository.commit) == ("org/open", COMMIT)
    sizes = {file.path: file.size_bytes for file in repository.files}
    assert sizes == {"config.json": len(CONFIG), "model.safetensors": len(WEIGHTS)}
    digests = {file.path: file.sha256 for file in repository.files}
    assert digests["config.json"] is None
    assert digests["model.safetensors"] == MODELS["org/open"].sha256("model.safetensors")


async def test_a_small_file_is_read(hub: HubClient) -> None:
    repository = await hub.repository("org/open", "main", "")
    assert await hub.text(repository, "config.json", "") == CONFIG


async def test_the_files_of_a_gated_model_need_a_token_with_access(hub: HubClient) -> None:
    repository = await hub.repository("org/gated", "main", "")
    assert repository.gated
    for token in ("", "opens-nothing"):
        with pytest.raises(AccessDenied):
            await hub.text(repository, "config.json", token)
    assert await hub.text(repository, "config.json", "opens") == CONFIG


@pytest.mark.parametrize(
    ("name", "revision", "token", "error"),
    [
        ("org/none", "main", "", ModelMissing),
        ("org/none", "main", "opens", ModelMissing),
        ("org/private", "main", "", ModelMissing),
        ("org/private", "main", "opens-nothing", ModelMissing),
        ("org/open", "v9", "", RevisionMissing),
        ("org/open", "main", "expired", TokenRefused),
    ],
)
async def test_refusals_have_a_type(
    hub: HubClient, name: str, revision: str, token: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await hub.repository(name, revision, token)


async def test_a_token_opens_a_private_model(hub: HubClient) -> None:
    assert (await hub.repository("org/private", "main", "opens")).name == "org/private"


@pytest.mark.parametrize("kind", HUBS)
async def test_a_hub_that_is_away_says_so(kind: str) -> None:
    with HUBS[kind](away=True) as client, pytest.raises(HubAway):
        await client.repository("org/open", "main", "")


async def test_the_pause_that_the_hub_asks_for_is_passed_on() -> None:
    busy = HubStandIn(models=dict(MODELS), status=429, headers={"Retry-After": "90"})
    with hub_stand_in(busy) as hub, pytest.raises(HubAway) as refused:
        await HttpHubClient(hub.address).repository("org/open", "main", "")
    assert refused.value.retry_after_seconds == 90
    assert str(refused.value) == f"{busy.address} answers 429"


@pytest.mark.parametrize(
    ("status", "error"),
    [(429, HubAway), (502, HubAway), (503, HubAway), (400, NoUsableAnswer), (451, NoUsableAnswer),
     (500, NoUsableAnswer)],
)  # fmt: skip
async def test_an_error_is_that_of_the_hub_or_of_one_model(
    status: int, error: type[Exception]
) -> None:
    with hub_stand_in(HubStandIn(status=status)) as hub, pytest.raises(HubAway) as refused:
        await HttpHubClient(hub.address).repository("org/open", "main", "")
    assert type(refused.value) is error


async def test_a_list_of_files_without_an_end_says_nothing_about_other_models() -> None:
    facts = {"siblings": [{"rfilename": f"{n}/{'x' * 200}", "size": 1} for n in range(80_000)]}
    odd = HubStandIn(models={"org/open": StoredModel({}, facts=facts)})
    with hub_stand_in(odd) as hub, pytest.raises(NoUsableAnswer, match="more than 16777216 bytes"):
        await HttpHubClient(hub.address).repository("org/open", "main", "")


async def test_nobody_listens() -> None:
    with hub_stand_in(HubStandIn()) as hub:
        endpoint = hub.address
    with pytest.raises(HubAway, match="Cannot connect"):
        await HttpHubClient(endpoint).repository("org/open", "main", "")


async def test_what_is_no_hub_is_away() -> None:
    """A captive portal, or a mirror of another kind, answers everything with a page."""
    with hub_stand_in(HubStandIn(status=200)) as hub, pytest.raises(HubAway) as refused:
        await HttpHubClient(hub.address).repository("org/open", "main", "")
    assert "does not answer as a hub does" in str(refused.value)


async def test_errors_hold_no_token() -> None:
    with http_hub() as client, pytest.raises(TokenRefused) as refused:
        await client.repository("org/open", "main", "hf_secret")
    assert "hf_secret" not in repr(refused.value)
