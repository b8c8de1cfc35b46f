"""Templates of columns."""

import pytest

from kaito_training.errors import ConfigError
from kaito_training.row_template import Part, parse_template


@pytest.mark.parametrize(
    ("template", "parts"),
    [
        ("{a}", (Part("", "a"),)),
        ("Q: {a}\n\n{b}!", (Part("Q: ", "a"), Part("\n\n", "b"), Part("!", None))),
        ("{{a}} {b}", (Part("{", None), Part("a}", None), Part(" ", "b"))),
        ("{translation.en}", (Part("", "translation.en"),)),
        ("{a column}", (Part("", "a column"),)),
        ("{a.__class__}", (Part("", "a.__class__"),)),
    ],
)
def test_template_is_parsed(template: str, parts: tuple[Part, ...]) -> None:
    assert parse_template(template, "key") == parts


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{a", "expected '}' before end of string; write {{ and }} for braces that are meant"),
        ("a}", "Single '}' encountered"),
        ("{}", "write the name of a column and nothing else"),
        ("{ }", "write the name of a column and nothing else"),
        ("{a!r}", "write the name of a column and nothing else"),
        ("{a:>9}", "write the name of a column and nothing else"),
        ("", "names no column"),
        ("{{a}}", "which names no column; write one in braces, for example {instruction}"),
    ],
)
def test_wrong_template_is_refused(template: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_template(template, "DatasetConfig.prompt_template")
    assert str(caught.value).startswith(f"DatasetConfig.prompt_template is {template!r}")
    assert expected in str(caught.value)
