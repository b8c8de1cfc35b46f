"""A text with names of columns in braces: `{instruction}: {input}`. `{{` and `}}` are braces."""

from dataclasses import dataclass
from string import Formatter

from kaito_training.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Part:
    """Literal `text`, and the column that follows it; None at the end."""

    text: str
    column: str | None


def parse_template(template: str, where: str) -> tuple[Part, ...]:
    """The parts of `template`, which the key `where` holds.

    Raises:
        ConfigError: braces do not match, a column has no name or a format, or there is no column.
    """
    try:
        fields = list(Formatter().parse(template))
    except ValueError as error:
        raise ConfigError(
            f"{where} is {template!r}: {error}; write {{{{ and }}}} for braces that are meant"
        ) from error
    for _, column, spec, conversion in fields:
        if column is not None and (not column.strip() or spec or conversion):
            raise ConfigError(
                f"{where} is {template!r}; between braces, write the name of a column and nothing "
                "else, or double the braces"
            )
    parts = tuple(Part(text, column) for text, column, _, _ in fields)
    if all(part.column is None for part in parts):
        raise ConfigError(
            f"{where} is {template!r}, which names no column; write one in braces, for example "
            "{instruction}"
        )
    return parts
