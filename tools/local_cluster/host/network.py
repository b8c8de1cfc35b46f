"""The cluster's network on this machine: bridge, routes, address translation, namespaces.

No packet for the pod or Service ranges may leave the machine, not even when the cluster is half
down. The pod range is a blackhole, and each node adds a more specific route. The Service range
points to the bridge, where no interface has such an address: a blackhole would make the host's own
connections fail at route lookup, before kube-proxy's rules see them.
"""

import json
import shutil
from pathlib import Path

from tools.local_cluster import topology
from tools.local_cluster.processes.commands import attempt, run

# Traffic that leaves the machine gets the host's address. Traffic between pods, nodes, Services and
# the host keeps its source.
NFT_RULES = f"""\
table ip {topology.NFT_TABLE}
delete table ip {topology.NFT_TABLE}
table ip {topology.NFT_TABLE} {{
  chain postrouting {{
    type nat hook postrouting priority srcnat + 10; policy accept;
    ip saddr {{ {topology.POD_RANGE}, {topology.NODE_RANGE} }} \\
      ip daddr != {{ {topology.POD_RANGE}, {topology.NODE_RANGE}, {topology.SERVICE_RANGE} }} \\
      oifname != "{topology.BRIDGE}" masquerade
  }}
}}
"""

_NAMESPACES = Path("/run/netns")
_TABLES = (("ip", topology.NFT_TABLE), ("ip", "kube-proxy"), ("ip6", "kube-proxy"))

# Docker, for example, drops forwarded packets that it does not know, so ours need a rule.
_FORWARDING = tuple(("FORWARD", way, topology.BRIDGE, "-j", "ACCEPT") for way in ("-i", "-o"))


def up() -> None:
    """Create the host's bridge, routes and rules; existing ones are kept."""
    if not exists():
        run("ip", "link", "add", topology.BRIDGE, "type", "bridge")
    address = f"{topology.HOST}/{topology.PREFIX_LENGTH}"
    run("ip", "address", "replace", address, "dev", topology.BRIDGE)
    run("ip", "link", "set", topology.BRIDGE, "up")
    run("ip", "route", "replace", "blackhole", topology.POD_RANGE)
    run("ip", "route", "replace", topology.SERVICE_RANGE, "dev", topology.BRIDGE)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    _sysctl(topology.BRIDGE, "send_redirects", "0")
    run("nft", "-f", "-", stdin=NFT_RULES)
    if _is_forwarding_closed():
        for rule in _FORWARDING:
            run("iptables", "-w", "-I", *rule)


def _is_forwarding_closed() -> bool:
    if not shutil.which("iptables"):
        return False
    return run("iptables", "-w", "-S", "FORWARD").startswith("-P FORWARD DROP")


def exists() -> bool:
    return attempt("ip", "link", "show", topology.BRIDGE)


def down() -> None:
    """Remove what `up` created, except ip_forward, which other programs may rely on by now."""
    for index in range(topology.MAX_NODES):
        if Path(f"/sys/class/net/{topology.veth(index)}").exists():
            attempt("ip", "link", "delete", topology.veth(index))
    for space in namespaces():
        attempt("ip", "netns", "delete", space)
    if not any(_NAMESPACES.glob("*")):
        attempt("umount", str(_NAMESPACES))
    for family, table in _TABLES:
        attempt("nft", "delete", "table", family, table)
    if _is_forwarding_closed():
        for rule in _FORWARDING:
            attempt("iptables", "-w", "-D", *rule)
    for route in routes():
        attempt("ip", "route", "delete", *route)
    attempt("ip", "link", "delete", topology.BRIDGE)


def namespaces() -> list[str]:
    return sorted(p.name for p in _NAMESPACES.glob(f"{topology.NETNS_PREFIX}*"))


def routes() -> list[list[str]]:
    """Our routes in the host's table, as arguments of `ip route delete`."""
    return deletions(json.loads(run("ip", "-json", "route", "show") or "[]"))


def deletions(listed: list[dict[str, str]]) -> list[list[str]]:
    """Our routes among those that `ip -json` lists, as arguments of `ip route delete`."""
    return [_delete_arguments(route) for route in listed if _is_ours(route["dst"])]


def _is_ours(destination: str) -> bool:
    return destination.startswith("10.244.") or destination == topology.SERVICE_RANGE


def _delete_arguments(route: dict[str, str]) -> list[str]:
    kind = [route["type"]] if route.get("type", "unicast") != "unicast" else []
    return [*kind, route["dst"]]


def _sysctl(interface: str, name: str, value: str) -> None:
    Path(f"/proc/sys/net/ipv4/conf/{interface}/{name}").write_text(value)


def add_node(name: str, index: int) -> None:
    """Create the node's namespace, its link to the bridge, and the route to its pods."""
    space, outer, address = topology.netns(name), topology.veth(index), topology.node_address(index)
    if space not in namespaces():
        run("ip", "netns", "add", space)
    if not Path(f"/sys/class/net/{outer}").exists():
        run("ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", space)
    run("ip", "link", "set", outer, "master", topology.BRIDGE, "up")
    commands = [
        "link set lo up",
        f"address replace {address}/{topology.PREFIX_LENGTH} dev eth0",
        "link set eth0 up",
        f"route replace default via {topology.HOST}",
    ]
    run("ip", "-netns", space, "-batch", "-", stdin="\n".join(commands) + "\n")
    run("nsenter", f"--net=/run/netns/{space}", "sysctl", "-qw", "net.ipv4.ip_forward=1")
    run("ip", "route", "replace", topology.pod_range(index), "via", address)


def remove_node(name: str, index: int) -> None:
    attempt("ip", "route", "delete", topology.pod_range(index))
    attempt("ip", "link", "delete", topology.veth(index))
    attempt("ip", "netns", "delete", topology.netns(name))
