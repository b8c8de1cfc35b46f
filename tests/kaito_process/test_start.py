"""A service that is stopped while it imports, as the first process of its container."""

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def start(folder: Path, program: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a package `service` of this program the way the images do."""
    package = folder / "service"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(program)
    return subprocess.Popen(
        [sys.executable, "-m", "kaito_process.start", "service", *arguments],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'libs'}{os.pathsep}{folder}"},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_stop_during_the_imports_ends_the_process(tmp_path: Path) -> None:
    imports = "import signal\nprint('importing', flush=True)\nsignal.pause()\n"
    with start(tmp_path, imports) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 143


def test_a_handler_of_the_service_takes_the_place(tmp_path: Path) -> None:
    serves = (
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "print('serving', flush=True)\n"
        "signal.pause()\n"
    )
    with start(tmp_path, serves) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 7


def test_the_service_runs_as_if_python_had_started_it(tmp_path: Path) -> None:
    tells = (
        "import sys\n"
        "main = sys.modules['__main__']\n"
        "print(__name__, main.__spec__.name, sys.argv[0] == __file__, sys.argv[1:])\n"
    )
    with start(tmp_path, tells, "train", "--steps=2") as process:
        assert process.stdout is not None
        assert process.stdout.read() == ("__main__ service.__main__ True ['train', '--steps=2']\n")
    assert process.returncode == 0
