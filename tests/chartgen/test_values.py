"""Values files are read with their comments."""

from tools.chartgen.values import Value, values

SOURCE = """\
# About the file.

# -- How many
# of them.
# @schema {minimum: 1}
count: 2

# Settings of the process.
settings:
  # -- Its port.
  port: 80
  plain: x
"""


def test_comments_schemas_and_defaults_belong_to_their_keys() -> None:
    assert list(values(SOURCE)) == [
        Value(
            path=("count",),
            comment="How many of them.",
            default=2,
            groups=False,
            schema={"minimum": 1},
        ),
        Value(
            path=("settings",),
            comment="Settings of the process.",
            default={"port": 80, "plain": "x"},
            groups=True,
        ),
        Value(path=("settings", "port"), comment="Its port.", default=80, groups=False),
    ]
