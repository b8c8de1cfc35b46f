"""What a support archive holds: objects, logs and findings, without secrets. Pure."""

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kubectl_kaito.doctor.redaction import redact, redact_text

_FOLDER = "kaito-support"
_README = """\
A support archive of `kubectl kaito doctor --bundle`. No Secret and no ConfigMap was read. Values
that may be secret are replaced by <redacted>: tokens, keys, passwords, what URLs carry beside their
address, and variables of containers that are not settings of Kaito's. Look through it before you
send it: names of objects, hosts and users are as they are.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """`objects` are by file name, `logs` by pod and container; `unread` is what is missing."""

    findings: Any
    version: str
    objects: Mapping[str, list[Any]]
    logs: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


def archive(bundle: Bundle, now: datetime) -> bytes:
    """A tar.gz in one folder; the same for the same input."""
    files = {
        "README.txt": _README,
        "doctor.json": _json(bundle.findings),
        "versions.json": _json({"kubernetes": bundle.version, "notRead": list(bundle.unread)}),
        **{f"objects/{name}.json": _json(items) for name, items in bundle.objects.items()},
        **{f"logs/{name}.log": redact_text(text) for name, text in bundle.logs.items()},
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            data = text.encode()
            info = tarfile.TarInfo(f"{_FOLDER}/{name}")
            info.size, info.mtime = len(data), int(now.timestamp())
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _json(value: Any) -> str:
    return json.dumps(redact(value), indent=1, ensure_ascii=False) + "\n"
