"""Decides which addresses data may be fetched from.

The author of a Workspace chooses the URL, and the fetcher runs inside the cluster. Without this
guard against server-side request forgery (SSRF), a URL could reach everything that the pod's
network reaches: cloud metadata, services, the node itself.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kaito_process.retry_policy import TransientError
from tuner.errors import RunError
from tuner.reasons import Reason

Resolve = Callable[[str, int], Sequence[str]]

# Azure's wire server: a public number, but the host of every Azure VM answers it.
AZURE_WIRE_SERVER = ipaddress.ip_address("168.63.129.16")
# IPv6-only clusters reach IPv4 through the first prefix; the second is for local use (RFC 8215).
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")


def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of `host` in the system resolver's order, without duplicates."""
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


@dataclass(frozen=True, slots=True)
class SsrfGuard:
    """Resolves a host to the addresses that may be connected to."""

    allow_private: bool
    resolve: Resolve = system_resolve

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """The checked addresses of `host`.

        Connect to one of these and do not resolve the name again: a second lookup could answer
        differently (DNS rebinding).

        Raises:
            TransientError: the name cannot be resolved.
            RunError: DATA_UNREACHABLE, at least one of the addresses is not public.
        """
        try:
            addresses = self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise TransientError(f"host {host!r} cannot be resolved ({error})") from error
        for address in addresses:
            if not self.allow_private and not is_public(address):
                raise RunError(
                    Reason.DATA_UNREACHABLE,
                    f"data host {host!r} has the address {address}, which is not public; use a "
                    "public URL, or ask the cluster's administrator to set the chart's "
                    "allowPrivateDataHosts (KAITO_ALLOW_PRIVATE_DATA_HOSTS) to true",
                    retryable=False,
                )
        return addresses


def is_public(address: str) -> bool:
    """True for a globally routable unicast address outside the cloud's own host."""
    # An IPv6 address may carry a zone: fe80::1%eth0.
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in NAT64_LOCAL:
            return False
        ip = _embedded_ipv4(ip)
    return ip.is_global and not ip.is_multicast and ip != AZURE_WIRE_SERVER


def _embedded_ipv4(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that `ip` embeds and that packets to it reach; `ip` if there is none."""
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
