"""Reports how the API server answers the requests of a client that uses aiohttp, such as kopf."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp

from kaito_kube import errors
from kaito_kube.errors import ClusterError

Listener = Callable[[str, bool, ClusterError | None], None]
"""Receives the path, whether it is a watch, and None for an answer or why there was none."""


def trace_answers(listener: Listener) -> aiohttp.TraceConfig:
    """Calls `listener` after each request, as soon as the headers of its response are there."""

    async def on_end(_: Any, __: Any, params: aiohttp.TraceRequestEndParams) -> None:
        url = params.url
        listener(url.path, "watch" in url.query, await _refusal(params.response))

    async def on_exception(_: Any, __: Any, params: aiohttp.TraceRequestExceptionParams) -> None:
        error, url = params.exception, params.url
        if not isinstance(error, asyncio.CancelledError):
            detail = f"{type(error).__name__} {error}".strip()
            failure = errors.Unavailable(f"no response: {detail}")
            listener(url.path, "watch" in url.query, failure)

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(on_end)
    trace.on_request_exception.append(on_exception)
    return trace


async def _refusal(response: aiohttp.ClientResponse) -> ClusterError | None:
    if response.ok:
        return None
    # aiohttp keeps the body, so the client can read it, too.
    text = await response.text(errors="replace")
    try:
        message = str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        message = f"the API server answered {response.status} {response.reason}"
    return errors.from_status(response.status, "", message)
