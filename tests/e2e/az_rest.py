"""`az rest --method get --url URL`, as a user who has logged in to the emulated Azure runs it.

python -m tests.e2e.az_rest rest --method get --url URL --output json
"""

import argparse
import os
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

from azure.identity import ClientSecretCredential

from tools.demo import module_program, release
from tools.local_cluster.paths import Paths


def install(folder: Path) -> None:
    """Write the program `az`, found if the folder is on the PATH."""
    module_program.install(folder / "az", __name__)


def main() -> int:
    parser = argparse.ArgumentParser(prog="az")
    parser.add_argument("command", choices=["rest"])
    parser.add_argument("--method", choices=["get"], required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--output", choices=["json"], default="json")
    url = parser.parse_args().url
    authority = str(Paths.from_env(os.environ).home / "aks" / "ca.pem")
    # As az does: a path is below the cloud's Resource Manager, and blanks are encoded.
    address = (url if url.startswith("https://") else f"{release.ARM}{url}").replace(" ", "%20")
    headers = {"Authorization": f"Bearer {_token(authority)}"}
    tls = ssl.create_default_context(cafile=authority)
    try:
        request = urllib.request.Request(address, headers=headers)
        with urllib.request.urlopen(request, context=tls, timeout=30) as answer:
            sys.stdout.write(answer.read().decode())
    except urllib.error.HTTPError as error:
        print(f"ERROR: {error.read().decode()}", file=sys.stderr)
        return 1
    return 0


def _token(authority: str) -> str:
    azure = release.AZURE
    with ClientSecretCredential(
        azure["azureTenantId"],
        azure["azureClientId"],
        "any",
        authority=release.ARM,
        disable_instance_discovery=True,
        connection_verify=authority,
    ) as credential:
        return credential.get_token(f"{release.ARM}/.default").token


if __name__ == "__main__":
    sys.exit(main())
