"""The paths below which one Workspace alone answers."""

import re

WORKSPACE_ROUTE = "/workspaces/{namespace}/{name}"
_WORKSPACE_PATH = re.compile(r"/workspaces/([^/]+)/([^/]+)(/.*)?")


def split_workspace(path: str) -> tuple[str, str]:
    """The Workspace (namespace/name) that a path names, and the rest; empty if it names none."""
    if below := _WORKSPACE_PATH.fullmatch(path):
        return f"{below[1]}/{below[2]}", below[3] or "/"
    return "", path
