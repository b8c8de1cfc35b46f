"""The adapters that are served with a model."""

from kaito_api.workspace import Tuning
from tests.workspace_controller.given import inference_workspace, observation, stored, tuning
from workspace_controller.plan.serving.adapters import own_adapter


def test_adapter_in_a_volume_is_in_the_trainers_directory() -> None:
    spec = Tuning.model_validate(tuning(output={"volumeSource": {"emptyDir": {}}}))
    adapter = own_adapter(observation(stored(inference_workspace())), spec, "")
    assert (adapter.name, adapter.volume, adapter.subpath) == ("ws", {"emptyDir": {}}, "adapter")
