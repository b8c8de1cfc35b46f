"""A phase of a model's start is in the status only if something measures it."""

from kaito_api.status import StartupStatus
from kubectl_kaito.startups import LOADING, START_PHASES
from model_server.startup.start_report import StartPhase
from workspace_controller.plan.serving.start.start_phases import node_phases, pod_phases

IN_STATUS = {
    field.alias
    for field in StartupStatus.model_fields.values()
    if field.alias and field.alias.endswith("Seconds")
} - {"totalSeconds"}


def test_each_phase_in_the_status_comes_from_a_claim_or_a_pod() -> None:
    assert {*node_phases({"metadata": {}}), *pod_phases({}, {})} == IN_STATUS


def test_each_phase_that_a_model_server_reports_is_in_the_status_and_no_other() -> None:
    without = pod_phases({}, {})
    fields = {
        field
        for phase in StartPhase
        for field, seconds in pod_phases({}, {phase.value: 1.0}).items()
        if seconds != without[field]
    }
    assert fields == {"loadSeconds", "warmUpSeconds", "adapterSeconds"}
    reported = {name for name, field in START_PHASES if field in fields}
    assert reported == set(LOADING)


def test_the_plugin_shows_each_phase() -> None:
    assert {field for _, field in START_PHASES} == IN_STATUS
