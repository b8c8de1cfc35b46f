"""Which sources of data the API server itself accepts and refuses."""

from typing import Any

import pytest

from kaito_kube import kinds
from tests.workspace_controller.apiserver.sandbox import Sandbox
from tests.workspace_controller.given import tuning, tuning_workspace
from tools.local_cluster.control_plane.kube_api import ApiError

DIGEST = "0123456789abcdefABCDEF" + "0" * 42
URL = "https://data.example/train.parquet"

ACCEPTED: dict[str, dict[str, Any]] = {
    "as many URLs as are allowed": {"urls": [f"{URL}?{number}" for number in range(32)]},
    "digest": {"urls": [f"{URL}#sha256={DIGEST}"], "accessSecret": "my.secret"},
    "http": {"urls": ["http://data.example/a"]},
    "s3": {"urls": ["s3://bucket/folder/*.parquet"]},
    "gs": {"urls": ["gs://bucket/folder/"]},
    "az": {"urls": ["az://container/a.csv", "abfss://c@account.dfs.core.windows.net/a.csv"]},
    "hf": {"urls": ["hf://datasets/org/name@refs/convert/parquet/main"]},
    "image": {"image": "registry/data:1", "imagePullSecrets": ["pull"]},
    "ConfigMap": {"volumeSource": {"configMap": {"name": "data"}}},
    "claim": {"volumeSource": {"persistentVolumeClaim": {"claimName": "x", "readOnly": True}}},
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "scheme": ({"urls": ["ftp://h/a"]}, "every entry must be an https://, http://, s3://"),
    "model of the hub": ({"urls": ["hf://org/name"]}, "or hf://datasets/ URL"),
    "twice": ({"urls": [URL, URL]}, f'urls[1]: Duplicate value: "{URL}"'),
    "name of a Secret": ({"urls": [URL], "accessSecret": "My_Secret"}, "not the name of a Secret"),
    "access secret of an image": (
        {"image": "registry/data:1", "accessSecret": "s"},
        "accessSecret opens urls; an image is pulled with imagePullSecrets",
    ),
    "volume and URLs": (
        {"urls": [URL], "volumeSource": {"emptyDir": {}}},
        "set exactly one of urls, image and volumeSource",
    ),
}


def create(sandbox: Sandbox, source: dict[str, Any]) -> None:
    workspace = tuning_workspace(tuning=tuning(input=source))
    workspace["metadata"]["namespace"] = sandbox.namespace
    sandbox.create(kinds.WORKSPACE, workspace)


@pytest.mark.parametrize("source", ACCEPTED.values(), ids=ACCEPTED)
def test_source_is_accepted(sandbox: Sandbox, source: dict[str, Any]) -> None:
    create(sandbox, source)


@pytest.mark.parametrize(("source", "message"), REFUSED.values(), ids=REFUSED)
def test_source_is_refused_with_the_remedy(
    sandbox: Sandbox, source: dict[str, Any], message: str
) -> None:
    with pytest.raises(ApiError, match=r"tuning\.input") as caught:
        create(sandbox, source)
    assert message in str(caught.value)
