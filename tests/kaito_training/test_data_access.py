"""Which Secrets open which URLs."""

import pytest

from kaito_training.data_access import KINDS, WAYS, find_access_problem

HTTPS = ["https://h/a"]
S3 = ["s3://b/a"]


@pytest.mark.parametrize(
    ("urls", "keys"),
    [
        (HTTPS, {"token"}),
        (HTTPS, {"username", "password"}),
        (HTTPS, {"sas", "something-else"}),
        (HTTPS, {"header-X-Api-Key"}),
        (["https://h:8443/a", "https://me@h:8443/b"], {"token"}),
        (["https://h/a", "https://i/b"], {"token", "hosts"}),
        (S3, {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}),
        (S3, {"AWS_ENDPOINT_URL"}),
        (["abfss://c@a.dfs.core.windows.net/x"], {"AZURE_STORAGE_ACCOUNT_KEY"}),
        (["az://c/x"], {"AZURE_STORAGE_SAS_TOKEN", "AZURE_CLIENT_ID"}),
        (["gs://b/x"], {"GOOGLE_SERVICE_ACCOUNT_KEY"}),
        (["hf://datasets/o/n"], {"HF_TOKEN"}),
        (["hf://datasets/o/n"], {"token"}),
        # A public file beside a private one.
        ([*S3, *HTTPS], {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}),
    ],
)
def test_secret_opens_the_urls(urls: list[str], keys: set[str]) -> None:
    assert find_access_problem(urls, keys) is None


@pytest.mark.parametrize(
    ("urls", "keys", "problem"),
    [
        (HTTPS, (), "has none of the keys that open these URLs: token, username and password, sas"),
        (HTTPS, ("Token",), "has none of the keys"),
        (HTTPS, ("username",), "has username, but no key password"),
        (HTTPS, ("header-",), "has none of the keys"),
        (S3, ("token",), "has none of the keys that open these URLs: AWS_ACCESS_KEY_ID and AWS_S"),
        (S3, ("AWS_ACCESS_KEY_ID",), "has AWS_ACCESS_KEY_ID, but no key AWS_SECRET_ACCESS_KEY"),
        (
            ["az://c/x"],
            ("AZURE_CLIENT_ID", "AZURE_TENANT_ID"),
            "has AZURE_CLIENT_ID and AZURE_TENANT_ID, but no key AZURE_CLIENT_SECRET",
        ),
        (
            ["https://h/a", "https://i/b"],
            ("token",),
            "does not say which of the 2 hosts (h, i) its credentials are for: list those in its "
            "key hosts",
        ),
    ],
)
def test_secret_that_does_not_open_the_urls_is_described(
    urls: list[str], keys: tuple[str, ...], problem: str
) -> None:
    assert (find_access_problem(urls, keys) or "").startswith(problem)


def test_every_kind_of_source_has_a_way_in() -> None:
    assert set(WAYS) == set(KINDS.values())
