from kaito_kube.kinds import SERVICE, Key
from tests.kubectl_kaito.reconciled import Reconciled, reconciled
from tests.workspace_controller.given import NAMESPACE, inference_workspace


def test_a_ready_model_has_addresses_and_a_command_to_reach_it_from_here() -> None:
    result = reconciled(inference_workspace()).console.run("endpoint", "ws")
    assert result.code == 0
    assert "http://ws.team.svc/v1" in result.out
    assert "ws.team.svc:29500" in result.out
    assert "kubectl -n team port-forward service/ws 8080:80" in result.out


def test_a_load_balancer_is_the_address() -> None:
    made = reconciled(inference_workspace())
    ingress = {"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}}}
    made.environment.cluster.change(SERVICE, Key(NAMESPACE, "ws"), ingress)
    document = made.console.run("endpoint", "ws", "-o", "json").json
    assert document["external"] == "http://203.0.113.9"
    assert "http://203.0.113.9/v1" in made.console.run("endpoint", "ws").out


def test_a_model_that_does_not_answer_yet_has_exit_code_1() -> None:
    made = Reconciled().apply(inference_workspace()).rounds(4)
    result = made.console.run("endpoint", "ws")
    assert result.code == 1
    assert "does not answer yet" in result.out


def test_a_workspace_without_a_service_says_how_to_learn_why() -> None:
    made = Reconciled().apply(inference_workspace())
    result = made.console.run("endpoint", "ws")
    assert result.code == 4
    assert "kubectl kaito why ws -n team" in result.err
