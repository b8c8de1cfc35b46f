"""A support archive holds what helps, and no secret, wherever one was put."""

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.kinds import Key
from kubectl_kaito.doctor.redaction import redact, redact_text
from kubectl_kaito.doctor.secret_prose import MASK
from tests.kubectl_kaito.console import Console
from tests.kubectl_kaito.doctor.test_doctor import fake, sound

S = "s3cr3t"
PLANTED = [
    f"hf_{S}AbCdEfGh",
    f"ghp_{S}AbCdEfGhIjKl",
    f"eyJhbGciOi{S}.eyJzdWIiOi{S}.c2ln{S}",
    f"Password{S}",
    f"sig{S}",
]
HF, GITHUB, JWT, PASSWORD, SIGNATURE = PLANTED
OWN = {labels.WORKSPACE: "ws"}


def plant(console: Console) -> None:
    """Secrets in every field of which a user once thought that it was a good place."""
    store = fake(console).store
    secret = {"metadata": {"name": "push", "namespace": "team"}, "data": {"x": PASSWORD}}
    store.seed(kinds.SECRET, secret)
    url = f"https://me:{PASSWORD}@data.example/train.jsonl?sig={SIGNATURE}&sp=r"
    workspace = {
        "metadata": {
            "name": "ws",
            "namespace": "team",
            "managedFields": [{"fieldsV1": {"x": JWT}}],
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"t": HF}),
                "example.com/api-token": GITHUB,
                "note": f"use the header Authorization: Bearer {JWT}",
            },
        },
        "tuning": {
            "input": {"urls": [url], "accessSecret": "data-secret"},
            "output": {"imagePushSecret": "push"},
        },
        "inference": {"template": {"spec": {"containers": [container()]}}},
        "status": {"conditions": [condition(f"fetching {url} failed, token={HF}")]},
    }
    store.seed(kinds.WORKSPACE, workspace)
    pod = {
        "metadata": {"name": "ws-0", "namespace": "team", "labels": OWN},
        "spec": {"containers": [container()]},
        "status": {"conditions": [condition(f"curl {url}")]},
    }
    store.seed(kinds.POD, pod)
    event = {
        "metadata": {"name": "e", "namespace": "team"},
        "message": f'Failed to pull: {{"password": "{PASSWORD}"}}',
    }
    store.seed(kinds.CORE_EVENT, event)
    claim = {
        "metadata": {"name": "wsx", "labels": OWN},
        "status": {"conditions": [condition(f"AccountKey={PASSWORD};EndpointSuffix=x")]},
    }
    store.seed(kinds.MACHINE, claim)
    fake(console).logs[(Key("team", "ws-0"), "server", False)] = (
        f"loading\nAuthorization: Bearer {JWT}\nHF_TOKEN={HF}\nPUT {url}\n"
        f"-----BEGIN RSA PRIVATE KEY-----\n{PASSWORD}\n-----END RSA PRIVATE KEY-----\nready\n"
    )
    fake(console).logs[(Key("team", "ws-0"), "server", True)] = f"git clone x:{GITHUB}@host\n"


def condition(message: str) -> dict[str, str]:
    return {"type": "Launched", "status": "False", "reason": "X", "message": message}


def container() -> dict[str, Any]:
    return {
        "name": "server",
        "image": "registry.local/x@sha256:" + "a" * 64,
        "args": [f"--api-key={PASSWORD}", "--token", PASSWORD, f"--header=Bearer {JWT}"],
        "env": [
            {"name": "HF_TOKEN", "value": HF},
            {"name": "HARMLESS", "value": PASSWORD},
            {"name": "KAITO_ADMINISTRATION_TOKEN", "value": PASSWORD},
            {"name": "KAITO_REGION", "value": "eastus"},
            {"name": "REF", "valueFrom": {"secretKeyRef": {"name": "push", "key": "k"}}},
        ],
    }


def bundle(console: Console, folder: Path) -> dict[str, str]:
    path = folder / "support.tar.gz"
    result = console.run("doctor", "--bundle", str(path))
    assert f"{path} written: look through it before you send it." in result.err, result
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as tar:
        return {
            member.name: (tar.extractfile(member) or io.BytesIO()).read().decode() for member in tar
        }


def test_no_secret_is_in_the_archive_wherever_it_was_planted(tmp_path: Path) -> None:
    console = sound()
    plant(console)
    files = bundle(console, tmp_path)
    everything = "\n".join(files.values())
    assert S not in everything, [line for line in everything.splitlines() if S in line]
    for planted in PLANTED:
        assert planted not in everything
    assert not any("secrets" in name for name in files)
    assert not any(call.kind == kinds.SECRET for call in fake(console).store.calls)


def test_what_helps_is_in_the_archive(tmp_path: Path) -> None:
    console = sound()
    plant(console)
    files = bundle(console, tmp_path)
    (workspace,) = json.loads(files["kaito-support/objects/workspaces.json"])
    assert workspace["tuning"]["input"]["accessSecret"] == "data-secret"
    assert workspace["tuning"]["output"]["imagePushSecret"] == "push"
    assert workspace["tuning"]["input"]["urls"] == [
        f"https://{MASK}@data.example/train.jsonl?{MASK}"
    ]
    (pod,) = json.loads(files["kaito-support/objects/pods.json"])
    assert pod["spec"]["containers"][0]["image"].endswith("@sha256:" + "a" * 64)
    assert {"name": "KAITO_REGION", "value": "eastus"} in pod["spec"]["containers"][0]["env"]
    log = files["kaito-support/logs/team/ws-0/server.log"]
    assert log.startswith("loading\n") and log.endswith("ready\n")
    names = [
        finding["check"] for finding in json.loads(files["kaito-support/doctor.json"])["findings"]
    ]
    assert "Workspace CRD" in names
    crds = json.loads(files["kaito-support/objects/crds.json"])
    assert {"workspaces.kaito.sh", "machines.karpenter.sh"} <= {c["metadata"]["name"] for c in crds}
    assert json.loads(files["kaito-support/versions.json"])["kubernetes"] == "v1.36.1"


def test_what_may_not_be_read_is_named_in_the_archive(tmp_path: Path) -> None:
    console = sound()
    fake(console).denied = {kinds.NODE}
    files = bundle(console, tmp_path)
    assert json.loads(files["kaito-support/versions.json"])["notRead"] == ["nodes"]


def test_a_file_that_cannot_be_written_says_so() -> None:
    result = sound().run("doctor", "--bundle", "/nonexistent/x.tar.gz")
    assert result.code == 2
    assert "/nonexistent/x.tar.gz cannot be written: No such file" in result.err


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    result = sound().run("doctor", "--bundle", str(pipe))
    assert (result.code, result.err) == (
        2,
        f"error: {pipe} cannot be written: it is not a regular file\n",
    )
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_name_that_is_too_long_says_so(tmp_path: Path) -> None:
    result = sound().run("doctor", "--bundle", str(tmp_path / ("a" * 250)))
    assert result.code == 2
    assert "cannot be written: File name too long" in result.err


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("step 5 of 9, 120 tokens/s", "step 5 of 9, 120 tokens/s"),
        ("needs 6 vCPUs, 0 left in eastus", "needs 6 vCPUs, 0 left in eastus"),
        ("see https://aka.ms/x", "see https://aka.ms/x"),
        ("https://h/f#sha256=ab", "https://h/f#sha256=ab"),
        ("password: hunter2, user: me", f"password: {MASK}, user: me"),
        ('{"token":"abc"}', f'{{"token":"{MASK}"}}'),
        ("Authorization: Basic dXNlcjpwYXNz", f"Authorization: {MASK}"),
        ("-----BEGIN PRIVATE KEY-----\nabc", MASK),
        ("AKIAIOSFODNN7EXAMPLE", MASK),
        ("authors: me, 3 passed: yes", "authors: me, 3 passed: yes"),
        (r"{\"password\":\"abc\",\"b\":\"c\"}", rf"{{\"password\":\"{MASK}\",\"b\":\"c\"}}"),
        ('password="two words", b', f'password="{MASK}", b'),
        (r'"token": "a\"b", "c": 1', f'"token": "{MASK}", "c": 1'),
        ('{"auth": "dXNl"}', f'{{"auth": "{MASK}"}}'),
        ("pass=abc pwd=def", f"pass={MASK} pwd={MASK}"),
        ("run --token abc --steps 3", f"run --token {MASK} --steps 3"),
        ("run --token --steps 3", "run --token --steps 3"),
        ("curl -u me:abc https://h", f"curl -u me:{MASK} https://h"),
        ("Cookie: a=b", f"Cookie: {MASK}"),
    ],
)
def test_text_is_masked_where_it_may_be_secret_and_only_there(text: str, shown: str) -> None:
    assert redact_text(text) == shown


@pytest.mark.parametrize(
    ("manifest", "shown"),
    [
        ({"data": {"a": "x"}}, {"data": {"a": MASK}}),
        ({"imagePullSecrets": ["acr"]}, {"imagePullSecrets": ["acr"]}),
        ({"imagePullSecrets": [{"name": "acr"}]}, {"imagePullSecrets": [{"name": "acr"}]}),
        ({"verificationSecret": "cosign"}, {"verificationSecret": "cosign"}),
        ({"apiKey": "x", "count": 3}, {"apiKey": MASK, "count": 3}),
        ({"managedFields": []}, {}),
    ],
)
def test_fields_are_masked_by_their_name(manifest: object, shown: object) -> None:
    assert redact(manifest) == shown
