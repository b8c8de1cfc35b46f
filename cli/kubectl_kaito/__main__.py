"""Builds the environment, runs a verb, and turns every error into one line and an exit code."""

import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from kubectl_kaito.app import app
from kubectl_kaito.cluster.cluster import Cluster, ClusterChoice
from kubectl_kaito.environment import Environment
from kubectl_kaito.failures import report


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:], _environment()))


def run(arguments: Sequence[str], environment: Environment) -> int:
    """Runs one command and returns its exit code. Prints no traceback without KAITO_DEBUG."""
    try:
        app(args=list(arguments), obj=environment, prog_name="kubectl kaito")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except Exception as error:
        return report(error, sys.stderr, debug=bool(os.environ.get("KAITO_DEBUG")))
    return 0


def _environment() -> Environment:
    return Environment(
        connect=_connect,
        now=lambda: datetime.now(UTC),
        pause=time.sleep,
        stdout=sys.stdout,
    )


def _connect(choice: ClusterChoice) -> Cluster:
    # Half a second of imports, which help and `models` do without.
    from kubectl_kaito.cluster.kubernetes_cluster import connect

    return connect(choice)


if __name__ == "__main__":
    main()
