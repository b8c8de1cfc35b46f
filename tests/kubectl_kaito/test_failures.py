"""Every error is one line and an exit code, and never a traceback."""

import pytest

from kaito_kube import errors
from kubectl_kaito.cluster.fake import FakeCluster
from kubectl_kaito.errors import UsageError
from kubectl_kaito.failures import explain
from tests.kubectl_kaito.console import Console


@pytest.mark.parametrize(
    ("outage", "code", "text"),
    [
        (errors.Unavailable("https://10.0.0.1 does not answer: timed out"), 3, "does not answer"),
        (errors.Throttled("too many requests"), 3, "too many requests"),
        (errors.Forbidden('workspaces is forbidden: User "me"'), 5, "refuses: workspaces is for"),
        (errors.Invalid("resource.count: must be at least 1"), 5, "resource.count"),
        (errors.Conflict("the object has changed"), 5, "has changed"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_cluster_errors_have_an_exit_code(
    outage: errors.ClusterError, code: int, text: str
) -> None:
    result = Console(FakeCluster(outage=outage)).run("status")
    assert result.code == code
    assert result.err.startswith("error: ") and text in result.err
    assert len(result.err.splitlines()) == 1
    assert result.out == ""


@pytest.mark.parametrize(
    "arguments",
    [["status", "--nope"], ["nope"], ["status", "-o", "xml"], ["status", "--watch"]],
    ids=" ".join,
)
def test_wrong_command_lines_are_usage_errors(arguments: list[str]) -> None:
    result = Console().run(*arguments)
    assert result.code == 2
    assert "Traceback" not in result.err and result.err


def test_a_bug_is_one_line_that_says_what_to_report(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = FakeCluster(outage=RuntimeError("first line\nsecond line"))
    monkeypatch.delenv("KAITO_DEBUG", raising=False)
    result = Console(broken).run("status")
    assert result.code == 70
    (line,) = result.err.splitlines()
    assert line.startswith("error: RuntimeError: first line second line; this is a bug")
    assert "KAITO_DEBUG=1" in line
    monkeypatch.setenv("KAITO_DEBUG", "1")
    assert "Traceback" in Console(broken).run("status").err


def test_own_errors_carry_their_code() -> None:
    assert explain(UsageError("no")) == ("no", 2)
