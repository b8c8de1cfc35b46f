"""What the configuration of an adapter declares. The server checks the rest when it loads it."""

import json

from model_server.adapters.adapter_files import CONFIG_FILE
from model_server.engine import AdapterInfo, AdapterSource
from model_server.errors import AdapterInvalid


def read_info(source: AdapterSource) -> AdapterInfo:
    """The adapter's rank and base model.

    Raises:
        AdapterInvalid: the configuration cannot be read, or declares neither.
    """
    path = source.path / CONFIG_FILE
    try:
        config = json.loads(path.read_text())
        return AdapterInfo(
            rank=int(config["r"]), base_model=str(config["base_model_name_or_path"] or "")
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise AdapterInvalid(
            f"adapter {source.name!r}: {path} is no configuration of a LoRA adapter: {error!r}"
        ) from error
