"""`keys`, and what the gateway makes of what it writes."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from inference_gateway.keys.keys_folder import KeysFolder
from kaito_kube.kinds import SECRET, Manifest
from tests.kubectl_kaito.console import NOW, Console

SYSTEM = ("-n", "kaito-system")


def create(console: Console, *options: str) -> dict[str, Any]:
    result = console.run("keys", "create", *SYSTEM, "-o", "json", *options)
    assert result.code == 0, result.err
    found: dict[str, Any] = result.json
    return found


def secret(console: Console, name: str = "kaito-api-keys") -> Manifest:
    return console.cluster.get(SECRET, name, "kaito-system")


def document(console: Console, key: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.b64decode(secret(console)["data"][key]))
    return found


def test_a_key_is_shown_once_and_kept_as_a_hash() -> None:
    console = Console()
    result = console.run("keys", "create", *SYSTEM, "--description", "batch jobs")
    text = result.out.strip()
    assert text.startswith("kaito-")
    assert "it is not shown again" in result.err
    listed = console.run("keys", "list", *SYSTEM)
    assert text not in listed.out
    assert text not in json.dumps(secret(console))
    assert text.split("-")[1] in listed.out
    assert "batch jobs" in listed.out


def test_the_gateway_takes_the_key_from_the_mounted_secret(tmp_path: Path) -> None:
    console = Console()
    key = create(console, "--tokens-per-day", "1000", "--dollars-per-month", "2.50")
    other = create(console)
    for name, value in secret(console)["data"].items():
        (tmp_path / name).write_bytes(base64.b64decode(value))
    ring = KeysFolder(tmp_path).read_if_changed()
    assert ring is not None
    policy = ring.find(key["key"], NOW)
    assert policy is not None
    assert [limit.name for limit in policy.limits] == ["tokensPerDay", "dollarsPerMonth"]
    assert ring.find(other["key"], NOW) is not None


def test_every_option_is_in_the_document() -> None:
    console = Console()
    options = (
        *("--allow-model", "default/w", "--allow-model", "style", "--allow-namespace", "team"),
        *("--requests-per-minute", "60", "--requests-per-day", "0", "--tokens-per-minute", "7"),
        *("--tokens-per-month", "9", "--dollars-per-day", "1.5", "--concurrent-requests", "2"),
        *("--priority", "5", "--expires", "90d"),
    )
    key = create(console, *options)
    found = document(console, key["id"])
    assert found.pop("hash").startswith("sha256:")
    assert found == {
        "created": "2026-01-01T12:00:00Z",
        "expires": "2026-04-01T12:00:00Z",
        "models": ["default/w", "style"],
        "namespaces": ["team"],
        "requestsPerMinute": 60,
        "requestsPerDay": 0,
        "tokensPerMinute": 7,
        "tokensPerMonth": 9,
        "dollarsPerDay": "1.5",
        "concurrentRequests": 2,
        "priority": 5,
    }


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--expires", "soon"), "--expires soon: use a span like 90d"),
        (("--expires", "2020-01-01T00:00:00Z"), "a time to come"),
        (("--expires", ""), "--expires : use a span like 90d"),
        (("--expires", "9999-12-31T23:59:59-23:59"), "expires='9999-12-31T23:59:59-23:59': set a"),
        (("--dollars-per-day", "much"), "dollarsPerDay='much': set US dollars"),
        (("--dollars-per-month", ""), "dollarsPerMonth='': set US dollars"),
        (("--dollars-per-day", "1e999999999"), "dollarsPerDay='1e999999999': set US dollars"),
        (
            ("--description", "Gr\udcfc\udcdfe"),
            "'Gr\\udcfc\\udcdfe' is not UTF-8: rename the file, or set the encoding",
        ),
    ],
)
def test_a_wrong_option_is_named(options: tuple[str, ...], says: str) -> None:
    result = Console().run("keys", "create", *SYSTEM, *options)
    assert result.code == 2
    assert says in result.err


def test_a_key_that_was_not_copied_whole_is_revoked_and_not_shown() -> None:
    console = Console()
    key = create(console)
    result = console.run("keys", "revoke", key["key"][:-3], *SYSTEM)
    assert result.out == f"key {key['id']} revoked\n"
    again = console.run("keys", "revoke", key["key"][:-3], *SYSTEM)
    assert f"no key {key['id']} in Secret" in again.err
    assert key["key"][:-3] not in again.err


def test_a_key_is_revoked_by_its_id_or_by_its_text() -> None:
    console = Console()
    first, second, third = create(console), create(console), create(console)
    result = console.run("keys", "revoke", first["id"], second["key"], *SYSTEM)
    assert result.out == f"key {first['id']} revoked\nkey {second['id']} revoked\n"
    assert list(secret(console)["data"]) == [third["id"]]
    again = console.run("keys", "revoke", first["id"], *SYSTEM)
    assert again.code == 4
    assert f"no key {first['id']} in Secret kaito-system/kaito-api-keys" in again.err


@pytest.mark.parametrize("written", ["Bearer {}", '"{}"', "Authorization: Bearer {}\n"])
def test_a_key_that_leaked_is_revoked_however_it_is_written(written: str) -> None:
    console = Console()
    key = create(console)
    assert console.run("keys", "revoke", written.format(key["key"]), *SYSTEM).code == 0
    assert secret(console)["data"] == {}


def test_the_note_on_a_new_key_ends_that_key() -> None:
    console = Console()
    made = console.run("keys", "create", *SYSTEM, "--secret", "more")
    command = made.err.split("`")[1].removeprefix("kubectl kaito ").split()
    assert console.run(*command).out == f"key {made.out.split('-')[1]} revoked\n"


def test_a_document_that_the_gateway_ignores_is_shown_as_invalid() -> None:
    console = Console()
    key = create(console)
    bad = base64.b64encode(b'{"hash": "sha256:x"}').decode()
    console.cluster.patch(SECRET, "kaito-api-keys", "kaito-system", {"data": {key["id"]: bad}})
    result = console.run("keys", "list", *SYSTEM)
    assert result.code == 1
    assert "Invalid" in result.out
    assert "hash must be sha256:" in result.out


def test_an_entry_under_another_name_than_an_id_is_shown_as_invalid(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    console = Console()
    key = create(console)
    # The second is the whole key, by mistake.
    text = secret(console)["data"][key["id"]]
    data = {"team-a": text, key["key"]: text, key["id"]: None}
    console.cluster.patch(SECRET, "kaito-api-keys", "kaito-system", {"data": data})
    result = console.run("keys", "list", *SYSTEM)
    assert result.code == 1
    assert "team-a is no id of a key" in result.out
    assert f"kaito-{key['id']}-... is no id of a key" in result.out
    assert key["key"] not in result.out
    # The gateway says the same.
    for name in ("team-a", key["key"]):
        (tmp_path / name).write_bytes(base64.b64decode(text))
    ring = KeysFolder(tmp_path).read_if_changed()
    assert ring is not None
    assert not ring.policies
    assert [record.message for record in caplog.records] == ["key ignored"] * 2
    assert key["key"] not in "".join(str(record.__dict__) for record in caplog.records)


def test_a_full_secret_says_where_to_put_more_keys() -> None:
    console = Console()
    create(console)
    many = {f"{number:010}": "x" * 1000 for number in range(1000)}
    console.cluster.patch(SECRET, "kaito-api-keys", "kaito-system", {"data": many})
    result = console.run("keys", "create", *SYSTEM)
    assert result.code == 2
    assert "Secret kaito-api-keys is full, with 1001 keys" in result.err
    assert console.run("keys", "create", *SYSTEM, "--secret", "more").code == 0


def test_without_a_release_the_namespace_has_to_be_named() -> None:
    result = Console().run("keys", "list")
    assert result.code == 2
    assert "name its namespace with -n" in result.err


def test_a_secret_that_is_not_there_is_not_found() -> None:
    result = Console().run("keys", "list", *SYSTEM)
    assert result.code == 4
    assert "no Secret kaito-system/kaito-api-keys" in result.err
