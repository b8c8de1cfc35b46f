"""Which adapters pods pull while they run, and what users read of them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaito_api import labels
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import (
    inference,
    inference_workspace,
    observation,
    pod,
    settings,
    stored,
    tuning,
)
from workspace_controller.observed import Observed, PodAdapter, PulledState, PullingPod
from workspace_controller.plan.plan import PulledAdapter
from workspace_controller.plan.serving.adapters.adapter_delivery import (
    circumstances,
    pulls_adapters,
)
from workspace_controller.plan.serving.adapters.pulled_adapters import (
    AdapterReport,
    AdapterState,
    adapter_reports,
    adapter_status_of,
    decide_pulls,
    registry_of,
    revision,
    wanted_pulls,
)
from workspace_controller.plan.serving.adapters.served import (
    mounted_adapters,
    pulling_pods,
    ready_condition,
)
from workspace_controller.settings import AdapterDelivery, Settings

WITH_KEY = settings(administration_key="key", insecure_registries=("r:5000",))
READY = [{"type": "Ready", "status": "True"}]


def listed(name: str, image: str = "", **source: Any) -> Manifest:
    return {"source": {"name": name, "image": image or f"r.io/{name}:1", **source}}


A, B = listed("a"), listed("b", imagePullSecrets=["pull"])
SIGNED = listed("s", verificationSecret="signing")
VOLUME = {"source": {"name": "v", "volumeSource": {"emptyDir": {}}}}


def seen(
    *adapters: Manifest,
    given_settings: Settings = WITH_KEY,
    runtime: str = "transformers",
    status: Manifest | None = None,
    **changes: Any,
) -> Observed:
    manifest = stored(inference_workspace(inference=inference(adapters=list(adapters))))
    manifest["metadata"].setdefault("annotations", {})[labels.RUNTIME] = runtime
    manifest["status"] = status or {}
    return observation(manifest, settings=given_settings, **changes)


def wanted(observed: Observed) -> tuple[PulledAdapter, ...]:
    assert observed.spec is not None
    return wanted_pulls(observed.spec, observed.settings)


ALWAYS = replace(WITH_KEY, adapter_delivery=AdapterDelivery.PULL)
MOUNTS = replace(WITH_KEY, adapter_delivery=AdapterDelivery.MOUNT)
PULLS: dict[str, tuple[Observed, int, bool]] = {
    "transformers": (seen(B), 1, True),
    "an image without a Secret, which nodes may be able to pull": (seen(A, B), 1, False),
    "without a Secret, by choice": (seen(A, given_settings=ALWAYS), 1, True),
    "a signature is demanded": (seen(A, SIGNED), 1, True),
    "a signature is demanded over several nodes": (seen(SIGNED), 2, False),
    "transformers, before the first adapter": (seen(), 1, True),
    "several nodes": (seen(B), 2, False),
    "no key": (seen(B, given_settings=settings()), 1, False),
    "mounted by choice": (seen(B, given_settings=MOUNTS), 1, False),
    "vLLM with adapters": (seen(B, runtime="vllm"), 1, True),
    "vLLM without adapters": (seen(runtime="vllm"), 1, False),
    "a tuned model": (observation(stored(inference_workspace(tuning=tuning()))), 1, False),
}


@pytest.mark.parametrize(("observed", "nodes", "expected"), PULLS.values(), ids=PULLS)
def test_pods_pull_where_their_engine_can_load_later(
    observed: Observed, nodes: int, expected: bool
) -> None:
    assert observed.spec is not None
    given = circumstances(observed, observed.spec, nodes)
    assert pulls_adapters(observed, observed.spec, given) is expected


def test_list_has_every_adapter_of_an_image_with_its_secrets() -> None:
    strong = {**listed("s", "r:5000/s@sha256:" + "0" * 64), "strength": "0.5"}
    assert wanted(seen(A, B, VOLUME, strong)) == (
        PulledAdapter(name="a", image="r.io/a:1"),
        PulledAdapter(name="b", image="r.io/b:1", pull_secrets=("pull",)),
        PulledAdapter(name="s", image="r:5000/s@sha256:" + "0" * 64, strength=0.5, plain_http=True),
    )


def test_volumes_are_mounted_and_images_only_where_they_are_not_pulled() -> None:
    spec = seen(A, VOLUME).spec
    assert spec is not None and spec.inference is not None
    adapters = spec.inference.adapters
    assert [each.name for each in mounted_adapters(adapters, pulls=True)] == ["v"]
    assert [each.name for each in mounted_adapters(adapters, pulls=False)] == ["a", "v"]


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("r.io/a:1", "r.io"),
        ("r:5000/a/b:1", "r:5000"),
        ("localhost/a", "localhost"),
        ("team/a:1", "docker.io"),
    ],
)
def test_registry_of_an_image(image: str, registry: str) -> None:
    assert registry_of(image) == registry


def says(name: str, state: PulledState, **fields: Any) -> PodAdapter:
    return PodAdapter(name=name, state=state, **fields)


SERVES = says("a", PulledState.SERVING, image="r.io/a@sha256:1")
PENDING = says("a", PulledState.PENDING)
BAD = says("a", PulledState.REJECTED, cause="rank is 0")
NAME = revision(wanted(seen(A)))


def pulling(
    *adapters: PodAdapter, name: str | None = NAME, address: str = "10.0.0.1", ready: bool = True
) -> PullingPod:
    return PullingPod(
        name=f"pod-{address}", address=address, ready=ready, revision=name, adapters=adapters
    )


DECISIONS: dict[str, tuple[tuple[PullingPod, ...], list[str], float | None]] = {
    "no pod": ((), [], None),
    "as wanted": ((pulling(SERVES),), [], None),
    "a new pod": ((pulling(name="", ready=False),), ["10.0.0.1"], 3.0),
    "another list": ((pulling(SERVES, name="old"),), ["10.0.0.1"], 3.0),
    "it is pulled": ((pulling(PENDING),), [], 3.0),
    "rejected": ((pulling(BAD),), ["10.0.0.1"], 60.0),
    "no answer": ((pulling(name=None),), [], 5.0),
    "two pods, one is new": (
        (pulling(SERVES), pulling(name="", address="10.0.0.2")),
        ["10.0.0.2"],
        3.0,
    ),
}


@pytest.mark.parametrize(("pods", "given_list", "again"), DECISIONS.values(), ids=DECISIONS)
def test_each_pod_is_given_the_list_that_it_lacks(
    pods: tuple[PullingPod, ...], given_list: list[str], again: float | None
) -> None:
    observed = seen(A, pulling_pods=pods)
    assert observed.spec is not None
    plan = decide_pulls(observed, observed.spec)
    assert [pull.address for pull in plan.pulls] == given_list
    assert all((p.adapters, p.revision) == (wanted(observed), NAME) for p in plan.pulls)
    assert plan.requeue_after_seconds == again


STATES = st.sampled_from(list(PulledState))
PODS = st.lists(st.tuples(st.sampled_from((None, "", "old", NAME)), STATES, st.booleans()))


@given(PODS)
def test_whatever_pods_say_is_reported_and_looked_at_again(
    drawn: list[tuple[str | None, PulledState, bool]],
) -> None:
    pods = tuple(
        pulling(says("a", state), name=name, address=f"10.0.0.{index}", ready=ready)
        for index, (name, state, ready) in enumerate(drawn)
    )
    observed = seen(A, pulling_pods=pods)
    assert observed.spec is not None
    plan, reports = decide_pulls(observed, observed.spec), adapter_reports(observed, observed.spec)
    done = all(name == NAME and state is PulledState.SERVING for name, state, _ in drawn)
    assert (plan.requeue_after_seconds is None) is done
    # Exactly those that answered and have another list, or reject something, are given_list.
    given_list = {pull.address for pull in plan.pulls}
    for pod_, (name, state, _) in zip(pods, drawn, strict=True):
        lacks = name is not None and (name != NAME or state is PulledState.REJECTED)
        assert (pod_.address in given_list) is lacks
    answering = [(n, state) for n, state, ready in drawn if ready and n is not None]
    if not answering:
        assert reports is None
        return
    assert reports is not None
    (report,) = reports
    if all(name == NAME and state is PulledState.SERVING for name, state in answering):
        assert report.state is AdapterState.SERVING
    elif (NAME, PulledState.REJECTED) in answering:
        assert report.state is AdapterState.REJECTED
    else:
        assert report.state is AdapterState.PENDING
    assert ready_condition(observed).is_true


def test_what_answers_is_known_before_the_pods_have_a_changed_list() -> None:
    """The image in the status is what goes on answering while its Workspace is tuned again."""
    observed = seen(A, B, pulling_pods=(pulling(SERVES, name="without b"),))
    assert observed.spec is not None
    assert adapter_reports(observed, observed.spec) == (
        AdapterReport(name="a", state=AdapterState.PENDING, image="r.io/a@sha256:1"),
        AdapterReport(name="b", state=AdapterState.PENDING),
    )


def condition(reason: str, message: str) -> Manifest:
    fields = {"type": "InferenceReady", "status": "True", "reason": reason, "message": message}
    return {"conditions": [fields]}


PULLING_POD = pod("inference", podIP="10.0.0.1", conditions=READY)
PULLING_POD["spec"] = {
    "containers": [
        {"name": "model-server", "env": [{"name": "KAITO_PULLED_ADAPTERS_DIR", "value": "/x"}]}
    ]
}
B_SERVES = says("b", PulledState.SERVING, image="r.io/b@sha256:2")
BOTH = revision(wanted(seen(A, B)))
CONDITIONS: dict[str, tuple[Observed, str, str]] = {
    "all serve": (
        seen(A, pulling_pods=(pulling(SERVES),)),
        "InferenceReady",
        "the model answers requests, also with a",
    ),
    "one is pulled": (
        seen(A, B, pulling_pods=(pulling(PENDING, B_SERVES, name=BOTH),)),
        "AdapterLoading",
        "the model answers requests, also with b; a is pulled",
    ),
    "one is bad": (
        seen(A, B, pulling_pods=(pulling(BAD, B_SERVES, name=BOTH),)),
        "AdapterNotLoaded",
        "the model answers requests, also with b, but without 1 adapter: a: rank is 0",
    ),
    "one is bad, one is pulled": (
        seen(A, B, pulling_pods=(pulling(BAD, says("b", PulledState.PENDING), name=BOTH),)),
        "AdapterNotLoaded",
        "the model answers requests, but without 1 adapter: a: rank is 0; b is pulled",
    ),
    "a bad replacement": (
        seen(A, pulling_pods=(pulling(replace(BAD, image="r.io/a@sha256:0")),)),
        "AdapterNotLoaded",
        "the model answers requests, but without 1 adapter: a: rank is 0; until then "
        "r.io/a@sha256:0 answers",
    ),
    "changed, and the pod does not have it yet": (
        seen(A, pulling_pods=(pulling(SERVES, name="old"),)),
        "AdapterLoading",
        "the model answers requests; a is pulled",
    ),
    "no answer keeps what is known": (
        seen(
            A,
            pods=(PULLING_POD,),
            pulling_pods=(pulling(name=None),),
            status=condition("AdapterNotLoaded", "as before"),
        ),
        "AdapterNotLoaded",
        "as before",
    ),
    "none any longer": (
        seen(pulling_pods=(pulling(name=revision(())),)),
        "InferenceReady",
        "the model answers requests",
    ),
}


@pytest.mark.parametrize(("observed", "reason", "message"), CONDITIONS.values(), ids=CONDITIONS)
def test_condition_says_what_became_of_each_adapter(
    observed: Observed, reason: str, message: str
) -> None:
    found = ready_condition(observed)
    assert (found.is_true, found.reason, found.message) == (True, reason, message)


def test_pods_that_pull_are_told_apart_by_their_own_template() -> None:
    mounts = pod("inference", podIP="10.0.0.2", conditions=READY)
    no_address = {**PULLING_POD, "status": {}}
    observed = seen(A, pods=(PULLING_POD, mounts, no_address))
    assert pulling_pods(observed) == [PULLING_POD]


def test_image_that_must_be_signed_is_never_mounted() -> None:
    observed = seen(A, SIGNED, given_settings=MOUNTS)
    assert observed.spec is not None and observed.spec.inference is not None
    mounted = mounted_adapters(observed.spec.inference.adapters, pulls=False)
    assert [each.name for each in mounted] == ["a"]


def test_adapter_that_cannot_be_verified_is_named_where_pods_mount_adapters() -> None:
    observed = seen(SIGNED, given_settings=MOUNTS)
    assert observed.spec is not None
    (report,) = adapter_reports(observed, observed.spec) or ()
    assert (report.name, report.state) == ("s", AdapterState.REJECTED)
    status = adapter_status_of(report)
    assert status["reason"] == "AdapterNotVerified"
    assert "only pods that pull their adapters verify signatures" in status["message"]


def test_unsigned_adapter_is_named_in_status_and_condition() -> None:
    cause = "r.io/s@sha256:1 has no signature: sign it"
    bad = says("s", PulledState.REJECTED, cause=cause, unverified=True)
    name = revision(wanted(seen(B, SIGNED)))
    serves = says("b", PulledState.SERVING, image="r.io/b@sha256:2")
    observed = seen(B, SIGNED, pulling_pods=(pulling(serves, bad, name=name),))
    assert observed.spec is not None
    reports = adapter_reports(observed, observed.spec) or ()
    assert [adapter_status_of(each).get("reason") for each in reports] == [
        None,
        "AdapterNotVerified",
    ]
    condition = ready_condition(observed)
    assert condition.status == "True" and condition.reason == "AdapterNotVerified"
    assert condition.message == (
        f"the model answers requests, also with b, but without 1 adapter: s: {cause}"
    )


def test_key_that_signed_is_in_the_status() -> None:
    name = revision(wanted(seen(SIGNED)))
    serves = says("s", PulledState.SERVING, image="r.io/s@sha256:2", signed_by="sha256:key")
    observed = seen(SIGNED, pulling_pods=(pulling(serves, name=name),))
    assert observed.spec is not None
    (report,) = adapter_reports(observed, observed.spec) or ()
    assert adapter_status_of(report)["signedBy"] == "sha256:key"


@pytest.mark.parametrize("state", [PulledState.SERVING, PulledState.PENDING])
def test_a_server_that_verifies_nothing_is_named(state: PulledState) -> None:
    name = revision(wanted(seen(SIGNED)))
    old = pulling(says("s", PulledState.SERVING, image="r.io/s@sha256:2"), name=name)
    new = pulling(says("s", state, signed_by="sha256:key"), name=name)
    observed = seen(SIGNED, pulling_pods=(replace(old, name="old-0"), new))
    condition = ready_condition(observed)
    assert condition.reason == "AdapterNotVerified"
    assert "s: it is served without a check by old-0, whose server is of an" in condition.message


def test_other_keys_are_another_list() -> None:
    lists = [
        seen(A),
        seen(listed("a", verificationSecret="one")),
        seen(listed("a", verificationSecret="two")),
        seen(listed("a", caConfigMap="one")),
    ]
    assert len({revision(wanted(each)) for each in lists}) == 4
