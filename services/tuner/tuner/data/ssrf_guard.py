"""Which addresses data may be fetched from.

A Workspace's author chooses the URL, and the fetcher runs inside the cluster: without this, the
URL would reach whatever the pod's network reaches (cloud metadata, services, the node itself).
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.retry import TransientError

Resolve = Callable[[str, int], Sequence[str]]

# Public by its number, yet answered by the host of every Azure VM.
AZURE_HOST = ipaddress.ip_address("168.63.129.16")


def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of `host` by the system's resolver, in its order, each once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


# IPv6-only clusters reach IPv4 through this prefix; the local-use one leads inside.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")


@dataclass(frozen=True, slots=True)
class Guard:
    """Turns a host into the addresses that may be connected to."""

    allow_private: bool
    resolve: Resolve = system_resolve

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses of `host`, of which the caller must use one: a second look-up of the
        name could answer differently.

        Errors: TransientError when the name cannot be resolved; RunError(DATA_UNREACHABLE) when
        any of its addresses is not public.
        """
        try:
            found = self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise TransientError(f"host {host!r} cannot be resolved ({error})") from error
        for address in found:
            if not self.allow_private and not is_public(address):
                raise RunError(
                    Reason.DATA_UNREACHABLE,
                    f"data host {host!r} has the address {address}, which is not public; use a "
                    "public URL, or let the cluster's administrator set the chart's "
                    "allowPrivateDataHosts (KAITO_ALLOW_PRIVATE_DATA_HOSTS) to true",
                    retryable=False,
                )
        return found


def is_public(address: str) -> bool:
    """True for a globally routable unicast address that no cloud answers on its host."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in NAT64_LOCAL:
            return False
        ip = _inner(ip)
    return ip.is_global and not ip.is_multicast and ip != AZURE_HOST


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that `ip` carries, which is where it leads; else `ip`."""
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
