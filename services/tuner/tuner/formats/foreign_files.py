"""Recognizes what is given for a dataset and is none, and says how to get the dataset."""

import re
from collections.abc import Mapping

from tuner.formats.foreign_json import check_json
from tuner.formats.label import FileLabel, excerpt, human_size
from tuner.formats.text_stream import TextStream

PROVIDE = "provide the dataset itself as parquet, json, jsonl, csv or arrow"
ADDRESS = "use the address of the file itself, not of a page about it"
SIGNATURES: Mapping[bytes, str] = {
    b"PARE": "an encrypted parquet file",
    b"GGUF": "a GGUF file, the weights of a model",
    b"%PDF": "a PDF document",
    b"SQLite format 3\x00": "an SQLite database",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Excel or Word file",
    b"\x89HDF\r\n": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"\x1f\x9d": "a file of the old program compress",
    b"\x7fELF": "a program",
}
# By a name that a zip archive of this kind has within it.
ZIP_KINDS: Mapping[str, str] = {
    "xl/workbook.xml": "an Excel file",
    "word/document.xml": "a Word file",
    "mimetype": "a document of OpenDocument or EPUB",
}
PICKLE = re.compile(rb"\x80[\x02-\x05].")
# The length of the header, eight bytes, and the header, which is JSON.
SAFETENSORS = re.compile(rb'.{5}\x00\x00\x00\{"', re.DOTALL)
LFS_POINTER = re.compile(r"version https://git-lfs\.github\.com/spec/.*?size (\d+)", re.DOTALL)
HTML = re.compile(r"(<!--.*?-->\s*)?<(!doctype\s+html|html|head|body|script)\b", re.I | re.DOTALL)
TITLE = re.compile(r"<title[^>]*>\s*(.*?)\s*</title>", re.I | re.DOTALL)
XML_ERROR = re.compile(r"<Code>(.*?)</Code>.*?<Message>(.*?)</Message>", re.I | re.DOTALL)


def check_binary(head: bytes, label: FileLabel) -> None:
    """Check that a file that begins with `head` is text, as far as its first bytes tell.

    Raises:
        RunError: DATA_UNREADABLE.
    """
    for magic, kind in SIGNATURES.items():
        if head.startswith(magic):
            raise label.fault(f"is {kind}", PROVIDE)
    if PICKLE.match(head):
        raise label.fault("is a Python pickle, which can run code when it is read", PROVIDE)
    if SAFETENSORS.match(head):
        raise label.fault("is a safetensors file, the weights of a model", PROVIDE)


def check_zip(names: list[str], label: FileLabel) -> None:
    """Check that a zip archive with the members `names` is not another kind of file.

    Raises:
        RunError: DATA_UNREADABLE.
    """
    for name, kind in ZIP_KINDS.items():
        if name in names:
            raise label.fault(f"is {kind}", "save it as CSV (UTF-8)")
    if any(name.rpartition("/")[2] == "data.pkl" for name in names):
        raise label.fault("is a file of torch.save, which can run code when it is read", PROVIDE)
    if names and all(name.endswith(".npy") for name in names):
        raise label.fault("is a file of numpy.savez", PROVIDE)


def check_text(text: TextStream) -> None:
    """Check that `text` is not an answer or a pointer that was stored instead of the dataset.

    Raises:
        RunError: DATA_UNREADABLE.
    """
    label, head = text.label, text.head.lstrip()
    if pointer := LFS_POINTER.match(head):
        raise label.fault(
            f"is a Git LFS pointer to a file of {human_size(int(pointer[1]))}, not that file",
            "download the file itself: in an address of the Hugging Face hub, write /resolve/ "
            "instead of /raw/ or /blob/; in a clone, run `git lfs pull`",
        )
    if HTML.match(head):
        title = TITLE.search(head)
        about = f" with the title {excerpt(' '.join(title[1].split()))}" if title else ""
        raise label.fault(
            f"is a web page{about}",
            f"{ADDRESS}; for a private file, give a token, or its server answers with a sign-in "
            "page",
        )
    if head.startswith("<"):
        error = XML_ERROR.search(head)
        if error:
            code, message = (excerpt(" ".join(part.split()), 200) for part in error.groups())
            raise label.fault(
                f"is an error message of the storage, {code}: {message}",
                "correct the address or its access (a signature or a token), and fetch it again",
            )
        if head.startswith("<?xml"):
            raise label.fault(f"is an XML document; it begins with {excerpt(head)}", PROVIDE)
    if text.is_complete and head.startswith("{"):
        check_json(head, label)
