"""What the tuner writes down for itself agrees with the control plane, which it cannot import."""

from dataclasses import asdict

import pytest

from kaito_api import reasons
from tests.charts.render import find, render
from tests.recording_environment import RecordingEnvironment
from tests.workspace_controller.manifests.pod_builders import env_of, pod_of, tuning_pod
from tuner.config import load
from tuner.reasons import RETRYABLE, Reason
from tuner.registry import image
from tuner.settings import Method, Settings
from tuner.tracking.selection import TRACKERS
from workspace_controller.manifests import access_secret, pods, tuning_job
from workspace_controller.plan.spec import TRACKING_VARIABLES

# The Job sets these from the Workspace; the tuner's defaults are for runs without Kubernetes.
FROM_THE_WORKSPACE = {
    "workspace",
    "namespace",
    "base_model",
    "hub_id",
    "license",
    "instance_type",
    "model_parameters",
    "method",
    "data_urls",
    "access_secret_name",
    "output_image",
    "push_secret_name",
    "insecure_registries",
    "target_modules",
}


def test_every_reason_of_the_tuner_is_explained() -> None:
    explained = {(reason.name, reason.value) for reason in reasons.Reason}
    assert {(reason.name, reason.value) for reason in Reason} <= explained


def test_the_tuner_retries_exactly_the_reasons_that_are_not_permanent() -> None:
    assert {reason for reason in Reason if not reasons.is_permanent(reason.value)} == RETRYABLE


def test_the_job_sets_only_variables_that_the_tuner_reads() -> None:
    environment = RecordingEnvironment()
    Settings.from_env(environment)
    for_libraries = {"HF_HUB_OFFLINE", "HOME"}
    assert set(_trainer_environment()) - for_libraries <= environment.names_read


def test_the_job_and_the_tuner_have_the_same_defaults() -> None:
    defaults = asdict(Settings.from_env({}))
    in_the_job = asdict(Settings.from_env(_trainer_environment()))
    differing = {name for name, value in defaults.items() if in_the_job[name] != value}
    assert differing <= FROM_THE_WORKSPACE


def test_the_chart_and_the_tuner_have_the_same_defaults() -> None:
    deployment = find(render(), "Deployment", "kaito-workspace-controller")
    environment = env_of(deployment["spec"]["template"]["spec"]["containers"][0])
    defaults = Settings.from_env({})
    assert environment["KAITO_MAX_DATA_BYTES"] == str(defaults.max_data_bytes)
    assert environment["KAITO_ALLOW_PRIVATE_DATA_HOSTS"] == "false"
    assert not defaults.allow_private_data_hosts


def test_the_access_secret_is_mounted_where_the_tuner_reads_it() -> None:
    assert str(Settings.from_env({}).access_secret_dir) == access_secret.PATH


def test_an_adapter_lies_in_its_image_where_the_controller_mounts_it_from() -> None:
    assert image.FOLDER == pods.DATA_SUBPATH


@pytest.mark.parametrize("method", list(Method))
def test_the_chart_installs_the_default_training_configuration(method: Method) -> None:
    installed = find(render(), "ConfigMap", f"{method.value}-params-template")
    text = installed["data"][tuning_job.CONFIG_KEY]
    assert load.parse_config(text, method) == load.parse_config(load.default_config(method), method)


def test_the_controller_knows_the_variables_that_enable_a_tracker() -> None:
    assert {name for tracker in TRACKERS for name in tracker.variables} == TRACKING_VARIABLES


def _trainer_environment() -> dict[str, str]:
    (_, trainer) = pod_of(tuning_pod())["initContainers"]
    return env_of(trainer)
