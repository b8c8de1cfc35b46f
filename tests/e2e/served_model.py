"""A served Workspace as its clients reach it: through its Service, and the cluster's front door."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.e2e.reachable import refused
from tests.e2e.reported import reported, until_reported
from tools.demo import chat_client
from tools.demo.kubectl import Kubectl, Manifest, wait_for

_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class ServedModel:
    """`image` is one with curl, for the documentation's request to /chat."""

    kubectl: Kubectl
    name: str
    image: str

    def chat(self, question: str) -> str:
        """The text that /chat answers to the documentation's request, from a pod."""
        body = chat_client.chat(self.kubectl, self.name, question, self.image)
        result = chat_client.result_of(body)
        assert result.startswith(f"{question}\n"), result
        return result.removeprefix(f"{question}\n")

    def grpc(self, question: str) -> str:
        """The text that port 29500 answers."""
        return chat_client.grpc(self.kubectl, self.name, question)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self._url}{path}", timeout=_TIMEOUT_SECONDS) as answer:
            return json.load(answer)

    def complete(self, question: str, **fields: object) -> str:
        """The text of an OpenAI chat completion."""
        answer = json.load(self._post(question, fields))
        return str(answer["choices"][0]["message"]["content"])

    def stream(self, question: str, **fields: object) -> str:
        """The same, as a stream that is not cut off."""
        # Some servers end it without OpenAI's [DONE], and what they say is passed on.
        events = [event for event in self._events(question, fields) if event != "[DONE]"]
        choices = [each for event in events for each in json.loads(event)["choices"]]
        assert any(each.get("finish_reason") for each in choices), events[-3:]
        return "".join(each["delta"].get("content") or "" for each in choices)

    def status(self) -> Manifest:
        workspace = self.kubectl.get("workspace", self.name) or {}
        return dict(workspace.get("status") or {})

    def reported(self) -> str:
        """InferenceReady: status, reason and message."""
        return reported(self.kubectl, self.name, "InferenceReady")

    def until(self, *words: str, seconds: float = 120) -> str:
        """Wait until InferenceReady contains all words, and if it is True, until the Service leads
        to the model; returns and prints it."""
        text = until_reported(self.kubectl, self.name, "InferenceReady", *words, seconds=seconds)
        if text.startswith("True"):
            address = chat_client.cluster_ip(self.kubectl, self.name)
            wait_for(f"{self.name} to lead to its pod", lambda: refused(address, 80), 60)
        return text

    def pods(self) -> list[Manifest]:
        """Those that nobody has deleted."""
        labels = f"kaito.sh/workspace={self.name},kaito.sh/role=inference"
        found = self.kubectl.items("pods", "-l", labels)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def restarts(self) -> dict[str, int]:
        """How often each container of each pod has started again, by `pod/container`."""
        return {
            f"{pod['metadata']['name']}/{each['name']}": each["restartCount"]
            for pod in self.pods()
            for kind in ("initContainerStatuses", "containerStatuses")
            for each in pod["status"].get(kind) or ()
        }

    def answers(self, question: str) -> dict[str, str]:
        """The texts of all the ways to ask, by name."""
        return {
            "/chat": self.chat(question),
            "gRPC": self.grpc(question),
            "OpenAI": self.complete(question),
            "OpenAI, streamed": self.stream(question),
        }

    @property
    def _url(self) -> str:
        return f"http://{chat_client.cluster_ip(self.kubectl, self.name)}"

    def _post(self, question: str, fields: dict[str, object]) -> Any:
        messages = [{"role": "user", "content": question}]
        body = {"model": self.name, "messages": messages, "temperature": 0, **fields}
        request = urllib.request.Request(
            f"{self._url}/v1/chat/completions",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        return urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)

    def _events(self, question: str, fields: dict[str, object]) -> Iterator[str]:
        with self._post(question, {**fields, "stream": True}) as answer:
            for line in answer:
                if line.startswith(b"data: "):
                    yield line[6:].decode().strip()
