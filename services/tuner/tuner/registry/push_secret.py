"""The push secret: a file whose credentials push the adapter."""

from pathlib import Path

from kaito_registry.credentials import CREATE_SECRET, Credentials, parse_credentials
from kaito_registry.reference import Reference
from tuner.errors import RunError
from tuner.reasons import Reason


def read_push_secret(path: Path, reference: Reference, secret: str) -> Credentials:
    """The credentials for `reference` in the Docker config.json at `path`.

    `secret` is what messages call it. The credentials are empty if the file does not exist or has
    no entry for the registry, which may accept anonymous pushes.

    Raises:
        RunError: PUSH_UNAUTHORIZED, the file is not a Docker config.json.
    """
    try:
        return parse_credentials(path.read_bytes(), reference)
    except FileNotFoundError:
        return Credentials()
    except OSError as error:
        problem = f"not readable ({type(error).__name__})"
    except ValueError as error:
        problem = str(error)
    raise RunError(
        Reason.PUSH_UNAUTHORIZED,
        f"{secret} is {problem}; create it with "
        f"`{CREATE_SECRET.format(registry=reference.registry)}`",
    )
