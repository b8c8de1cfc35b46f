"""The settings of API keys; docs/api-keys.md describes them. Without a folder there are no keys."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from inference_gateway.keys.ledger.ledger import WhenAway
from inference_gateway.keys.prices import Prices, PricesError, read_prices
from kaito_process.environment import Environment, SettingError

_STORE_URL = re.compile(r"(redis|rediss|unix)://.+")
DEFAULT_AWAY_TOKENS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySettings:
    """`store_url` is empty for a ledger in memory; it may hold a password.

    The folder is looked at every `interval_seconds`.
    """

    folder: Path
    store_url: str = ""
    when_away: WhenAway = WhenAway.REFUSE
    away_tokens: int = DEFAULT_AWAY_TOKENS
    prices: Prices = field(default_factory=Prices)
    usage_file: Path = Path("/dev/stdout")
    interval_seconds: float = 2.0

    @classmethod
    def from_env(cls, env: Environment) -> "KeySettings | None":
        """None where no keys are asked for.

        Raises:
            SettingError: a variable is unusable.
        """
        folder = env.text("KAITO_KEYS_FOLDER", "")
        found = cls(
            folder=Path(folder),
            store_url=_store_url(env),
            when_away=env.choice("KAITO_KEY_STORE_AWAY", WhenAway, WhenAway.REFUSE),
            away_tokens=env.integer("KAITO_KEY_STORE_AWAY_TOKENS", DEFAULT_AWAY_TOKENS),
            prices=_prices(env),
            usage_file=env.path("KAITO_USAGE_FILE", "/dev/stdout"),
        )
        return found if folder else None


def _store_url(env: Environment) -> str:
    """The address, as it is.

    Raises:
        SettingError: it is none. Its value is not shown: it may hold a password.
    """
    url = env.text("KAITO_KEY_STORE_URL", "")
    if url and not (_STORE_URL.fullmatch(url) and _has_port(url)):
        remedy = (
            "set redis://HOST:6379, rediss:// for TLS, or nothing for a single replica; "
            "in a password, write / as %2F, ? as %3F and # as %23"
        )
        raise SettingError("KAITO_KEY_STORE_URL", "(hidden)", remedy)
    return url


def _has_port(url: str) -> bool:
    """Whether the port is a number or left out; else the client's error has part of a password."""
    try:
        port = urlsplit(url).port
    except ValueError:
        return False
    return port != 0


def _prices(env: Environment) -> Prices:
    path = env.text("KAITO_PRICES_FILE", "")
    if not path:
        return Prices()
    try:
        return read_prices(Path(path))
    except PricesError as error:
        raise SettingError("KAITO_PRICES_FILE", path, str(error)) from None
