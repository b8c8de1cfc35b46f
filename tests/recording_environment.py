"""An environment for tests of settings."""

from collections.abc import Iterator, Mapping


class RecordingEnvironment(Mapping[str, str]):
    """Environment variables that record which of them were read, set or not."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self.variables = dict(variables or {})
        self.names_read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names_read.add(name)
        return self.variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.variables)

    def __len__(self) -> int:
        return len(self.variables)
