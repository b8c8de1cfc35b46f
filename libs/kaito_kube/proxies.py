"""Finds the proxy that the environment sets for a server.

Python's NO_PROXY matches names and single addresses only. Clusters behind a proxy list the
networks of their pods and Services there, as Go programs read them, and the API server's address
is in one of these.
"""

from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.request import getproxies, proxy_bypass


def proxy_for(scheme: str, host: str) -> str | None:
    """The proxy's URL, or None to connect directly."""
    proxies = getproxies()
    if proxy_bypass(host) or _is_within(host, proxies.get("no", "")):
        return None
    return proxies.get(scheme)


def _is_within(host: str, no_proxy: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in _networks(no_proxy))


def _networks(no_proxy: str) -> Iterator[IPv4Network | IPv6Network]:
    for entry in no_proxy.split(","):
        with suppress(ValueError):
            yield ip_network(entry.strip(), strict=False)
