"""What a pod gets of the pull secrets, and who sees it."""

import base64
import json
import logging
from typing import Any

import pytest

from kaito_kube import kinds
from kaito_kube.fake import FakeCluster
from tests.workspace_controller.given import NAMESPACE, OWNER
from workspace_controller.manifests.administration import token
from workspace_controller.plan.plan import PullAdapters, PulledAdapter
from workspace_controller.pod_clients.adapter_client import FakeAdapterClient
from workspace_controller.pod_clients.adapter_sender import AdapterSender
from workspace_controller.pod_clients.registry_access import (
    AdapterObjects,
    PullSecret,
    wanted_adapter,
)

ADAPTER = PulledAdapter(name="a", image="r.io/team/a:1", pull_secrets=("one", "two"))


def encoded(content: str) -> str:
    return base64.b64encode(content.encode()).decode()


def secret(name: str, auths: Any, **more: str) -> PullSecret:
    data = {".dockerconfigjson": encoded(json.dumps({"auths": auths}))}
    return PullSecret(name, {**data, **{key: encoded(text) for key, text in more.items()}})


def entry(user: str) -> dict[str, str]:
    return {"username": user, "password": f"{user}-password"}


ACCESS: dict[str, tuple[list[PullSecret], str, str]] = {
    "none": ([], "", ""),
    "one": ([secret("one", {"r.io": entry("u")})], "u", "the Secret team/one"),
    "the second has it": (
        [secret("one", {"other.io": entry("x")}), secret("two", {"r.io": entry("u")})],
        "u",
        "the Secrets team/one, team/two",
    ),
    "the first wins": (
        [secret("one", {"r.io": entry("u")}), secret("two", {"r.io": entry("v")})],
        "u",
        "the Secrets team/one, team/two",
    ),
    "missing": (
        [PullSecret("one", None)],
        "",
        "the Secret team/one (which does not exist)",
    ),
    "no JSON": ([PullSecret("one", {".dockerconfigjson": "%%%"})], "", "the Secret team/one"),
    "another kind": ([PullSecret("one", {"token": "eA=="})], "", "the Secret team/one"),
}


@pytest.mark.parametrize(("secrets", "user", "source"), ACCESS.values(), ids=ACCESS)
def test_pod_gets_the_credentials_of_the_registry_alone(
    secrets: list[PullSecret], user: str, source: str
) -> None:
    access = wanted_adapter(ADAPTER, NAMESPACE, AdapterObjects(pull_secrets=secrets)).access
    assert (access.username, access.source) == (user, source)
    assert access.password == (f"{user}-password" if user else "")
    assert "x-password" not in str(access)


def test_pod_trusts_the_certificates_of_every_secret() -> None:
    secrets = [secret("one", {}, **{"ca.crt": "PEM 1"}), secret("two", {}, **{"ca.crt": "PEM 2"})]
    assert (
        wanted_adapter(
            ADAPTER, NAMESPACE, AdapterObjects(pull_secrets=secrets)
        ).access.ca_certificates
        == "PEM 1\nPEM 2"
    )


def test_pod_gets_the_public_keys_that_an_adapter_must_be_signed_with() -> None:
    signing = secret("signing", {}, **{"cosign.pub": "PEM", "cosign.key": "private"})
    objects = AdapterObjects(verification=signing)
    wanted = wanted_adapter(ADAPTER, NAMESPACE, objects)
    assert wanted.verification.public_keys == "PEM"
    assert wanted.verification.source == f"the Secret {NAMESPACE}/signing"
    assert "private" not in str(wanted)
    assert not wanted_adapter(ADAPTER, NAMESPACE, AdapterObjects()).HasField("verification")


@pytest.mark.parametrize("data", [None, {}], ids=["no Secret", "no key"])
def test_secret_without_a_public_key_demands_a_signature_all_the_same(
    data: dict[str, str] | None,
) -> None:
    objects = AdapterObjects(verification=PullSecret("signing", data))
    wanted = wanted_adapter(ADAPTER, NAMESPACE, objects)
    assert wanted.HasField("verification") and not wanted.verification.public_keys
    assert ("which does not exist" in wanted.verification.source) is (data is None)


def test_pod_trusts_the_certificates_of_the_config_map() -> None:
    objects = AdapterObjects(certificates="PEM 3\n")
    assert wanted_adapter(ADAPTER, NAMESPACE, objects).access.ca_certificates == "PEM 3"


async def test_list_is_sent_with_the_workspaces_token_and_no_secret_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cluster, client = FakeCluster(), FakeAdapterClient(lists={"10.0.0.1": None})  # type: ignore[dict-item]
    data = {".dockerconfigjson": encoded(json.dumps({"auths": {"r.io": entry("hunter")}}))}
    cluster.seed(kinds.SECRET, {"metadata": {"name": "one", "namespace": NAMESPACE}, "data": data})
    sender = AdapterSender(cluster, client, "key")
    caplog.set_level(logging.DEBUG)
    await sender.send(OWNER, PullAdapters("pod-1", "10.0.0.1", (ADAPTER,), "r1"))
    sent = client.lists["10.0.0.1"]
    assert (sent.revision, [each.name for each in sent.adapters]) == ("r1", ["a"])
    assert sent.adapters[0].access.username == "hunter"
    assert client.tokens == {token("key", OWNER)}
    assert "hunter" not in caplog.text
    assert token("key", OWNER) not in caplog.text
    assert "hunter" not in repr(PullSecret("one", data))


async def test_pod_that_does_not_answer_is_no_error() -> None:
    sender = AdapterSender(FakeCluster(), FakeAdapterClient(), "key")
    await sender.send(OWNER, PullAdapters("pod-1", "10.0.0.1", (ADAPTER,), "r1"))


@pytest.mark.parametrize("end", ["-----END EC PRIVATE KEY-----", ""])
def test_a_private_key_in_place_of_the_public_one_does_not_leave_the_controller(end: str) -> None:
    pem = f"-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n{end}"
    objects = AdapterObjects(verification=secret("signing", {}, **{"cosign.pub": pem}))
    given = wanted_adapter(ADAPTER, NAMESPACE, objects).verification.public_keys
    assert "c2VjcmV0" not in given
    assert given.startswith("-----BEGIN EC PRIVATE KEY-----\n")
