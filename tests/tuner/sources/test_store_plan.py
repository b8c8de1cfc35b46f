"""How a bucket is reached."""

import json
from typing import Any

import pytest

from tuner.errors import RunError
from tuner.sources.access_secret import AccessSecret
from tuner.sources.object_location import parse_location
from tuner.sources.store_plan import StorePlan, plan_store

S3 = {"AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": "HIDDEN"}
ABFSS = "abfss://container@account.dfs.core.windows.net/a.csv"
EKS = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "arn", "AWS_REGION": "eu-west-1"}
AKS = {"AZURE_FEDERATED_TOKEN_FILE": "/t", "AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "t"}


def plan(
    url: str, secret: dict[str, str] | None = None, environ: dict[str, str] | None = None
) -> StorePlan:
    kind = {"abfss": "az"}.get(url.partition(":")[0], url.partition(":")[0])
    return plan_store(parse_location(url, kind), AccessSecret("mine", secret or {}), environ or {})


@pytest.mark.parametrize(
    ("url", "secret", "environ", "endpoint", "options"),
    [
        (
            "s3://b/a",
            {},
            {},
            "https://s3.us-east-1.amazonaws.com",
            {"region": "us-east-1", "skip_signature": True},
        ),
        (
            "s3://b/a",
            {**S3, "AWS_REGION": "eu-north-1", "AWS_SESSION_TOKEN": "T"},
            {},
            "https://s3.eu-north-1.amazonaws.com",
            {
                "access_key_id": "KEY",
                "secret_access_key": "HIDDEN",
                "session_token": "T",
                "region": "eu-north-1",
            },
        ),
        (
            "s3://b/a",
            {**S3, "AWS_ENDPOINT_URL": "https://minio.example:9000/"},
            EKS,
            "https://minio.example:9000",
            {"access_key_id": "KEY", "secret_access_key": "HIDDEN", "region": "eu-west-1"},
        ),
        ("s3://b/a", {}, EKS, "https://s3.eu-west-1.amazonaws.com", {"region": "eu-west-1"}),
        (
            "az://container/a",
            {"AZURE_STORAGE_ACCOUNT_NAME": "account", "AZURE_STORAGE_ACCOUNT_KEY": "a2V5"},
            {},
            "https://account.blob.core.windows.net",
            {"account_name": "account", "account_key": "a2V5"},
        ),
        (
            ABFSS,
            {"sas": "?sig=x"},
            {},
            "https://account.blob.core.windows.net",
            {"account_name": "account", "sas_key": "sig=x"},
        ),
        (ABFSS, {}, AKS, "https://account.blob.core.windows.net", {"account_name": "account"}),
        (
            "abfss://container@account.dfs.core.chinacloudapi.cn/a",
            {},
            {},
            "https://account.blob.core.chinacloudapi.cn",
            {"account_name": "account", "skip_signature": True},
        ),
        ("gs://b/a", {}, EKS, "https://storage.googleapis.com", {"skip_signature": True}),
    ],
)
def test_bucket_is_reached_by(
    url: str,
    secret: dict[str, str],
    environ: dict[str, str],
    endpoint: str,
    options: dict[str, Any],
) -> None:
    made = plan(url, secret, environ)
    assert made.endpoint == endpoint
    addresses = {"endpoint", "base_url"}
    assert {k: v for k, v in made.options.items() if k not in addresses} == options
    assert addresses & set(made.options)
    assert made.signs is not ("skip_signature" in options or "sas_key" in options)
    assert bool(made.credential) is ("skip_signature" not in options)
    assert "HIDDEN" not in repr(made)


def test_key_of_a_service_account_is_cut_to_what_a_signature_needs() -> None:
    """Its other keys are addresses that a client might follow."""
    given = {"private_key": "P", "client_email": "me", "gcs_base_url": "http://169.254.169.254"}
    made = plan("gs://b/a", {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(given)})
    assert json.loads(str(made.options["service_account_key"])) == {
        "private_key": "P",
        "client_email": "me",
        "private_key_id": "",
    }
    assert made.options["base_url"] == "https://storage.googleapis.com"


@pytest.mark.parametrize(
    ("url", "secret", "problem"),
    [
        ("s3://b/a", {"AWS_REGION": "evil.example/"}, "key AWS_REGION of Secret 'mine' "),
        ("s3://b/a", {"AWS_ENDPOINT_URL": "minio:9000"}, "is 'minio:9000', which is not a URL"),
        ("s3://b/a", {"AWS_ENDPOINT_URL": "https://u:p@h"}, "AWS_ENDPOINT_URL of Secret"),
        ("az://container/a", {}, "names no account: write CONTAINER@ACCOUNT.HOST"),
        ("az://c/a", {"AZURE_STORAGE_ACCOUNT_NAME": "a/../b"}, "is not the name of an account"),
        ("gs://b/a", {"GOOGLE_SERVICE_ACCOUNT_KEY": "HIDDEN"}, "not the JSON key of a service ac"),
        ("gs://b/a", {"GOOGLE_SERVICE_ACCOUNT_KEY": "{}"}, "not the JSON key of a service account"),
    ],
)
def test_unusable_value_is_named_by_its_key(url: str, secret: dict[str, str], problem: str) -> None:
    with pytest.raises(RunError) as caught:
        plan(url, secret)
    assert problem in caught.value.message
    assert "HIDDEN" not in caught.value.message
    assert not caught.value.retryable


def test_url_of_a_public_object() -> None:
    assert plan("s3://b/x").url("a b/ä#1") == (
        "https://s3.us-east-1.amazonaws.com/b/a%20b/%C3%A4%231"
    )
    assert plan(ABFSS, {"sas": "sig=x"}).url("a") == (
        "https://account.blob.core.windows.net/container/a?sig=x"
    )
