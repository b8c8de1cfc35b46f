"""Which proxy the environment names for a server.

Python's own look at NO_PROXY knows names and addresses. Clusters behind a proxy give their pods
networks there, as Go's programs read them, and the API server's address is in one.
"""

from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.request import getproxies, proxy_bypass


def proxy_for(scheme: str, host: str) -> str | None:
    named = getproxies()
    if proxy_bypass(host) or _is_within(host, named.get("no", "")):
        return None
    return named.get(scheme)


def _is_within(host: str, places: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in _networks(places))


def _networks(places: str) -> Iterator[IPv4Network | IPv6Network]:
    for place in places.split(","):
        with suppress(ValueError):
            yield ip_network(place.strip(), strict=False)
