"""Asks everything that vLLM's own server answers with clients of other makers, unmodified, through
the gateway and straight at vLLM, and prints where the answers differ. Fails if one does.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.clients import environments
from tests.clients.report import cell
from tests.clients.vllm.servers import OPTIONS, Pair, running
from tools.venvs import ROOT

# The scripts for each kind of model, in tests/clients/vllm/python.
_SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "text": ("openai_text", "anthropic_text", "huggingface_text"),
    "embeddings": ("openai_vectors",),
    "classes": ("openai_classes",),
    "images": ("openai_images",),
}
_TIMEOUT_SECONDS = 600


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.clients.vllm", description=__doc__)
    parser.add_argument("kind", nargs="*", choices=[*OPTIONS, []], help="all without a name")
    kinds = parser.parse_args().kind or list(OPTIONS)
    lines = [line for kind in kinds for line in _lines(kind)]
    print("| Model | Client | Call | Straight at vLLM | Through the gateway |")
    print("|---|---|---|---|---|")
    for line in lines:
        text = line["result"] if line["ok"] else f"WRONG: {line['result']}"
        cells = (line["kind"], line["client"], line["call"], line["answer"], text)
        print(f"| {' | '.join(map(cell, cells))} |")
    wrong = sum(not line["ok"] for line in lines)
    # The closing line that test runners have.
    print(f"{len(lines) - wrong} passed, {wrong} failed")
    return 1 if wrong else 0


def _lines(kind: str) -> Iterator[dict[str, str]]:
    print(f"starting vLLM, {kind} ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder, running(kind, Path(folder)) as pair:
        for script in _SCRIPTS[kind]:
            for line in _run(script, pair):
                yield {"kind": kind, **line}


def _run(script: str, pair: Pair) -> Iterator[dict[str, str]]:
    module = f"tests.clients.vllm.python.{script}"
    command = [str(environments.python()), "-m", module, pair.gateway, pair.vllm]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
    )
    yield from (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    if done.returncode:
        error = (done.stderr.strip().splitlines() or ["no output"])[-1]
        yield {"client": script, "call": "the script", "answer": "", "result": error, "ok": ""}


if __name__ == "__main__":
    sys.exit(main())
