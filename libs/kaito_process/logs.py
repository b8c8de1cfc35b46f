"""Logs of services, as JSON on stdout with the service and the current object as fields, and of
commands that people run, as text on stderr."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter

_CONTEXT: ContextVar[dict[str, str] | None] = ContextVar("log_context", default=None)
# Libraries that log every request or every file at INFO.
_QUIET = (
    "httpx httpx2 httpcore httpcore2 urllib3 azure msal aiohttp.access filelock fsspec asyncio "
    "matplotlib"
).split()


@contextmanager
def log_context(**fields: str) -> Iterator[None]:
    """Adds fields to every line logged in this context, including tasks started in it."""
    token = _CONTEXT.set({**(_CONTEXT.get() or {}), **fields})
    try:
        yield
    finally:
        _CONTEXT.reset(token)


class _Context(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in (_CONTEXT.get() or {}).items():
            setattr(record, name, value)
        return True


class _JsonLines(JsonFormatter):
    """Formats each second once: services log hundreds of lines in it."""

    _second = -1
    _text = ""

    def formatTime(  # noqa: N802
        self, record: logging.LogRecord, datefmt: str | None = None
    ) -> str:
        second = int(record.created)
        if second != self._second:
            self._second, self._text = second, super().formatTime(record, datefmt)
        return self._text


def configure(level: str, service: str, **fields: str) -> None:
    """Logs the records of all loggers, and Python's warnings, to stdout as JSON.

    `fields` are added to every line of the process; empty ones are left out.

    Raises:
        ValueError: the level is unknown.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(_Context())
    handler.setFormatter(
        _JsonLines(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            datefmt="%Y-%m-%dT%H:%M:%S%z",
            static_fields={
                "service": service,
                **{name: value for name, value in fields.items() if value},
            },
        )
    )
    # Of no use in the lines, and half of what a record costs; Python's own way to leave them out.
    logging._srcfile = None
    logging.logThreads = logging.logMultiprocessing = logging.logProcesses = False
    # force replaces handlers that libraries install when they are imported.
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def configure_command() -> None:
    """Logs errors to stderr as text: the command's own output is on stdout."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s: %(message)s", force=True)
