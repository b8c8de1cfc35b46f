"""What a token server answers, and where a registry says that it is."""

import httpx2
import pytest

from kaito_process.retry_policy import RetryPolicy
from kaito_registry.pull import resolve
from kaito_registry.reference import parse_reference
from kaito_registry.registry_client import RegistryClient
from kaito_registry.repository_reader import RepositoryReader
from tests.kaito_registry.test_pull import GOOD, Errors, Refused

REFERENCE = parse_reference("r.io/team/a:1")
REALM = "https://auth.io/token"
LOOP = httpx2.Response(307, headers={"Location": REALM})


def refusal(realm: str, token: httpx2.Response) -> str:
    """What the user reads if the registry names that token server, and it answers so."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "r.io":
            return httpx2.Response(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})
        return token

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
        registry = RegistryClient(
            client=client,
            reference=REFERENCE,
            credentials=GOOD,
            insecure=False,
            errors=Errors(),
        )
        policy = RetryPolicy(max_attempts=2, sleep=lambda _: None, clock=lambda: 0.0)
        with pytest.raises(Refused) as caught:
            resolve(RepositoryReader(client=registry, retry_policy=policy), REFERENCE)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[]", "its answer is not a JSON object"),
        (b"null", "its answer is not a JSON object"),
        (b"[" * 100_000, "its answer is nested too deeply"),
        ('{"token": "t\u00f6k"}'.encode(), "its token is not ASCII"),
        (b'{"token": "\\ud800"}', "its token is not ASCII"),
    ],
    ids=["list", "null", "nested", "umlaut", "half a character"],
)
def test_an_answer_without_a_token_is_the_token_servers_failure(
    content: bytes, problem: str
) -> None:
    found = refusal(REALM, httpx2.Response(200, content=content))
    assert found == f"unreachable: its token server failed: {problem}"


def test_a_token_server_that_redirects_without_an_end_is_named() -> None:
    assert refusal(REALM, LOOP).startswith("unreachable: its token server failed: Exceeded max")


@pytest.mark.parametrize("realm", ["https://[::bad/t", "https://auth.io:abc/t", "https://a/\x01"])
def test_a_registry_that_names_no_address_is_refused(realm: str) -> None:
    found = refusal(realm, httpx2.Response(200, json={"token": "t"}))
    assert found.startswith("refused: it names an address that is none (Invalid ")
