"""Copies the tuner's default training configurations into the chart. A test compares them.

The copies are exact, comments included: a run's configuration digest is the same whether the tuner
falls back to its own default or reads the chart's ConfigMap.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "services" / "tuner" / "tuner" / "templates"
TARGET = ROOT / "charts" / "kaito" / "charts" / "workspace-controller" / "files/training-configs"


def files() -> dict[Path, str]:
    """Every generated file with its text."""
    return {TARGET / path.name: path.read_text() for path in sorted(SOURCE.glob("*.yaml"))}


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    for path, text in files().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
