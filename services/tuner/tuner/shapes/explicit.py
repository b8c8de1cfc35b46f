"""The shape that DatasetConfig names, column by column."""

from dataclasses import dataclass

from kaito_training.row_template import Part, parse_template
from kaito_training.sections import DatasetConfig
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.shapes.chat.system_prompt import find_system_prompt
from tuner.shapes.messages import messages_shape
from tuner.shapes.pairs.pair_detection import pair_shape
from tuner.shapes.plain_text import TextShape
from tuner.shapes.shape import Shape
from tuner.shapes.template import TemplateShape, TextTemplate, read_path
from tuner.shapes.values.columns import Columns

DEFAULT_RESPONSE_COLUMN = DatasetConfig().response_column


def find_explicit(name: str, columns: Columns, config: DatasetConfig) -> Shape | None:
    """The shape of the file `name` that `config` asks for; None if it leaves that open.

    Raises:
        RunError: DATA_COLUMN_MISSING.
    """
    lookup = _Lookup(name, columns)
    if config.messages_column:
        column = lookup.column("messages_column", config.messages_column)
        return messages_shape(column, columns, config)
    if config.prompt_template or config.response_template:
        return _template_shape(lookup, config)
    if config.context_column:
        return pair_shape(
            "prompt-completion",
            lookup.column("context_column", config.context_column),
            lookup.column("response_column", config.response_column),
            columns,
            config,
        )
    if config.response_column != DEFAULT_RESPONSE_COLUMN:
        return TextShape(lookup.column("response_column", config.response_column))
    return None


@dataclass(frozen=True, slots=True)
class _Lookup:
    """Finds columns of a file, with errors that name the key of DatasetConfig."""

    file: str
    columns: Columns

    def column(self, key: str, name: str) -> str:
        found = self.columns.find(name)
        if found is None:
            raise self._missing(key, f"the column {name}", self.columns.names)
        return found

    def path(self, key: str, path: str) -> str:
        """`path` as `read_path` takes it: a column, or "column.key" in a column of objects."""
        found = self.columns.find(path)
        if found is not None or "." not in path:
            return self.column(key, path)
        column, _, rest = path.partition(".")
        column = self.column(key, column)
        values = self.columns.values(column)
        if all(read_path({column: value}, f"{column}.{rest}") is None for value in values):
            keys = dict.fromkeys(k for value in values if isinstance(value, dict) for k in value)
            raise self._missing(key, f"{rest} in the column {column}", tuple(keys))
        return f"{column}.{rest}"

    def template(self, key: str, text: str) -> TextTemplate:
        parts = parse_template(text, f"DatasetConfig.{key}")
        return TextTemplate(
            key,
            tuple(Part(p.text, self.path(key, p.column) if p.column else None) for p in parts),
        )

    def _missing(self, key: str, what: str, names: tuple[str, ...]) -> RunError:
        cause, remedy = f"which DatasetConfig.{key} names", f"correct {key}"
        if what == f"the column {DEFAULT_RESPONSE_COLUMN}" and key == "response_column":
            cause, remedy = f"the default of DatasetConfig.{key}", f"set {key}"
        return RunError(
            Reason.DATA_COLUMN_MISSING,
            f"data file {self.file} lacks {what}, {cause}; it has: "
            f"{', '.join(map(str, names)) or 'none'}; {remedy} in training_config.yaml, or rename "
            "the column",
        )


def _template_shape(lookup: _Lookup, config: DatasetConfig) -> TemplateShape:
    prompt = None
    if config.prompt_template:
        prompt = lookup.template("prompt_template", config.prompt_template)
    elif config.context_column:
        column = lookup.column("context_column", config.context_column)
        prompt = TextTemplate("context_column", (Part("", column),))
    if config.response_template:
        answer = lookup.template("response_template", config.response_template)
    else:
        column = lookup.column("response_column", config.response_column)
        answer = TextTemplate("response_column", (Part("", column),))
    system = find_system_prompt(lookup.columns, config)
    return TemplateShape(prompt=prompt, answer=answer, system=system)
