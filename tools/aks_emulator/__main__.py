"""The command line: `serve`, `up`, `down`, `status`, `pools`, `calls`, `quota`, `power`,
`faults`, `evict`."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.aks_emulator import daemon, settings
from tools.aks_emulator.admin_client import AdminClient, EmulatorError
from tools.aks_emulator.core.faults import MEANING, FaultKind
from tools.aks_emulator.core.model import Json
from tools.aks_emulator.settings import Settings


def main(arguments: Sequence[str]) -> int:
    given = _parser().parse_args(arguments)
    try:
        return _run(given, arguments)
    except EmulatorError as error:
        print(f"aks_emulator: {error}", file=sys.stderr)
        return 1


def _run(given: argparse.Namespace, arguments: Sequence[str]) -> int:
    match given.command:
        case "serve":
            return asyncio.run(_serve(settings.from_arguments(given)))
        case "up":
            return _up(settings.from_arguments(given), arguments[1:])
        case "down":
            return _down(given.home, given.purge)
        case "status":
            return _status(given)
        case "faults":
            return _faults(given)
        case "quota":
            return _quota(given)
        case "power":
            return _show(_client(given).call("PUT", "power", {"power": given.to}))
        case "evict":
            return _show(_client(given).call("POST", "evict", {"pool": given.pool}))
        case _:
            return _show(_client(given).call("GET", given.command))


async def _serve(asked: Settings) -> int:
    # Only a server needs the SKU data and the Kubernetes parts.
    from tools.aks_emulator.emulator import running
    from tools.aks_emulator.machines.local import LocalClusterMachines
    from tools.aks_emulator.machines.seam import MachineError, NoMachines
    from tools.aks_emulator.web.keys import LocalClusterKeys, NoKeys
    from tools.local_cluster.paths import Paths

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    paths = Paths.from_env(os.environ)
    machines = LocalClusterMachines(paths) if asked.machines else NoMachines()
    keys = LocalClusterKeys(paths) if asked.machines else NoKeys()
    try:
        async with running(asked, machines, keys):
            logging.info("serving %s on %s", asked.place.cluster_id, asked.url)
            await stop.wait()
    except MachineError as error:
        raise daemon.no_cluster(error) from error
    except OSError as error:
        message = (
            f"can't listen on {asked.host}:{asked.port}: {error}. Bring the local cluster up "
            "first, or choose another address with --host and --port"
        )
        raise EmulatorError(message) from error
    return 0


def _up(asked: Settings, options: Sequence[str]) -> int:
    started = daemon.up(asked, options)
    print(f"emulator {'is up' if started else 'was up already'} at {asked.url}")
    print(f"certificate authority {asked.home / 'ca.pem'}, log {daemon.log(asked.home)}")
    return 0


def _down(home: Path, purge: bool) -> int:
    print("emulator stopped" if daemon.down(home) else "emulator was not running")
    if purge:
        (home / "state.jsonl").unlink(missing_ok=True)
    return 0


def _status(given: argparse.Namespace) -> int:
    client = _client(given)
    health = client.call("GET", "health")
    pools = client.call("GET", "pools")
    print(f"{health['status']} at {client.url}: {health['cluster']}, power {pools['power']}")
    return 0


def _faults(given: argparse.Namespace) -> int:
    client = _client(given)
    match given.action:
        case "kinds":
            width = max(map(len, FaultKind))
            for kind, meaning in MEANING.items():
                print(f"{kind:<{width}}  {meaning}")
            return 0
        case "set":
            names = ("pool", "vm_size", "operation", "count", "seconds", "zone", "code", "message")
            asked: Json = {name: getattr(given, name) for name in names}
            asked["hidden"] = given.hidden or None
            body = {k: v for k, v in asked.items() if v is not None}
            return _show(client.call("POST", "faults", {"kind": given.kind, **body}))
        case "clear":
            which = f"faults/{given.which}" if given.which else "faults"
            return _show(client.call("DELETE", which))
        case _:
            return _show(client.call("GET", "faults"))


def _quota(given: argparse.Namespace) -> int:
    limits = dict(pair.partition("=")[::2] for pair in given.limit)
    if not limits:
        return _show(_client(given).call("GET", "quota"))
    try:
        body: Json = {name: int(limit) for name, limit in limits.items()}
    except ValueError as error:
        raise EmulatorError(f"quota {given.limit}: use NAME=VCPUS ({error})") from error
    return _show(_client(given).call("PUT", "quota", body))


def _show(answer: Json) -> int:
    print(json.dumps(answer, indent=2))
    return 0


def _client(given: argparse.Namespace) -> AdminClient:
    return AdminClient(f"https://{given.host}:{given.port}", given.home / "ca.pem")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.aks_emulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("serve", "serve until interrupted"), ("up", "serve in the background")):
        settings.add_arguments(commands.add_parser(name, help=text))
    down = _reaching(commands.add_parser("down", help="stop it; pools and nodes stay"))
    down.add_argument("--purge", action="store_true", help="forget the pools as well")
    for name, text in (
        ("status", "whether it answers"),
        ("pools", "the agent pools"),
        ("calls", "how often each call was made"),
    ):
        _reaching(commands.add_parser(name, help=text))
    quota = _reaching(commands.add_parser("quota", help="show or set quota"))
    quota.add_argument("limit", nargs="*", metavar="NAME=VCPUS")
    power = _reaching(commands.add_parser("power", help="stop or start the AKS cluster"))
    power.add_argument("to", choices=("stop", "start"))
    evict = _reaching(commands.add_parser("evict", help="take a spot pool's machines back"))
    evict.add_argument("pool")
    _fault_parser(commands.add_parser("faults", help="switch trouble on and off"))
    return parser


def _fault_parser(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    _reaching(actions.add_parser("list", help="the faults that are on"))
    _reaching(actions.add_parser("kinds", help="the faults that there are"))
    clear = _reaching(actions.add_parser("clear", help="switch off one, one kind, or all"))
    clear.add_argument("which", nargs="?", metavar="ID_OR_KIND")
    add = _reaching(actions.add_parser("set", help="switch one on"))
    add.add_argument("kind", choices=list(FaultKind))
    add.add_argument("--pool", help="glob of pool names")
    add.add_argument("--vm-size", help="glob of sizes")
    add.add_argument("--operation", help="glob of calls, such as agentPools.put")
    add.add_argument("--count", type=int, help="how many times (default: until cleared)")
    add.add_argument("--seconds", type=float)
    add.add_argument("--zone")
    add.add_argument("--code")
    add.add_argument("--message")
    add.add_argument("--hidden", action="store_true", help="not shown by listings")


def _reaching(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    defaults = Settings(home=settings.home(os.environ))
    parser.add_argument("--home", type=Path, default=defaults.home)
    parser.add_argument("--host", default=defaults.host)
    parser.add_argument("--port", default=defaults.port, type=int)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
