"""Which changes make another Job, and which another adapter."""

import pytest

from kaito_api.workspace import DataSource, Tuning
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import CONFIG, PRESET, tuning
from workspace_controller.manifests.tuning_revision import adapter_revision, job_revision


@pytest.mark.parametrize(
    ("change", "same_adapter"),
    [
        ({"output": {"image": "r/x:2", "imagePushSecret": "push"}}, False),
        ({"input": {"urls": ["https://other.example/x.parquet"]}}, False),
        ({"config": "mine"}, False),
        ({"method": "lora"}, False),
        ({"output": {**tuning()["output"], "imagePushSecret": "other"}}, True),
        ({"output": {**tuning()["output"], "signingSecret": "s"}}, True),
        ({"output": {**tuning()["output"], "caConfigMap": "c"}}, True),
        ({"output": {**tuning()["output"], "overwrite": True}}, True),
        ({}, True),
    ],
    ids=[
        "output",
        "input",
        "config",
        "method",
        "push secret",
        "signing secret",
        "CA",
        "overwrite",
        "nothing",
    ],
)
def test_changes_of_adapter_and_job_revision(change: Manifest, same_adapter: bool) -> None:
    before, after = (Tuning.model_validate(tuning(**c)) for c in ({}, change))
    assert (adapter_revision(before) == adapter_revision(after)) is same_adapter
    assert (job_revision(before, CONFIG) == job_revision(after, CONFIG)) is (change == {})


@pytest.mark.parametrize(
    ("changes", "revision"),
    [
        ({}, "ca4644a801dbfc8c-571becc24ac796f2"),
        (
            {
                "preset": {"name": PRESET, "presetOptions": {"imagePullSecrets": ["a"]}},
                "method": "lora",
                "config": "mine",
                "input": {"name": "n", "image": "r/d:1", "imagePullSecrets": ["b"]},
                "output": {"volumeSource": {"emptyDir": {}}},
            },
            "05693c7948657b24-047f5b427a8331d7",
        ),
    ],
    ids=["defaults", "other fields"],
)
def test_revision_is_the_one_that_earlier_releases_gave(changes: Manifest, revision: str) -> None:
    """With another one, an upgrade deletes the Jobs of all runs, and trains all adapters again."""
    assert job_revision(Tuning.model_validate(tuning(**changes)), "text") == revision


@pytest.mark.parametrize(
    "changes",
    [{"trackingSecret": "t"}, {"input": {**tuning()["input"], "accessSecret": "a"}}],
    ids=["trackingSecret", "accessSecret"],
)
def test_secret_that_is_named_later_makes_another_job_of_the_same_adapter(
    changes: Manifest,
) -> None:
    before, after = (Tuning.model_validate(tuning(**c)) for c in ({}, changes))
    assert job_revision(before, CONFIG) != job_revision(after, CONFIG)
    assert adapter_revision(before) == adapter_revision(after)


def test_new_fields_of_the_api_do_not_restart_a_run() -> None:
    class LaterSource(DataSource):
        added: str | None = None

    class LaterTuning(Tuning):
        input: LaterSource

    before, after = Tuning.model_validate(tuning()), LaterTuning.model_validate(tuning())
    assert job_revision(before, CONFIG).split("-")[1] == job_revision(after, CONFIG).split("-")[1]


def test_changed_configuration_makes_another_job_of_the_same_adapter() -> None:
    spec = Tuning.model_validate(tuning(config="mine"))
    one, two = job_revision(spec, CONFIG), job_revision(spec, CONFIG + " ")
    assert one != two and one.split("-")[0] == two.split("-")[0]


def test_changed_default_configuration_does_not_restart_a_run() -> None:
    spec = Tuning.model_validate(tuning())
    assert job_revision(spec, CONFIG) == job_revision(spec, CONFIG + " ")
