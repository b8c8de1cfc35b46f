"""Style of the gRPC contracts: every rpc, message, enum and field is documented."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

from tools.protogen import SOURCE

PROTOS = sorted((SOURCE / "kaito").rglob("*.proto"))


@pytest.fixture(scope="module")
def descriptors(tmp_path_factory: pytest.TempPathFactory) -> list[FileDescriptorProto]:
    target = tmp_path_factory.mktemp("proto") / "all.bin"
    includes = [f"-I{SOURCE}", f"-I{files('grpc_tools') / '_proto'}"]
    arguments = [f"--descriptor_set_out={target}", "--include_source_info", *map(str, PROTOS)]
    assert protoc.main(["protoc", *includes, *arguments]) == 0
    return list(FileDescriptorSet.FromString(target.read_bytes()).file)


# Field numbers of FileDescriptorProto and below, as source paths spell them.
_NAMED = {4: "message", 5: "enum", 6: "service"}


def _undocumented(file: FileDescriptorProto) -> Iterator[str]:
    for location in file.source_code_info.location:
        path = tuple(location.path)
        is_thing = len(path) % 2 == 0 and path and path[0] in _NAMED
        is_oneof = len(path) >= 4 and path[0] == 4 and path[-2] == 8
        if is_thing and not is_oneof and not location.leading_comments.strip():
            yield f"{file.name}:{location.span[0] + 1}"


def test_everything_is_documented(descriptors: list[FileDescriptorProto]) -> None:
    assert [where for file in descriptors for where in _undocumented(file)] == []


def test_packages_are_versioned_folders(descriptors: list[FileDescriptorProto]) -> None:
    for file in descriptors:
        assert file.package.replace(".", "/") == str(Path(file.name).parent)
        assert file.package.rsplit(".", 1)[1].startswith("v")


def test_enums_start_with_unspecified(descriptors: list[FileDescriptorProto]) -> None:
    enums = [
        enum
        for file in descriptors
        for enum in (*file.enum_type, *(e for m in file.message_type for e in m.enum_type))
    ]
    assert enums
    for enum in enums:
        assert enum.value[0].number == 0
        assert enum.value[0].name.endswith("_UNSPECIFIED")
