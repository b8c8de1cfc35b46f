"""The command line: `serve`, `up`, `down`, `status`, `pools`, `calls`, `book`, `quota`, `prices`,
`power`, `faults`, `evict`."""

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
from tools.aks_emulator.core.faults import DESCRIPTIONS, FaultKind
from tools.aks_emulator.core.model import Json
from tools.aks_emulator.settings import Settings

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        return _run(options, arguments)
    except EmulatorError as error:
        print(f"aks_emulator: {error}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    match options.command:
        case "serve":
            return asyncio.run(_serve(settings.from_arguments(options)))
        case "up":
            return _up(settings.from_arguments(options), arguments[1:])
        case "down":
            return _down(options.home, options.purge)
        case "status":
            return _status(options)
        case "faults":
            return _faults(options)
        case "quota":
            return _quota(options)
        case "prices":
            return _prices(options)
        case "power":
            return _show(_client(options).call("PUT", "power", {"power": options.to}))
        case "evict":
            return _show(_client(options).call("POST", "evict", {"pool": options.pool}))
        case _:
            return _show(_client(options).call("GET", options.command))


async def _serve(config: Settings) -> int:
    # Imported here because only a server needs the SKU data and the Kubernetes parts.
    from tools.aks_emulator.emulator import running
    from tools.aks_emulator.machines.local import LocalClusterMachines
    from tools.aks_emulator.machines.provider import MachineError, NoMachines
    from tools.aks_emulator.web.keys import LocalClusterKeys, NoKeys
    from tools.local_cluster.paths import Paths

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    paths = Paths.from_env(os.environ)
    machines = LocalClusterMachines(paths) if config.machines else NoMachines()
    keys = LocalClusterKeys(paths) if config.machines else NoKeys()
    try:
        async with running(config, machines, keys):
            logger.info("serving %s on %s", config.ids.cluster_id, config.url)
            await stop.wait()
    except MachineError as error:
        raise daemon.no_cluster(error) from error
    except OSError as error:
        message = (
            f"cannot listen on {config.host}:{config.port} or :{config.prices_port}: {error}. "
            "Start the local cluster first, or choose another address with --host, --port and "
            "--prices-port"
        )
        raise EmulatorError(message) from error
    return 0


def _up(config: Settings, arguments: Sequence[str]) -> int:
    started = daemon.up(config, arguments)
    print(f"emulator {'is up' if started else 'was up already'} at {config.url}")
    home = config.home
    print(f"certificate authority {home / 'ca.pem'}, log {daemon.log(home)}")
    return 0


def _down(home: Path, purge: bool) -> int:
    print("emulator stopped" if daemon.down(home) else "emulator was not running")
    if purge:
        (home / "state.jsonl").unlink(missing_ok=True)
    return 0


def _status(options: argparse.Namespace) -> int:
    client = _client(options)
    health = client.call("GET", "health")
    pools = client.call("GET", "pools")
    print(f"{health['status']} at {client.url}: {health['cluster']}, power {pools['power']}")
    return 0


def _faults(options: argparse.Namespace) -> int:
    client = _client(options)
    match options.action:
        case "kinds":
            width = max(map(len, FaultKind))
            for kind, meaning in DESCRIPTIONS.items():
                print(f"{kind:<{width}}  {meaning}")
            return 0
        case "set":
            names = ("pool", "vm_size", "operation", "count", "seconds", "zone", "code", "message",
                     "status", "body")  # fmt: skip
            body: Json = {name: getattr(options, name) for name in names}
            body["hidden"] = options.hidden or None
            body = {k: v for k, v in body.items() if v is not None}
            return _show(client.call("POST", "faults", {"kind": options.kind, **body}))
        case "clear":
            which = f"faults/{options.which}" if options.which else "faults"
            return _show(client.call("DELETE", which))
        case _:
            return _show(client.call("GET", "faults"))


def _quota(options: argparse.Namespace) -> int:
    limits = dict(pair.partition("=")[::2] for pair in options.limit)
    if not limits:
        return _show(_client(options).call("GET", "quota"))
    try:
        body: Json = {name: int(limit) for name, limit in limits.items()}
    except ValueError as error:
        raise EmulatorError(f"quota {options.limit}: use NAME=VCPUS ({error})") from error
    return _show(_client(options).call("PUT", "quota", body))


def _prices(options: argparse.Namespace) -> int:
    prices = dict(pair.partition("=")[::2] for pair in options.price)
    try:
        body: Json = {size: float(price) for size, price in prices.items()}
    except ValueError as error:
        raise EmulatorError(f"prices {options.price}: use SIZE=DOLLARS ({error})") from error
    return _show(_client(options).call("PUT", "prices", body))


def _show(answer: Json) -> int:
    print(json.dumps(answer, indent=2))
    return 0


def _client(options: argparse.Namespace) -> AdminClient:
    return AdminClient(f"https://{options.host}:{options.port}", options.home / "ca.pem")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.aks_emulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("serve", "run in the foreground"), ("up", "run in the background")):
        settings.add_arguments(commands.add_parser(name, help=text))
    down = _with_address(
        commands.add_parser("down", help="stop the emulator; keeps pools and nodes")
    )
    down.add_argument("--purge", action="store_true", help="also forget the pools")
    for name, text in (
        ("status", "show whether the emulator answers"),
        ("pools", "list the agent pools and their machines"),
        ("calls", "show how often each call was made"),
        ("book", "show what each machine has cost"),
    ):
        _with_address(commands.add_parser(name, help=text))
    quota = _with_address(commands.add_parser("quota", help="show or set quota"))
    quota.add_argument("limit", nargs="*", metavar="NAME=VCPUS")
    prices = _with_address(
        commands.add_parser("prices", help="set prices per hour; without any, the recorded ones")
    )
    prices.add_argument("price", nargs="*", metavar="SIZE=DOLLARS")
    power = _with_address(commands.add_parser("power", help="stop or start the AKS cluster"))
    power.add_argument("to", choices=("stop", "start"))
    evict = _with_address(commands.add_parser("evict", help="evict the machines of a spot pool"))
    evict.add_argument("pool")
    _fault_parser(commands.add_parser("faults", help="turn faults on and off"))
    return parser


def _fault_parser(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    _with_address(actions.add_parser("list", help="list the active faults"))
    _with_address(actions.add_parser("kinds", help="list the kinds of faults"))
    clear = _with_address(actions.add_parser("clear", help="turn off one fault, one kind, or all"))
    clear.add_argument("which", nargs="?", metavar="ID_OR_KIND")
    add = _with_address(actions.add_parser("set", help="turn on a fault"))
    add.add_argument("kind", choices=list(FaultKind))
    add.add_argument("--pool", help="glob of pool names (default: all)")
    add.add_argument("--vm-size", help="glob of VM sizes (default: all)")
    add.add_argument("--operation", help="glob of calls, for example agentPools.put (default: all)")
    add.add_argument("--count", type=int, help="how often it strikes (default: until cleared)")
    add.add_argument("--seconds", type=float)
    add.add_argument("--zone")
    add.add_argument("--code")
    add.add_argument("--message")
    add.add_argument("--status", type=int, help="HTTP status of a refused request (default: 400)")
    add.add_argument("--body", help="JSON of the error, instead of --code and --message")
    add.add_argument("--hidden", action="store_true", help="hide it from quota and SKU listings")


def _with_address(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    defaults = Settings(home=settings.home(os.environ))
    parser.add_argument("--home", type=Path, default=defaults.home)
    parser.add_argument("--host", default=defaults.host)
    parser.add_argument("--port", default=defaults.port, type=int)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
