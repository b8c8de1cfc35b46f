"""`Cluster` on the official client, with its errors translated to ours.

Only the client's connection is used, and not its typed models: manifests stay as the server sent
them, fields that this release does not know included.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import quote

import urllib3
import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException, kube_config

from kaito_kube import errors
from kaito_kube.kinds import POD, Key, Kind, Manifest, key_of
from kubectl_kaito.cluster.cluster import ClusterChoice, Process

_FIELD_MANAGER = "kubectl-kaito"
# For the connection and for the answer, in seconds: a cluster that is away is reported soon.
_TIMEOUT_SECONDS = (5, 20)
# A model may think for long before its first token, and a container log nothing for as long.
_ANSWER_TIMEOUT_SECONDS = (5, 600)
_PAGE = 500
_APPLY_PATCH, _MERGE_PATCH = "application/apply-patch+yaml", "application/merge-patch+json"
# What the client lets through from a file that is no kubeconfig.
_UNUSABLE = (ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, KeyError)
_NO_CONFIGURATION = (
    "no cluster is configured: set KUBECONFIG, name a file with --kubeconfig, or run "
    "`az aks get-credentials`"
)


def connect(choice: ClusterChoice) -> "KubernetesCluster":
    """The cluster that the kubeconfig names, as kubectl finds it.

    Raises:
        Unavailable: there is no kubeconfig, no such context, or its credentials do not work.
    """
    named = choice.kubeconfig or os.environ.get("KUBECONFIG")
    file = named or kube_config.KUBE_CONFIG_DEFAULT_LOCATION
    configuration = Configuration()
    # A user waits for the answer, so nothing is retried behind their back.
    configuration.retries = urllib3.Retry(connect=0, read=0, redirect=3)
    try:
        contexts, current = kube_config.list_kube_config_contexts(file)
        kube_config.load_kube_config(
            file, choice.context, client_configuration=configuration, persist_config=False
        )
    except _UNUSABLE as error:
        raise errors.Unavailable(f"{_NO_CONFIGURATION} ({_one_line(error)})") from error
    by_name = {context["name"]: context for context in contexts}
    chosen = by_name.get(choice.context) if choice.context else current
    namespace = ((chosen or {}).get("context") or {}).get("namespace") or "default"
    return KubernetesCluster(ApiClient(configuration), namespace)


class KubernetesCluster:
    def __init__(self, client: ApiClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    @property
    def namespace(self) -> str:
        return self._namespace

    def get(self, kind: Kind, name: str, namespace: str = "") -> Manifest:
        return self._json("GET", path(kind, namespace, name))

    def list(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> Sequence[Manifest]:
        query = {"limit": str(_PAGE)}
        if labels:
            query["labelSelector"] = ",".join(f"{key}={value}" for key, value in labels.items())
        items: list[Manifest] = []
        while True:
            page = self._json("GET", path(kind, namespace), query)
            items += page.get("items") or ()
            if not (more := (page.get("metadata") or {}).get("continue")):
                return items
            query["continue"] = more

    def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        namespace = manifest.get("metadata", {}).get("namespace", "")
        return self._json("POST", path(kind, namespace), body=_typed(kind, manifest))

    def apply(self, kind: Kind, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        key = key_of(manifest)
        query = {"fieldManager": _FIELD_MANAGER, **({"dryRun": "All"} if dry_run else {})}
        # A text: the client would send a mapping as another kind of patch.
        body = json.dumps(_typed(kind, manifest))
        return self._json("PATCH", path(kind, key.namespace, key.name), query, body)

    def patch(self, kind: Kind, name: str, namespace: str, changes: Manifest) -> Manifest:
        query = {"fieldManager": _FIELD_MANAGER}
        answer = self._send("PATCH", path(kind, namespace, name), query, changes, _MERGE_PATCH)
        return dict(json.loads(answer))

    def log(self, pod: Key, container: str, *, previous: bool = False, lines: int = 20) -> str:
        query = {"container": container, "tailLines": str(lines)}
        if previous:
            query["previous"] = "true"
        try:
            return self._send("GET", f"{path(POD, pod.namespace, pod.name)}/log", query)
        except errors.Invalid:
            # A container that waits to start, or that had no run before.
            return ""

    def follow_log(self, pod: Key, container: str, *, lines: int, since: str = "") -> Iterator[str]:
        query = {"container": container, "follow": "true", "timestamps": "true"}
        query |= {"sinceTime": since} if since else {"tailLines": str(lines)}
        url = f"{path(POD, pod.namespace, pod.name)}/log"
        try:
            with self._opened("GET", url, query, None, _ANSWER_TIMEOUT_SECONDS) as response:
                yield from _lines(response)
        except errors.Invalid:
            # The container has not started, or not started again.
            return

    def post(self, service: Key, port: str, path: str, body: Manifest) -> Iterator[str]:
        root = f"/api/v1/namespaces/{quote(service.namespace, safe='')}/services"
        url = f"{root}/http:{quote(service.name, safe='')}:{port}/proxy/{path}"
        with self._opened("POST", url, None, body, _ANSWER_TIMEOUT_SECONDS) as response:
            yield from _lines(response)

    def delete(self, kind: Kind, name: str, namespace: str = "") -> None:
        self._send("DELETE", path(kind, namespace, name))

    def run(
        self, pod: Key, container: str, command: Sequence[str]
    ) -> AbstractContextManager[Process]:
        # Loaded by what runs programs: it needs a library of its own.
        from kubectl_kaito.cluster.process import started

        query = [("command", each) for each in command]
        query += [("container", container), ("stdin", "true"), ("stdout", "true")]
        url = f"{path(POD, pod.namespace, pod.name)}/exec"
        request = self._client.param_serialize(
            "GET", url, query_params=query, header_params={}, auth_settings=["BearerToken"]
        )
        return started(self._client.configuration, request[1], request[2])

    def version(self) -> str:
        return str(self._json("GET", "/version").get("gitVersion", ""))

    def _json(
        self, method: str, url: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> Manifest:
        answer = json.loads(self._send(method, url, query, body))
        return answer if isinstance(answer, dict) else {}

    def _send(
        self,
        method: str,
        url: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        patch: str = _APPLY_PATCH,
    ) -> str:
        with self._opened(method, url, query, body, _TIMEOUT_SECONDS, patch) as response:
            return (response.read() or b"").decode("utf-8", "replace")

    @contextmanager
    def _opened(
        self,
        method: str,
        url: str,
        query: Mapping[str, str] | None,
        body: Any,
        timeout_seconds: tuple[int, int],
        patch: str = _APPLY_PATCH,
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """The answer, whose body is not read yet. It fails only while it is read or opened."""
        headers = {"Accept": "application/json, */*"}
        if body is not None:
            headers["Content-Type"] = patch if method == "PATCH" else "application/json"
        try:
            request = self._client.param_serialize(
                method,
                url,
                query_params=list((query or {}).items()),
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
            )
            response = self._client.call_api(*request, _request_timeout=timeout_seconds).response
            if not 200 <= response.status < 300:
                raise _error(response.status, (response.read() or b"").decode("utf-8", "replace"))
            yield response
        except (ApiException, urllib3.exceptions.HTTPError, OSError) as error:
            host = self._client.configuration.host
            raise errors.Unavailable(f"{host} does not answer: {_one_line(error)}") from error


def path(kind: Kind, namespace: str = "", name: str = "") -> str:
    """The URL path of a kind, of those in a namespace, or of one object."""
    root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
    middle = f"/namespaces/{quote(namespace, safe='')}" if kind.namespaced and namespace else ""
    return f"{root}{middle}/{kind.plural}" + (f"/{quote(name, safe='')}" if name else "")


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[str]:
    """Each line as soon as it is there."""
    pending = b""
    for chunk in response.stream(amt=None):
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace").rstrip("\r")
    if pending:
        yield pending.decode("utf-8", "replace")


def _error(status: int, text: str) -> errors.ClusterError:
    try:
        body = json.loads(text)
        message, reason = str(body["message"]), str(body.get("reason", ""))
    except (ValueError, KeyError, TypeError):
        message, reason = f"the API server answered {status}: {_one_line(text)[:200]}", ""
    if status == 401:
        return errors.Unavailable(f"the cluster does not accept your credentials: {message}")
    return errors.from_status(status, reason, message)


def _typed(kind: Kind, manifest: Manifest) -> Manifest:
    return {"apiVersion": kind.api_version, "kind": kind.kind, **manifest}


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
