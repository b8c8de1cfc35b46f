"""Whether a JSON text has an object on each line, by its beginning."""

from tuner.formats.file_format import FileFormat
from tuner.formats.json_value import EXTRA_DATA, UNTERMINATED, JsonFault, decode_only


def json_layout(head: str, is_complete: bool, declared: FileFormat | None) -> FileFormat:
    """JSON_LINES, or JSON for everything else; `head` is the whole text if `is_complete`."""
    by_name = FileFormat.JSON_LINES if declared is FileFormat.JSON_LINES else FileFormat.JSON
    head = head.lstrip()
    if head.startswith("["):
        return FileFormat.JSON
    if not head.startswith("{"):
        return by_name
    line, _, others = head.partition("\n")
    next_is_object = others.lstrip().startswith("{")
    try:
        decode_only(line)
    except JsonFault as fault:
        is_open = fault.is_cut and fault.problem != UNTERMINATED
        # Objects over several lines, or several objects on one.
        if is_open or fault.problem == EXTRA_DATA or not others:
            return FileFormat.JSON
        return FileFormat.JSON_LINES if next_is_object else by_name
    is_single = is_complete and not others.strip()
    return FileFormat.JSON if is_single else FileFormat.JSON_LINES
