"""What a Workspace's conditions say, and waiting until they say it.

A status lags behind its cause: after a change, wait for what the change leads to. That the
Workspace is ready says nothing then, since it also was before.
"""

from tools.demo.kubectl import Kubectl, Manifest, wait_for


def condition_of(
    kubectl: Kubectl, name: str, type_: str, *, namespace: str = "default"
) -> Manifest:
    """The condition; empty if the Workspace does not have it."""
    workspace = kubectl.get("workspace", name, "-n", namespace) or {}
    conditions = (workspace.get("status") or {}).get("conditions") or ()
    return next((dict(each) for each in conditions if each["type"] == type_), {})


def reported(kubectl: Kubectl, name: str, type_: str, *, namespace: str = "default") -> str:
    """The condition as `kubectl describe` shows it: status, reason and message."""
    found = condition_of(kubectl, name, type_, namespace=namespace)
    return f"{found['status']} {found['reason']}: {found['message']}" if found else ""


def until_reported(
    kubectl: Kubectl,
    name: str,
    type_: str,
    *words: str,
    namespace: str = "default",
    seconds: float = 90,
) -> str:
    """Wait until the condition contains all words; returns and prints the text that did."""
    text = ""

    def lacking() -> str | None:
        nonlocal text
        text = reported(kubectl, name, type_, namespace=namespace)
        return None if all(word in text for word in words) else f"{type_}={text}"

    wait_for(f"{type_} of {name} with {words}", lacking, seconds)
    print(f"{type_} of {name}: {text}", flush=True)
    return text
