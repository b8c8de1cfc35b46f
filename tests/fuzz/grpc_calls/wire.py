"""What a broken or newer client puts on the wire instead of a message of the contract."""

from hypothesis import strategies as st

# A field that no message has: number 18000, as varint, as text, and as a group that never ends.
_UNKNOWN_FIELDS = (b"\x80\xe5\x08\x01", b"\x82\xe5\x08\x03abc", b"\x83\xe5\x08")
# Field 1 as text that is no UTF-8; as a length beyond the end; a varint without end; field 0.
_UNDECODABLE = (b"\x0a\x02\xff\xfe", b"\x0a\xff\xff\xff\xff\x0f", b"\x08" + b"\xff" * 12, b"\x00")


@st.composite
def payloads_of(draw: st.DrawFn, messages: st.SearchStrategy[bytes]) -> bytes:
    """The bytes of a message; of one in three, changed in a way that no library would."""
    payload = draw(messages)
    match draw(st.sampled_from(("as it is",) * 6 + ("unknown", "broken", "cut", "flipped"))):
        case "unknown":
            return payload + draw(st.sampled_from(_UNKNOWN_FIELDS))
        case "broken":
            return payload + draw(st.sampled_from(_UNDECODABLE) | st.binary(max_size=20))
        case "cut":
            return payload[: draw(st.integers(0, max(len(payload) - 1, 0)))]
        case "flipped" if payload:
            at = draw(st.integers(0, len(payload) - 1))
            flipped = payload[at] ^ draw(st.integers(1, 255))
            return payload[:at] + bytes([flipped]) + payload[at + 1 :]
        case _:
            return payload
