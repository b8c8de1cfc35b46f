"""Unusable datasets, served inside the cluster."""

import base64
import io

import pyarrow as pa
import pyarrow.parquet as pq

from tools.demo.manifests import Manifest, data_server

NAME = "bad-data"
HOST = f"http://{NAME}.default.svc"


def _parquet(columns: dict[str, list[str]]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


FILES = {
    "broken.parquet": b"this is no parquet file",
    "columns.parquet": _parquet({"identifier": ["a"], "score": ["b"]}),
    "empty.parquet": _parquet({"messages": []}),
}


def server(image: str) -> list[Manifest]:
    """A ConfigMap with the files, and the Deployment and Service that serve it."""
    encoded = {name: base64.b64encode(content).decode() for name, content in FILES.items()}
    config_map: Manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": "default"},
        "binaryData": encoded,
    }
    return [config_map, *data_server(NAME, image, files=NAME)]
