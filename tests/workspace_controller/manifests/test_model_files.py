"""The model's files in a pod, where its node keeps them for the next one."""

from pathlib import Path

from kaito_presets.preset import Runtime
from tests.workspace_controller.manifests.pod_builders import env_of, model_pod, mounts_of, source
from workspace_controller.manifests.pods import MODEL_PATH, NodeFolder
from workspace_controller.settings import ModelDelivery

FOLDER = NodeFolder(root="/var/lib/kaito/models", path="team-a/org--model--c0ffee--1")
KEPT = model_pod(
    model=source(delivery=ModelDelivery.HUB, cache=FOLDER),
    engine=Runtime.VLLM,
    vllm_arguments=("/mnt/model",),
)
DOWNLOAD, ENGINE = KEPT["initContainers"]


def test_the_folder_is_on_the_node_and_only_the_download_writes_to_it() -> None:
    (volume,) = (each for each in KEPT["volumes"] if each["name"] == "model")
    assert volume["hostPath"] == {"path": FOLDER.root, "type": "DirectoryOrCreate"}
    writers = [
        container["name"]
        for container in (*KEPT["initContainers"], *KEPT["containers"])
        for mount in container["volumeMounts"]
        if mount["name"] == "model" and not mount.get("readOnly")
    ]
    assert writers == ["model-download"]


def test_what_serves_sees_its_own_model_and_no_other() -> None:
    for container in (ENGINE, KEPT["containers"][0]):
        assert mounts_of(container)[MODEL_PATH] == {
            "name": "model",
            "mountPath": MODEL_PATH,
            "readOnly": True,
            "subPath": FOLDER.path,
        }


def test_the_download_is_the_only_root_and_has_no_capability() -> None:
    """The kubelet creates the folder for root."""
    assert DOWNLOAD["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsUser": 0,
        "runAsGroup": 0,
        "runAsNonRoot": False,
    }
    for container in (ENGINE, *KEPT["containers"]):
        assert "runAsUser" not in container["securityContext"]
    assert KEPT["securityContext"]["runAsNonRoot"] is True


def test_the_download_writes_where_the_others_read() -> None:
    env = env_of(DOWNLOAD)
    root = Path(env["KAITO_MODEL_CACHE"])
    assert mounts_of(DOWNLOAD)[str(root)]["name"] == "model"
    assert Path(env["KAITO_MODEL_PATH"]) == root / FOLDER.path


def test_without_the_node_the_log_says_why() -> None:
    pod = model_pod(model=source(delivery=ModelDelivery.HUB, uncached="because"))
    (download,) = pod["initContainers"]
    assert env_of(download)["KAITO_MODEL_UNCACHED"] == "because"
    assert {"name": "model", "emptyDir": {}} in pod["volumes"]


def test_the_program_needs_nothing_of_this_package() -> None:
    program = DOWNLOAD["command"][-1]
    assert "import workspace_controller" not in program
    assert "from workspace_controller" not in program
    # As one argument of a process, Linux takes 128 KiB.
    assert len(program.encode()) < 100 * 2**10
