"""The arguments of `python -m tuner check`."""

import argparse
from pathlib import Path

from tuner.settings import Method

ABOUT = "check data before you spend: print what a run would make of it"
DESCRIPTION = """\
Print what a run would make of the data: rows, tokens, rows that are dropped or cut and why,
duplicates, steps, hours, dollars, and three examples as the model sees them.

Exit codes: 0 the data can be trained on, 1 it cannot, 2 wrong usage."""
EXAMPLES = """\
examples:
  python -m tuner check train.jsonl
  python -m tuner check data/ --config training_config.yaml --model ~/models/phi-3-mini
  python -m tuner check https://example.com/train.parquet --instance-type Standard_NC24ads_A100_v4

Without --model, tokens are estimated from the number of characters, and rows that are too long are
not found. Of the model only the tokenizer and the headers of the weights are read."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments to `parser`."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a data file, a directory of them, or a URL"
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="YAML",
        help="the run's training_config.yaml (default: the default of the method)",
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="DIR",
        help="a directory with the model's tokenizer, for exact numbers",
    )
    parser.add_argument("--method", type=Method, choices=list(Method), default=Method.LORA)
    parser.add_argument(
        "--instance-type",
        default="",
        metavar="NAME",
        help="the node to estimate hours and dollars for, such as Standard_NC24ads_A100_v4",
    )
    parser.add_argument(
        "--price", type=_price, metavar="DOLLARS", help="per hour (default: the list price)"
    )
    parser.add_argument(
        "--parameters",
        type=_parameters,
        metavar="COUNT",
        help="the model's size, such as 7e9 (default: what the files of --model tell)",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def _price(text: str) -> float:
    return _number(text, "a number of dollars", 0)


def _parameters(text: str) -> int:
    return int(_number(text, "a number of parameters, such as 7e9", 1))


def _number(text: str, expected: str, minimum: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    # A comparison that NaN fails.
    if not minimum <= value < 1e15:
        raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
    return value
