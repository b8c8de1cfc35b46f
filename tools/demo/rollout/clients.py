"""The pod that asks the front door without pause, and what it got."""

import json
from dataclasses import dataclass
from pathlib import Path

from tools.demo.kubectl import CommandFailed, Kubectl, wait_for

_NAME = "load-client"
_SCRIPT = Path(__file__).with_name("load_client.py")
_STOP_FILE = "/tmp/stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the clients of one kind got; the seconds are those of complete answers."""

    kind: str
    asked: int
    seconds: tuple[float, ...]
    failures: tuple[str, ...]

    def __str__(self) -> str:
        longest = max(self.seconds, default=0.0)
        return (
            f"{self.kind}: {self.asked} asked, {len(self.seconds)} answered, "
            f"{len(self.failures)} failed, longest {longest:.1f} s"
        )


@dataclass(frozen=True, slots=True)
class LoadClient:
    """Runs load_client.py in a pod of an image that has Python."""

    kubectl: Kubectl
    image: str

    def start(self, address: str, model: str, stream_tokens: int) -> None:
        """Start it, with streams of so many tokens, and wait until its clients get answers.

        Raises:
            TimedOut: they get none in time.
        """
        self.delete()
        script = {"metadata": {"name": _NAME}, "data": {_SCRIPT.name: _SCRIPT.read_text()}}
        arguments = (address, model, str(stream_tokens), _STOP_FILE)
        mount = {"name": "script", "mountPath": "/load"}
        container = {
            "name": "client",
            "image": self.image,
            "command": ["python", f"/load/{_SCRIPT.name}", *arguments],
            "volumeMounts": [mount],
        }
        spec = {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
            "volumes": [{"name": "script", "configMap": {"name": _NAME}}],
        }
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": _NAME}, "spec": spec}
        self.kubectl.apply({"apiVersion": "v1", "kind": "ConfigMap", **script}, pod)
        wait_for("the load to start", self._not_started, 120)

    def stop(self) -> list[Result]:
        """Let its requests finish, and return what each kind of its clients got.

        Raises:
            CommandFailed: it ended without saying so.
            TimedOut: a request does not finish.
        """
        self.kubectl.run("exec", _NAME, "--", "touch", _STOP_FILE)
        wait_for("the load to end", self._running, 420)
        log = self.kubectl.run("logs", _NAME).splitlines()
        print("\n".join(log[:-1]), flush=True)
        try:
            counts = json.loads(log[-1])
        except (ValueError, IndexError) as error:
            raise CommandFailed(f"the load ended with {log[-3:]}") from error
        return [
            Result(
                kind=kind,
                asked=each["asked"],
                seconds=tuple(each["seconds"]),
                failures=tuple(each["failures"]),
            )
            for kind, each in counts.items()
        ]

    def delete(self) -> None:
        """End it, whatever it does, and remove it."""
        self.kubectl.delete("pod,configmap", _NAME)

    def _not_started(self) -> str | None:
        if (phase := self._phase()) != "Running":
            return f"its pod is {phase}"
        log = self.kubectl.run("logs", _NAME)
        return None if "started" in log.splitlines() else f"its log is {log!r}"

    def _running(self) -> str | None:
        phase = self._phase()
        return f"its pod is {phase}" if phase == "Running" else None

    def _phase(self) -> str:
        found = self.kubectl.get("pod", _NAME) or {}
        return str((found.get("status") or {}).get("phase", "missing"))
