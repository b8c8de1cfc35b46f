"""One word for one thing: names that the glossary has replaced do not come back."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Whole names that had a meaning of this project's own → the field's name for it.
RETIRED = {
    "Answerer": "GenerationHandler",
    "Board": "StatusPublisher",
    "Breakage": "Failure",
    "Buyer": "OfferingSelector",
    "Cadence": "PollInterval",
    "ClaimTrouble": "Failure",
    "Dialect": "ApiFormat",
    "DoesNotFit": "Incompatibility",
    "Evictor": "Terminator",
    "Exchange": "RequestContext",
    "Facts": "a name that says of what",
    "Fleet": "EndpointPool",
    "FleetView": "NodeHealthSummary",
    "Front": "Application",
    "FrontDoor": "ModelRegistry",
    "Gate": "AdmissionControl",
    "Ground": "SizingInputs",
    "Hand": "Executor",
    "Holdings": "NodeReservations",
    "Interest": "WatchSource",
    "KeyedLoops": "WorkQueue",
    "Lane": "OperationQueue",
    "Ledger": "QuotaReservations",
    "Market": "Availability",
    "Misfit": "Incompatibility",
    "Obstacle": "UnavailableReason",
    "Occupancy": "KvCacheBudget",
    "Pace": "RateLimit",
    "Parts": "Subplans",
    "Patience": "RetryPolicy",
    "Permit": "Admission",
    "Piece": "Delta",
    "PoolView": "AgentPoolCache",
    "Scene": "SelectionInputs",
    "SeedAsk": "KaitoChatRequest",
    "Setback": "Failure",
    "Shortfall": "InsufficientQuota",
    "Sweep": "GarbageCollector",
    "Tell": "EmitEvent",
    "Tenure": "Leadership",
    "Terms": "Timeouts",
    "Trouble": "Failure",
    "Turnstile": "OperationQueue",
    "Waker": "triggers",
    "Wish": "SchedulingRequirements",
    "carry_out": "execute",
    "given_back": "released",
    "gives_up": "replaces",
    "goods": "sku_parsing",
    "look_again": "requeue_after_seconds",
    "market": "availability",
    "misfit": "incompatibility",
    "news": "changed",
    "pause_after": "requeue_after_seconds",
    "said": "message",
    "seed_chat": "kaito_chat",
    "seed_schema": "kaito_schema",
    "strangers": "orphans",
    "told": "reported",
    "waking": "triggers",
    "whole_loss": "completion_only_loss",
}
# American spelling, as in Kubernetes' own code and documentation.
_BRITISH = re.compile(
    r"\b(catalogue|behaviour|colour|favour|honour|neighbour|judgement|organis|recognis|normalis"
    r"|initialis|serialis|synchronis|utilis|labelled|modelling|artefact|data sets?\b)\w*",
    re.IGNORECASE,
)


def _tracked(*patterns: str) -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [path for line in listed.stdout.split() if (path := ROOT / line).exists()]


def _defined(path: Path) -> Iterator[str]:
    """The names that a module defines: itself, classes, functions, arguments and variables."""
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield name
            case ast.AsyncFunctionDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def retired_names(path: Path) -> list[str]:
    return sorted({name for name in _defined(path) if name.strip("_") in RETIRED})


MODULES = [path for path in _tracked("*.py") if "gen" not in path.relative_to(ROOT).parts]
PROSE = [path for path in _tracked("*.md", "*.proto") if path.name != "CHANGELOG.md"]


def test_replaced_names_do_not_come_back() -> None:
    found = {
        str(path.relative_to(ROOT)): names for path in MODULES if (names := retired_names(path))
    }
    advice = {name: RETIRED[name.strip("_")] for names in found.values() for name in names}
    assert not found, advice


@pytest.mark.parametrize(
    "source",
    ["class Waker: ...", "async def carry_out(): ...", "def f(told): ...", "self._market = 1"],
)
def test_name_is_found_wherever_it_is_defined(source: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(source)
    assert len(retired_names(path)) == 1


def test_spelling_is_american() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in PROSE
        for match in _BRITISH.finditer(path.read_text())
    ]
    assert not found
