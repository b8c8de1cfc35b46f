"""Reads YAML as people mean it: numbers in exponent form are numbers, and no key comes twice."""

import re
from typing import Any

import yaml

from kaito_training.errors import ConfigError

# YAML 1.1, which PyYAML follows, reads 1e-4 and 1e1 (no dot, or no sign) as text.
_EXPONENT = re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+")


class _Loader(yaml.SafeLoader):
    """SafeLoader with the two differences above."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            # "<<" merges another mapping, and may be repeated.
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.value in seen:
                line = key.start_mark.line + 1
                raise ConfigError(f"line {line} repeats the key {key.value!r}; keep one of them")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+0123456789"))


def load_yaml(text: str) -> Any:
    """The document in `text`.

    Raises:
        ConfigError: it is not YAML, or a mapping has a key twice.
    """
    try:
        return yaml.load(text, _Loader)
    except ConfigError:
        raise
    # ValueError: an impossible date, or a number of thousands of digits.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"it is not YAML: {problem}; correct that place") from error
