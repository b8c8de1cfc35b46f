"""grpcurl, which learns the contract by reflection."""

import json
import subprocess
from typing import Any

from tests.clients import environments
from tests.clients.report import Result
from tests.clients.servers import Servers

_SERVICE = "kaito.inference.v1.InferenceService"


def run(servers: Servers) -> list[Result]:
    """Lists, describes and calls the service."""
    listed = _grpcurl(servers, "list").split()
    described = _grpcurl(servers, "describe", _SERVICE)
    body = {"prompt": "The ship", "options": {"max_new_tokens": 6, "do_sample": False}}
    whole = json.loads(_call(servers, "Generate", body))
    stream = _call(servers, "StreamGenerate", {"request": body})
    health = json.loads(_grpcurl(servers, "grpc.health.v1.Health/Check"))
    return [
        Result("grpcurl", "list", ", ".join(listed), _SERVICE in listed),
        Result(
            "grpcurl", "describe", f"{described.count('rpc ')} methods", "rpc Embed" in described
        ),
        Result(
            "grpcurl",
            "Generate",
            f"{whole['usage']['completion_tokens']} tokens",
            len(whole["choices"]) == 1,
        ),
        Result(
            "grpcurl",
            "StreamGenerate",
            f"{stream.count('finish_reason')} finish reason",
            stream.count("finish_reason") == 1,
        ),
        Result("grpcurl", "health", health["status"], health["status"] == "SERVING"),
    ]


def _call(servers: Servers, method: str, body: dict[str, Any]) -> str:
    return _grpcurl(servers, f"{_SERVICE}/{method}", data=json.dumps(body))


def _grpcurl(servers: Servers, *arguments: str, data: str = "") -> str:
    program = str(environments.go_folder() / "bin/grpcurl")
    options = ["-plaintext", "-max-time", "60", *(("-d", data) if data else ())]
    command = [program, *options, servers.grpc, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"grpcurl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
