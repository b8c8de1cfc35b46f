"""Runs schemathesis over a gateway's OpenAPI document, and reads what it counted and found."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.fuzz.http_cases.hooks import COUNTS_FILE, MODELS
from tests.fuzz.tally import Finding, Tally
from tests.processes.service import SOURCE_PATH

# Whether the API is true to its document. Left out: what a document that is true may still get
# wrong, such as whether a value within its type is also within the model's bounds.
_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "error_has_the_shape_of_its_api",
)
# Longer than any answer takes on a busy machine: what takes longer hangs.
_HUNG_SECONDS = "120"
_FAILED, _PASSED = 1, 0
# In schemathesis' text, a failure starts with the name of its operation between underscores.
_OPERATION = re.compile(r"^_{3,} (.+?) _{3,}$")
_TITLE = re.compile(r"^- (.+)$")


def fuzz_gateway(
    url: str,
    models: Sequence[str],
    folder: Path,
    *,
    seed: int,
    seconds: float | None = None,
    cases: int | None = None,
) -> Tally:
    """Send random requests for `seconds`, or `cases` of each route. Logs go to a new `folder`.

    Raises:
        RuntimeError: schemathesis did not run to its end. The message has its output.
    """
    folder.mkdir()
    counts, log = folder / "counts.json", folder / "schemathesis.log"
    line = [str(Path(sys.executable).parent / "st"), "--no-color", "run", f"{url}/openapi.json"]
    # Several workers would be threads, in which CPython 3.11 sometimes fails to parse source code.
    line += ["--seed", str(seed), "--workers", "1", "--checks", ",".join(_CHECKS)]
    line += ["--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--warnings", "off"]
    line += ["--request-timeout", _HUNG_SECONDS, "--suppress-health-check", "all"]
    line += ["--output-truncate", "false"]
    if seconds:
        line += ["--generation-database", "none", "--max-time", str(int(seconds))]
    if cases:
        line += ["--generation-deterministic", "--max-examples", str(cases)]
    environ = {
        "PYTHONPATH": SOURCE_PATH,
        "SCHEMATHESIS_HOOKS": "tests.fuzz.http_cases.hooks",
        COUNTS_FILE: str(counts),
        MODELS: ",".join(models),
    }
    with log.open("w") as output:
        done = subprocess.run(
            line, env=os.environ | environ, stdout=output, stderr=subprocess.STDOUT, cwd=folder
        )
    text = log.read_text(errors="replace")
    if done.returncode not in (_PASSED, _FAILED) or not counts.exists():
        raise RuntimeError(f"schemathesis ended with {done.returncode}:\n{text[-4000:]}")
    tally = Tally(counts=Counter(_by_route(json.loads(counts.read_text()))))
    for finding in parse_findings(text):
        tally.add(finding)
    if done.returncode == _FAILED and not tally.findings:
        # An error of its own, such as a part of the document that it cannot read.
        tally.add(Finding("schemathesis", "failed", tuple(text.splitlines()[-80:])))
    return tally


def fuzz_gateways(
    models_by_url: Mapping[str, Sequence[str]], folder: Path, **options: Any
) -> Tally:
    """Fuzz several gateways at the same time; `options` are those of fuzz_gateway."""
    tally = Tally()
    with ThreadPoolExecutor() as pool:
        runs = [
            pool.submit(fuzz_gateway, url, models, folder / f"gateway-{number}", **options)
            for number, (url, models) in enumerate(models_by_url.items())
        ]
        for run in runs:
            tally.merge(run.result())
    return tally


def _by_route(counts: dict[str, int]) -> dict[tuple[str, str], int]:
    split = ((name.rsplit(" ", 1), count) for name, count in counts.items())
    return {(route, status): count for (route, status), count in split}


def parse_findings(text: str) -> list[Finding]:
    """The failures in schemathesis' output. Pure."""
    findings: list[Finding] = []
    operation, titles, lines = "", list[str](), list[str]()

    def end() -> None:
        findings.extend(Finding(operation, title, tuple(lines)) for title in titles)

    for line in text.splitlines():
        if found := _OPERATION.match(line):
            end()
            operation, titles, lines = found[1], [], []
        elif line.startswith("======"):
            end()
            operation, titles, lines = "", [], []
        elif operation and (title := _TITLE.match(line)):
            titles.append(title[1])
        elif operation and line.strip():
            lines.append(line.strip()[:2000])
    end()
    return findings
