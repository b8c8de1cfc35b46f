"""Adapters that other Workspaces tune."""

from dataclasses import replace
from typing import Any

import pytest

from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import (
    inference,
    inference_workspace,
    observation,
    settings,
    stored,
    tuning,
    tuning_workspace,
)
from workspace_controller.observed import Observed, PodAdapter, PulledState, PullingPod
from workspace_controller.plan.serving.adapters.adapter_delivery import (
    circumstances,
    pulls_adapters,
)
from workspace_controller.plan.serving.adapters.adapter_sources import (
    named_workspaces,
    with_adapter_sources,
)
from workspace_controller.plan.serving.adapters.pulled_adapters import revision, wanted_pulls
from workspace_controller.plan.serving.adapters.served import ready_condition
from workspace_controller.settings import AdapterDelivery

DIGEST = "sha256:" + "1" * 64
TUNED = {"adapter": {"image": "r.io/a:1", "digest": DIGEST, "revision": "x"}, "state": "Ready"}
FIXED = {"source": {"name": "fixed", "image": "r.io/fixed:1"}}
FOLLOWS = {"source": {"name": "style", "workspace": "tuner"}}
KEY = settings(administration_key="key")


def tuner(status: Manifest | None = None, **spec: Any) -> Manifest:
    return {**stored(tuning_workspace("tuner", **spec)), "status": status or {}}


def seen(
    tuned: Manifest | None,
    *adapters: Manifest,
    status: Manifest | None = None,
    pods: tuple[PullingPod, ...] = (),
    **changes: Any,
) -> Observed:
    workspace = inference_workspace(
        inference=inference(adapters=list(adapters or (FIXED, FOLLOWS)))
    )
    manifest = {**stored(workspace), "status": status or {}}
    given = {"settings": KEY, **changes}
    return with_adapter_sources(
        observation(manifest, tuned_workspaces={"tuner": tuned}, pulling_pods=pods, **given)
    )


def images(observed: Observed) -> dict[str, tuple[str, tuple[str, ...]]]:
    assert observed.spec is not None
    return {a.name: (a.image, a.pull_secrets) for a in wanted_pulls(observed.spec, KEY)}


def test_workspaces_are_named_by_adapters() -> None:
    assert named_workspaces(seen(None).spec) == frozenset()
    spec = observation(stored(inference_workspace(inference=inference(adapters=[FOLLOWS])))).spec
    assert named_workspaces(spec) == {"tuner"}
    assert named_workspaces(None) == frozenset()


def test_newest_adapter_is_served_by_digest_with_the_secret_that_pushed_it() -> None:
    observed = seen(tuner(TUNED))
    assert images(observed)["style"] == (f"r.io/a@{DIGEST}", ("push",))
    assert observed.adapter_problems == {}
    own = {"source": {**FOLLOWS["source"], "imagePullSecrets": ["pull"]}}
    assert images(seen(tuner(TUNED), own))["style"] == (f"r.io/a@{DIGEST}", ("pull",))


PROBLEMS: dict[str, tuple[Manifest | None, str]] = {
    "missing": (None, "Workspace team/tuner does not exist: create it, or correct"),
    "tunes nothing": (
        {**stored(inference_workspace("tuner")), "status": {}},
        "Workspace team/tuner tunes no model: name one that has tuning",
    ),
    "not tuned yet": (
        tuner({"state": "Tuning"}),
        "Workspace team/tuner has not tuned its adapter yet; its state is Tuning",
    ),
    "new": (tuner(), "has not tuned its adapter yet; its state is Pending"),
    "to a volume": (
        tuner(TUNED, tuning=tuning(output={"volumeSource": {"emptyDir": {}}})),
        "Workspace team/tuner pushes no image: name its volume in source.volumeSource instead",
    ),
}


@pytest.mark.parametrize(("tuned", "problem"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_has_no_adapter_is_named_and_the_rest_serves(
    tuned: Manifest | None, problem: str
) -> None:
    before = seen(tuned)
    assert images(before) == {"fixed": ("r.io/fixed:1", ())}
    assert before.spec is not None
    says = PodAdapter(name="fixed", state=PulledState.SERVING, image="r.io/fixed@sha256:2")
    serves = PullingPod(
        name="pod",
        address="10.0.0.1",
        ready=True,
        revision=revision(wanted_pulls(before.spec, KEY)),
        adapters=(says,),
    )
    condition = ready_condition(seen(tuned, pods=(serves,)))
    assert (condition.is_true, condition.reason) == (True, "AdapterNotLoaded")
    start = "the model answers requests, also with fixed, but without 1 adapter: style: "
    assert condition.message.startswith(start)
    assert problem in condition.message


def test_adapter_that_is_tuned_again_answers_until_the_new_one_is_there() -> None:
    answering = {"adapters": [{"name": "style", "state": "Serving", "image": "r.io/a@sha256:0"}]}
    again = seen(tuner({"state": "Tuning"}), status=answering)
    assert images(again)["style"] == ("r.io/a@sha256:0", ("push",))
    assert again.adapter_problems == {}
    gone = seen(None, status=answering)
    assert images(gone)["style"] == ("r.io/a@sha256:0", ())
    assert "does not exist" in gone.adapter_problems["style"]
    done = seen(tuner(TUNED), status=answering)
    assert images(done)["style"][0] == f"r.io/a@{DIGEST}"


def pull(observed: Observed) -> bool:
    assert observed.spec is not None
    return pulls_adapters(observed, observed.spec, circumstances(observed, observed.spec, 1))


@pytest.mark.parametrize("tuned", [case[0] for case in PROBLEMS.values()], ids=PROBLEMS)
def test_pods_still_pull_when_the_workspace_that_tuned_is_gone(tuned: Manifest | None) -> None:
    """Mounting it instead would replace the pod by one that cannot pull the image."""
    before = seen(tuner(TUNED), FOLLOWS)
    assert pull(before)
    answering = {"adapters": [{"name": "style", "state": "Serving", "image": "r.io/a@sha256:0"}]}
    after = seen(tuned, FOLLOWS, status=answering)
    assert pull(after)


def mounting(secrets: list[str]) -> Manifest:
    """A workload whose pods mount the adapter that the Workspace had tuned."""
    mount = {"name": "adapter-0", "mountPath": "/mnt/adapters/style", "subPath": "data"}
    return {
        "spec": {
            "template": {
                "spec": {
                    "imagePullSecrets": [{"name": name} for name in secrets],
                    "containers": [{"name": "model-server", "volumeMounts": [mount]}],
                    "volumes": [{"name": "adapter-0", "image": {"reference": "r.io/a@sha256:0"}}],
                }
            }
        }
    }


@pytest.mark.parametrize("tuned", [case[0] for case in PROBLEMS.values()], ids=PROBLEMS)
@pytest.mark.parametrize("delivery", [AdapterDelivery.MOUNT, AdapterDelivery.AUTO])
def test_an_adapter_that_is_mounted_stays_when_its_workspace_is_created_again(
    tuned: Manifest | None, delivery: AdapterDelivery
) -> None:
    """Otherwise the pod would be replaced by one without it, and later by one with the new one."""
    given = replace(KEY, adapter_delivery=delivery)
    secrets = ["push"] if delivery is AdapterDelivery.MOUNT else []
    after = seen(tuned, FOLLOWS, deployment=mounting(secrets), settings=given)
    assert after.spec is not None and after.spec.inference is not None
    (adapter,) = after.spec.inference.adapters
    assert adapter.source.image == "r.io/a@sha256:0"
    if delivery is AdapterDelivery.MOUNT:
        assert adapter.source.image_pull_secrets == ["push"]
        assert not pull(after)
    elif tuned is None:
        # Pods that do not mount it have pulled it; these have not.
        assert not pull(after)
    if after.adapter_problems:
        condition = ready_condition(after)
        assert condition.reason == "AdapterNotLoaded"
        assert "until then r.io/a@sha256:0 answers" in condition.message
