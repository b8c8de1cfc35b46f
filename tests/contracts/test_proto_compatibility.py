"""Clients of the last release understand the present contracts."""

from collections.abc import Callable

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorSet

from tools.protocheck import RELEASED, compile_contracts, find_breaks

_PACKAGE = "kaito.inference.v1"
_DOUBLE = FieldDescriptorProto.TYPE_DOUBLE


@pytest.fixture(scope="module")
def released() -> FileDescriptorSet:
    return FileDescriptorSet.FromString(RELEASED.read_bytes())


def test_the_contracts_break_no_client_of_the_last_release(released: FileDescriptorSet) -> None:
    assert list(find_breaks(released, compile_contracts())) == []


def _usage(contracts: FileDescriptorSet) -> DescriptorProto:
    return next(
        message
        for file in contracts.file
        for message in file.message_type
        if (file.package, message.name) == (_PACKAGE, "Usage")
    )


def _remove_field(contracts: FileDescriptorSet) -> None:
    del _usage(contracts).field[0]


def _rename_field(contracts: FileDescriptorSet) -> None:
    _usage(contracts).field[0].name = "input_tokens"


def _renumber_field(contracts: FileDescriptorSet) -> None:
    _usage(contracts).field[0].number = 77


def _retype_field(contracts: FileDescriptorSet) -> None:
    _usage(contracts).field[0].type = _DOUBLE


def _repeat_field(contracts: FileDescriptorSet) -> None:
    _usage(contracts).field[0].label = FieldDescriptorProto.LABEL_REPEATED


def _remove_message(contracts: FileDescriptorSet) -> None:
    _usage(contracts).name = "TokenUsage"


def _inference_file(contracts: FileDescriptorSet) -> int:
    return next(at for at, file in enumerate(contracts.file) if file.package == _PACKAGE)


def _rename_enum_value(contracts: FileDescriptorSet) -> None:
    contracts.file[_inference_file(contracts)].enum_type[0].value[1].name = "FINISH_REASON_DONE"


def _remove_method(contracts: FileDescriptorSet) -> None:
    del contracts.file[_inference_file(contracts)].service[0].method[0]


def _unary_to_stream(contracts: FileDescriptorSet) -> None:
    contracts.file[_inference_file(contracts)].service[0].method[0].server_streaming = True


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_remove_field, "Usage.prompt_tokens = 1 is gone; reserve its number and its name"),
        (_rename_field, "Usage.prompt_tokens = 1 is now called input_tokens"),
        (_renumber_field, "Usage.prompt_tokens = 1 is gone; reserve its number and its name"),
        (_retype_field, "Usage.prompt_tokens = 1 has another type, label or oneof"),
        (_repeat_field, "Usage.prompt_tokens = 1 has another type, label or oneof"),
        (_remove_message, "Usage is gone"),
        (_rename_enum_value, "FinishReason.FINISH_REASON_STOP = 1 is gone or has another name"),
        (_remove_method, "InferenceService.Generate is gone; deprecate it instead"),
        (_unary_to_stream, "InferenceService.Generate takes, returns or streams something else"),
    ],
)
def test_a_break_is_named(
    released: FileDescriptorSet, change: Callable[[FileDescriptorSet], None], says: str
) -> None:
    changed = FileDescriptorSet.FromString(released.SerializeToString())
    change(changed)
    assert list(find_breaks(released, changed)) == [f"{_PACKAGE}.{says}"]


def test_a_field_may_go_if_its_number_and_name_are_reserved(released: FileDescriptorSet) -> None:
    changed = FileDescriptorSet.FromString(released.SerializeToString())
    usage = _usage(changed)
    usage.reserved_name.append(usage.field[0].name)
    usage.reserved_range.add(start=1, end=2)
    del usage.field[0]
    assert list(find_breaks(released, changed)) == []
