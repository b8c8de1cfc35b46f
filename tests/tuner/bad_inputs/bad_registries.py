"""Bad push secrets, and registries that refuse."""

import json

from kaito_registry import fake
from kaito_registry.fake import FakeRegistry
from kaito_registry.media_types import MANIFEST_TYPE
from tests.tuner.bad_inputs.bad_input import RegistryInput, refuse_tag
from tuner.reasons import Reason


def _taken(registry: FakeRegistry) -> None:
    document = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": {}, "layers": []}
    registry.manifests["1"] = json.dumps(document).encode()


def _proxy_page(registry: FakeRegistry) -> None:
    page = b"<html><title>Access denied</title>Zscaler</html>"
    registry.failures = [
        fake.Answer(status=403, body=page, headers={"Content-Type": "text/html"})
    ] * 50


BAD_REGISTRIES = (
    RegistryInput(
        title="a secret that is no JSON",
        reason=Reason.PUSH_UNAUTHORIZED,
        says=("push-secret", "JSON"),
        secret="user:password",
    ),
    RegistryInput(
        title="a secret for another registry",
        reason=Reason.PUSH_UNAUTHORIZED,
        says=("push-secret", "{host}"),
        secret='{"auths": {"other.example.com": {"auth": "dXNlcjpzZWNyZXQ="}}}',
    ),
    RegistryInput(
        title="a wrong password",
        reason=Reason.PUSH_UNAUTHORIZED,
        says=("push-secret", "{host}"),
        secret='{"auths": {"{host}": {"username": "user", "password": "wrong"}}}',
    ),
    RegistryInput(
        title="a credential helper",
        reason=Reason.PUSH_UNAUTHORIZED,
        says=("credsStore", "desktop"),
        secret='{"credsStore": "desktop"}',
    ),
    RegistryInput(
        title="auth that is no base64",
        reason=Reason.PUSH_UNAUTHORIZED,
        says=("push-secret",),
        secret='{"auths": {"{host}": {"auth": "%%%"}}}',
    ),
    RegistryInput(
        title="an image without a repository",
        reason=Reason.PUSH_FAILED,
        says=("tuning.output.image", "{host}:1"),
        image="{host}:1",
    ),
    RegistryInput(
        title="an image in upper case",
        reason=Reason.PUSH_FAILED,
        says=("Team",),
        image="{host}/Team/Adapter:1",
    ),
    RegistryInput(
        title="a tag of somebody else",
        reason=Reason.PUSH_FAILED,
        says=("tag",),
        prepare=_taken,
    ),
    RegistryInput(
        title="an immutable tag",
        reason=Reason.PUSH_FAILED,
        says=("another tag",),
        prepare=refuse_tag(409, "TAG_INVALID", "tag is immutable"),
    ),
    RegistryInput(
        title="a quota",
        reason=Reason.PUSH_FAILED,
        says=("quota exceeded",),
        prepare=refuse_tag(413, "SIZE_INVALID", "quota exceeded"),
    ),
    RegistryInput(
        title="a proxy in the way",
        reason=Reason.REGISTRY_UNREACHABLE,
        says=("proxy",),
        prepare=_proxy_page,
    ),
    RegistryInput(
        title="a registry that only speaks plain HTTP",
        reason=Reason.REGISTRY_UNREACHABLE,
        says=("{host}",),
        insecure=False,
    ),
    RegistryInput(
        title="a registry that is not there",
        reason=Reason.REGISTRY_UNREACHABLE,
        says=("127.0.0.1:1",),
        image="127.0.0.1:1/team/adapter:1",
    ),
)
