"""Messages of any type, from its descriptor: what a contract gains is covered by itself."""

from functools import cache
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

from tests.fuzz.grpc_calls.values import Values, values_of

# Some types contain themselves, such as google.protobuf.Value.
_MAX_DEPTH = 5
_FEW = 3
# Beyond the bounds that contracts set on lists.
_MANY = (17, 40, 3000)


@cache
def messages_of(descriptor: Descriptor, depth: int = 0) -> st.SearchStrategy[Message]:
    """Messages with any of their fields set, to any value.

    Most set few fields: of many random values one is wrong, and nothing behind its check is tried.
    """
    fields = {
        field.name: _field(field, depth)
        for field in descriptor.fields
        if depth < _MAX_DEPTH or field.message_type is None
    }
    make: Any = message_factory.GetMessageClass(descriptor)

    @st.composite
    def message(draw: st.DrawFn) -> Message:
        values = {name: draw(fields[name]) for name in draw(_choices(descriptor, tuple(fields)))}
        made: Message = make(**values)
        return made

    return message()


def _choices(descriptor: Descriptor, names: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    """Which fields to set: mostly one of each oneof, and up to three others."""
    if not names:
        return st.just([])
    any_of_all = st.lists(st.sampled_from(names), unique=True, max_size=len(names))
    few = st.lists(st.sampled_from(names), unique=True, max_size=_FEW)
    # A field with presence is the only one of a oneof without a name of its own.
    oneofs = [
        [field.name for field in oneof.fields if field.name in names]
        for oneof in descriptor.oneofs
        if not oneof.name.startswith("_")
    ]
    members = [st.sampled_from(oneof) for oneof in oneofs if oneof]
    likely = st.tuples(few, st.tuples(*members)).map(lambda drawn: [*drawn[0], *drawn[1]])
    return likely | likely | likely | any_of_all


def _field(field: FieldDescriptor, depth: int) -> Values:
    if field.message_type and field.message_type.GetOptions().map_entry:
        key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        return st.dictionaries(values_of(key), _one(value, depth), max_size=_FEW)
    one = _one(field, depth)
    return _lists(one) if field.is_repeated else one


def _one(field: FieldDescriptor, depth: int) -> Values:
    return messages_of(field.message_type, depth + 1) if field.message_type else values_of(field)


def _lists(elements: Values) -> Values:
    many = st.builds(lambda element, count: [element] * count, elements, st.sampled_from(_MANY))
    few = st.lists(elements, max_size=_FEW)
    return few | few | few | many
