"""What the HTTP fuzzer reads in schemathesis' output and in the bodies of errors."""

import json
from typing import Any

import pytest

from tests.fuzz.http_cases.error_shapes import shape_problem
from tests.fuzz.http_fuzzer import parse_findings

OUTPUT = """
=================================== FAILURES ===================================
__________________________________ POST /chat __________________________________
1. Test Case ID: 6jElXN

- ST101 Server error

- ST103 Undocumented status code

    Received: 500

Reproduce with:

    curl -X POST http://127.0.0.1:1/chat

=================================== SUMMARY ====================================
- not a failure
"""
OPENAI = {"error": {"message": "no", "type": "t", "param": None, "code": None}}
TGI = {"error": "no", "error_type": "validation"}
DETAIL = {"detail": "no"}


def test_failures_are_read_with_their_reproduction() -> None:
    found = parse_findings(OUTPUT)
    assert [finding.kind for finding in found] == [
        ("POST /chat", "ST101 Server error"),
        ("POST /chat", "ST103 Undocumented status code"),
    ]
    assert "curl -X POST http://127.0.0.1:1/chat" in found[0].reproduction


@pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        ("POST", "/v1/chat/completions", [OPENAI]),
        ("GET", "/workspaces/{namespace}/{name}/v1/models", [OPENAI]),
        ("POST", "/tokenize", [OPENAI]),
        ("POST", "/workspaces/{namespace}/{name}/rerank", [OPENAI]),
        ("POST", "/generate", [TGI]),
        ("POST", "/workspaces/{namespace}/{name}", [TGI]),
        ("TRACE", "/info", [TGI, DETAIL]),
        ("POST", "/chat", [DETAIL]),
        ("GET", "/healthz", [DETAIL]),
    ],
)
def test_each_api_has_a_shape_of_errors(method: str, path: str, right: list[Any]) -> None:
    bodies: tuple[Any, ...] = (OPENAI, TGI, DETAIL, {}, [], {"error": {}}, {"detail": ""})
    for body in bodies:
        wrong = bool(shape_problem(method, path, json.dumps(body).encode()))
        assert wrong == (body not in right), body
    assert shape_problem(method, path, b"<html>") == "an error that is no JSON"
