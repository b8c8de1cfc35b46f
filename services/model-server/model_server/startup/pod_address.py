"""The address of this pod, which endpoint pickers give to gateways."""

import ipaddress
import socket
from collections.abc import Iterable


def pod_address() -> str:
    """The IP address of the pod; empty if there is none that other hosts reach.

    The kubelet writes it beside the host's name into /etc/hosts of every container.
    """
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ""
    return choose_address(str(address[0]) for *_, address in found)


def choose_address(found: Iterable[str]) -> str:
    """The first one that is not this host's alone."""
    for text in found:
        address = ipaddress.ip_address(text)
        if not (address.is_loopback or address.is_link_local or address.is_unspecified):
            return text
    return ""
