"""Data sets that are no good, served inside the cluster."""

import base64
import io

import pyarrow as pa
import pyarrow.parquet as pq

from tools.demo.manifests import Manifest

HOST = "http://bad-data.default.svc"


def _parquet(columns: dict[str, list[str]]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


FILES = {
    "broken.parquet": b"this is no parquet file",
    "columns.parquet": _parquet({"question": ["a"], "answer": ["b"]}),
    "empty.parquet": _parquet({"messages": []}),
}


def server(image: str) -> list[Manifest]:
    """A ConfigMap with the files, and a pod and Service that serve it."""
    metadata = {"name": "bad-data", "namespace": "default"}
    labels = {"app": "bad-data"}
    encoded = {name: base64.b64encode(content).decode() for name, content in FILES.items()}
    container = {
        "name": "server",
        "image": image,
        "args": ["8080", "--directory", "/bad"],
        "command": ["python3", "-m", "http.server"],
        "volumeMounts": [{"name": "files", "mountPath": "/bad"}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
    }
    pod = {
        "containers": [container],
        "volumes": [{"name": "files", "configMap": {"name": "bad-data"}}],
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "binaryData": encoded,
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    ]
