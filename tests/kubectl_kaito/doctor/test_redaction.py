"""Which texts are secrets, and which only speak of one."""

import pytest

from kubectl_kaito.doctor.redaction import redact, redact_text
from kubectl_kaito.doctor.secret_prose import MASK

S = "s3cr3tVALUE9"


@pytest.mark.parametrize(
    "text",
    [
        f"the password is {S}",
        f"password was '{S}' and failed",
        "the password is correcthorse",
        "log in with password hunterhunter please",
        f"use passphrase {S}.",
        f"pwd is {S}, user me",
        f"with the token {S}",
        f"with token {S} for user x",
        f"the API key is {S}",
        f"api key {S}",
        f"API_KEY {S}",
        f"my token: {S}",
        f"token -> {S}",
        f"secret is {S}",
        f"the secret key {S}",
        f"client_secret {S}",
        f"the access key was set to {S}",
        f"wandb key {S}",
        f"PAT {S}",
        f"credentials me:{S}",
        f"the credentials are me / {S}",
        f"pw={S}",
        f"passcode={S}",
        f"<password>{S}</password>",
        f"<ns:apiKey>{S}</ns:apiKey>",
        f"docker login r.io -u me -p {S}",
        f"helm registry login r.io -p {S}",
        f"mysql -h db -p{S}",
        f"redis-cli -a {S} ping",
        f"wandb login {S}",
        f"Incorrect API key provided: {S}.",
        f"token => {S}",
        f"AWS_SECRET_ACCESS_KEY {S}",
        f"BlobEndpoint=https://a/;sas={S}",
    ],
)
def test_a_secret_in_a_sentence_is_taken_away(text: str) -> None:
    shown = redact_text(text)
    assert MASK in shown
    for secret in (S, "correcthorse", "hunterhunter"):
        assert secret not in shown


@pytest.mark.parametrize(
    "text",
    [
        f"postgres://me:{S}@db/x",
        f"mysql://me:pa/{S}@db:3306/x",
        f"redis://:{S}@cache:6379/0",
        f"mongodb+srv://me:{S}@db/x?retryWrites=true",
        f"Server=tcp:db;User ID=me;Password={S};Encrypt=true",
        f"jdbc:sqlserver://db;user=me;password={S}",
        f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={S}==;EndpointSuffix=x",
        f"Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey={S}=",
        f"SharedAccessSignature=sv=2024&sig={S}%3D&se=1",
        f"GET /c/b?sv=2024-11-04&se=2026&sig={S}%2Babc%3D",
        f"Authorization: Bearer {S}.{S}",
        f"authorization header Bearer {S}",
        f"-H 'x-api-key: {S}'",
        f"x-functions-key: {S}",
        f"Ocp-Apim-Subscription-Key: {S}",
        f"Cookie: session=a1; other={S}",
        f"Set-Cookie: sid={S}; Path=/",
        f"kubectl create secret generic x --from-literal=password={S}",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{S}\n-----END OPENSSH PRIVATE KEY-----",
        f"PuTTY-User-Key-File-2: ssh-rsa\nPrivate-Lines: 1\n{S}\nPrivate-MAC: ab",
    ],
)
def test_a_secret_in_a_connection_is_taken_away(text: str) -> None:
    assert S not in redact_text(text)


# In two parts, so that no scanner of this repository takes them for real.
@pytest.mark.parametrize(
    ("maker", "rest"),
    [
        ("hf", "_abcdefghijklmnop"),
        ("api_org", "_abcdefghijklmnopqrst"),
        ("gho", "_16C7e42F292c6912E7710c838347Ae178B4a"),
        ("github_pat", "_11ABCDEFG0abcdefgh"),
        ("glpat", "-abcdefghijklmnop1234"),
        ("npm", "_abcdefghijklmnopqrstuvwxyz0123456789"),
        ("pypi", "-AgEIcHlwaS5vcmcCJDU3"),
        ("abc8", "Q~Df3kLm9pQrStUvWxYz0123456789_-ABC"),
        ("dapi", "0123456789abcdef0123456789abcdef"),
        ("AKIA", "IOSFODNN7EXAMPLE"),
        ("AIza", "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY"),
        ("ya29", ".A0ARrdaM-abcdefghijk"),
        ("sk", "-proj-abcdefghijklmnop"),
        ("sk", "-ant-api03-abcdefghijkl"),
        ("nvapi", "-abcdefghijklmnopqrstuvwxyz0123456789"),
        ("gsk", "_abcdefghijklmnopqrstuvwxyz0123456789"),
        ("r8", "_abcdefghijklmnopqrstuvwxyz0123456789A"),
        ("lsv2_pt", "_0123456789abcdef0123456789abcdef_0123456789"),
        ("xoxb", "-123456789012-abcdef"),
        ("xapp", "-1-A123-456-abcdef"),
        ("hooks.slack", ".com/services/T000/B000/XXXXXXXXXXXX"),
        ("team.webhook", ".office.com/webhookb2/abc@def/IncomingWebhook/ghi"),
        ("sk_live", "_abcdefghijklmnop"),
        ("whsec", "_abcdefghijklmnopqrstuvwx"),
        ("SG", ".abcdefghijklmnopqrstuv.abcdefghijklmnopqrstuvwxyz"),
        ("hvs", ".CAESIabcdefghijklmnop"),
        ("AGE-SECRET-KEY", "-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"),
        ("dop_v1", "_" + "a" * 64),
        ("eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
        ("a" * 40, "B" * 46 + "=="),
        ("kaito-x7v2k9q1mz", f"-{'A1b2C3d4' * 4}AbCdEf"),
    ],
)
def test_a_key_of_a_known_maker_is_taken_away_wherever_it_stands(maker: str, rest: str) -> None:
    for around in ("it failed with {} just now", "https://example.com/{}", "[{}]"):
        shown = redact_text(around.format(maker + rest))
        assert rest[1:13] not in shown
        assert MASK in shown


@pytest.mark.parametrize(
    "text",
    [
        "27 tokens per second, max_tokens=2048, tokens: 2048, tokens_per_second=31.4",
        '{"maxTokens": "2048", "prompt_tokens": 12}',
        "token count 2048",
        "special tokens file tokenizer.json",
        "the token is invalid",
        "token expired, password was not accepted",
        "password authentication failed for user me",
        "no password is set, and the API key is missing",
        "no credentials for registry r.io",
        "credentials for r.io were rejected",
        'secret "push2" not found',
        "couldn't find key x2y in Secret team/push2",
        "the Secret team/push does not exist",
        "key sha256:" + "a" * 64,
        "registry.io/team/x@sha256:" + "a" * 64,
        "ConfigMap key training_config.yaml",
        "https://h:8443/a@b/c",
        "step 10/100 loss 0.5, passed 12 tests in bypass mode",
    ],
)
def test_what_only_speaks_of_secrets_stays(text: str) -> None:
    assert redact_text(text) == text


def test_the_id_of_a_key_stays() -> None:
    key = f"kaito-x7v2k9q1mz-{'A1b2C3d4' * 4}AbCdEf"
    assert redact_text(f"key {key} is unknown") == f"key kaito-x7v2k9q1mz-{MASK} is unknown"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"args": ["curl", "-u", f"me:{S}"]}, {"args": ["curl", "-u", f"me:{MASK}"]}),
        ({"args": ["--user", f"me:{S}"]}, {"args": ["--user", f"me:{MASK}"]}),
        ({"args": ["-u", "1000"]}, {"args": ["-u", "1000"]}),
        ({"args": ["--token", S]}, {"args": ["--token", MASK]}),
        ({"passwords": [S]}, {"passwords": [MASK]}),
        (
            {"passphrase": S, "pass": S, "bearer": S},
            dict.fromkeys(("passphrase", "pass", "bearer"), MASK),
        ),
    ],
)
def test_a_field_or_an_argument_that_holds_a_secret_is_taken_away(
    value: object, shown: object
) -> None:
    assert redact(value) == shown


@pytest.mark.parametrize(
    "piece", ["a", "a-", "key-", "--a", "=a", "token ", "a@", "x:", "'", "<a", "eyJ"]
)
def test_a_long_line_is_read_once(piece: str) -> None:
    # With a name of any length in front of "token", this took hours.
    text = piece * (50_000 // len(piece))
    assert redact_text(f"{text}\npassword={S}\n").endswith(f"password={MASK}\n")
