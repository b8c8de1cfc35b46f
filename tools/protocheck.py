"""Compares the gRPC contracts with those of the last release: `python -m tools.protocheck`.

A client of the last release must be understood, and must understand what it gets. `proto/
released.binpb` holds the descriptors of that release; `--release` replaces them by the present
ones. buf does the same and more, but is a Go program of 100 MB; the rules here are those of its
WIRE_JSON category that proto3 files can break.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)
from grpc_tools import protoc

from tools.protogen import SOURCE

RELEASED = SOURCE / "released.binpb"
Definition = DescriptorProto | EnumDescriptorProto | ServiceDescriptorProto


def compile_contracts(source: Path = SOURCE) -> FileDescriptorSet:
    """The descriptors of all contracts below `source`, without comments."""
    protos = [str(path) for path in sorted((source / "kaito").rglob("*.proto"))]
    includes = [f"-I{source}", f"-I{files('grpc_tools') / '_proto'}"]
    with TemporaryDirectory() as folder:
        target = Path(folder) / "contracts.binpb"
        if protoc.main(["protoc", *includes, f"--descriptor_set_out={target}", *protos]):
            sys.exit("protoc failed: see its message above")
        return FileDescriptorSet.FromString(target.read_bytes())


def find_breaks(old: FileDescriptorSet, new: FileDescriptorSet) -> Iterator[str]:
    """What a client of `old` would no longer understand, one sentence each."""
    before, after = dict(_definitions(old)), dict(_definitions(new))
    for name, definition in before.items():
        present = after.get(name)
        if type(present) is not type(definition):
            yield f"{name} is gone"
        elif isinstance(definition, DescriptorProto):
            assert isinstance(present, DescriptorProto)
            yield from _message_breaks(name, definition, present)
        elif isinstance(definition, EnumDescriptorProto):
            assert isinstance(present, EnumDescriptorProto)
            yield from _enum_breaks(name, definition, present)
        else:
            assert isinstance(present, ServiceDescriptorProto)
            yield from _service_breaks(name, definition, present)


def _definitions(contracts: FileDescriptorSet) -> Iterator[tuple[str, Definition]]:
    for file in contracts.file:
        for enum in file.enum_type:
            yield f"{file.package}.{enum.name}", enum
        for service in file.service:
            yield f"{file.package}.{service.name}", service
        for message in file.message_type:
            yield from _nested(f"{file.package}.{message.name}", message)


def _nested(name: str, message: DescriptorProto) -> Iterator[tuple[str, Definition]]:
    yield name, message
    for enum in message.enum_type:
        yield f"{name}.{enum.name}", enum
    for inner in message.nested_type:
        yield from _nested(f"{name}.{inner.name}", inner)


def _message_breaks(name: str, old: DescriptorProto, new: DescriptorProto) -> Iterator[str]:
    fields = {field.number: field for field in new.field}
    for field in old.field:
        where = f"{name}.{field.name} = {field.number}"
        present = fields.get(field.number)
        if present is None:
            if not _is_reserved(new, field):
                yield f"{where} is gone; reserve its number and its name"
        elif present.name != field.name:
            yield f"{where} is now called {present.name}"
        elif _shape(old, field) != _shape(new, present):
            yield f"{where} has another type, label or oneof"


def _is_reserved(message: DescriptorProto, field: FieldDescriptorProto) -> bool:
    by_number = any(each.start <= field.number < each.end for each in message.reserved_range)
    return by_number and field.name in message.reserved_name


def _shape(message: DescriptorProto, field: FieldDescriptorProto) -> tuple[object, ...]:
    oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else None
    return field.type, field.type_name, field.label, field.proto3_optional, oneof


def _enum_breaks(name: str, old: EnumDescriptorProto, new: EnumDescriptorProto) -> Iterator[str]:
    present: Mapping[int, str] = {value.number: value.name for value in new.value}
    for value in old.value:
        if present.get(value.number) != value.name:
            yield f"{name}.{value.name} = {value.number} is gone or has another name"


def _service_breaks(
    name: str, old: ServiceDescriptorProto, new: ServiceDescriptorProto
) -> Iterator[str]:
    methods = {method.name: method for method in new.method}
    for method in old.method:
        present = methods.get(method.name)
        if present is None:
            yield f"{name}.{method.name} is gone; deprecate it instead"
            continue
        present.ClearField("options")
        method.ClearField("options")
        if present != method:
            yield f"{name}.{method.name} takes, returns or streams something else"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.protocheck", description=__doc__)
    parser.add_argument("--release", action="store_true", help="record the present contracts")
    contracts = compile_contracts()
    if parser.parse_args().release:
        RELEASED.write_bytes(contracts.SerializeToString(deterministic=True))
        return
    breaks = list(find_breaks(FileDescriptorSet.FromString(RELEASED.read_bytes()), contracts))
    if breaks:
        sys.exit("clients of the last release would break:\n  " + "\n  ".join(breaks))


if __name__ == "__main__":
    main()
