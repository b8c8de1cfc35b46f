"""The stand-in of the hub, in a pod: python -m tests.e2e.hub_server PORT NAME FOLDER RELEASE.

It has one model, the files of a folder. The weights come slowly until the file RELEASE exists. What
it was asked for is on another port.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.hub_stand_in import HubStandIn, StoredModel, hub_stand_in

WEIGHTS = "model.safetensors"
LOG_PORT = 8081
# Minutes for 4 MB: whoever looks sees it under way.
_AT_ONCE_BYTES, _BYTES_PER_SECOND = 500_000, 20_000


def main(port: str, name: str, folder: str, release: str) -> None:
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file()
    }
    hub = HubStandIn(
        models={name: StoredModel(files)},
        stall_after={WEIGHTS: _AT_ONCE_BYTES},
        trickle=_BYTES_PER_SECOND,
    )
    _serve_log(hub)
    with hub_stand_in(hub, ("", int(port))):
        print(f"listening on {port}", flush=True)
        while not Path(release).exists():
            time.sleep(0.2)
        hub.release()
        threading.Event().wait()


def _serve_log(hub: HubStandIn) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"requests": hub.requests, "ranges": hub.ranges}).encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("", LOG_PORT), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
