"""What is given for a dataset and is none is named for what it is, whatever its suffix says."""

import pickle

import pytest

from tests.tuner.formats.conftest import Read, Refusal
from tests.tuner.formats.written import zip_of

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 734003200\n"
PAGE = b"<!DOCTYPE html><html><head><title>data.parquet \xc2\xb7 org/set at main</title>"
S3_ERROR = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>'
    b"<Message>Access Denied</Message><RequestId>X</RequestId></Error>"
)
AZURE_ERROR = (
    b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthenticationFailed</Code>'
    b"<Message>Server failed to authenticate the request.\nRequestId:1</Message></Error>"
)
PROVIDE = "provide the dataset itself as parquet, json, jsonl, csv or arrow"
SUFFIXES = (".parquet", ".json", ".jsonl", ".csv", ".tsv", ".arrow", ".txt", ".gz", "")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pointer_of_git_lfs_is_named_under_every_suffix(suffix: str, refusal: Refusal) -> None:
    assert refusal(f"x{suffix}", POINTER) == (
        f"x{suffix} (74 bytes) is a Git LFS pointer to a file of 700 MiB, not that file; download "
        "the file itself: in an address of the Hugging Face hub, write /resolve/ instead of /raw/ "
        "or /blob/; in a clone, run `git lfs pull`"
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_web_page_is_named_under_every_suffix(suffix: str, refusal: Refusal) -> None:
    assert refusal(f"x{suffix}", PAGE) == (
        f"x{suffix} (73 bytes) is a web page with the title 'data.parquet · org/set at main'; use "
        "the address of the file itself, not of a page about it; for a private file, give a token, "
        "or its server answers with a sign-in page"
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (S3_ERROR, "the storage, 'AccessDenied': 'Access Denied'"),
        (
            AZURE_ERROR,
            "the storage, 'AuthenticationFailed': 'Server failed to authenticate the request. "
            "RequestId:1'",
        ),
        (b'{"error":"Repository not found"}', "the server: 'Repository not found'"),
        (b'{"message":"Not Found","documentation_url":"u","status":"404"}', "'Not Found'"),
        (b'{"error":{"code":403,"message":"No access","errors":[]}}', "the server: 'No access'"),
        (b'{"detail": [{"msg": "field required"}]}', """'[{"msg": "field required"}]'"""),
        (b'\n{\n "error": "gone",\n "status": 410\n}\n', "the server: 'gone'"),
    ],
)
def test_error_message_of_a_server_is_quoted_under_every_suffix(
    suffix: str, content: bytes, problem: str, refusal: Refusal
) -> None:
    message = refusal(f"x{suffix}", content)
    assert f"is an error message of {problem}" in message or problem in message
    assert "; correct the address or its access (a" in message


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (pickle.dumps([1, 2]), "a Python pickle, which can run code when it is read"),
        (
            (20).to_bytes(8, "little") + b'{"a":{"dtype":"F32"}}',
            "a safetensors file, the weights of a model",
        ),
        (b"GGUF\x03\x00\x00\x00", "a GGUF file, the weights of a model"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"SQLite format 3\x00", "an SQLite database"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "a 7z archive"),
        (b"Rar!\x1a\x07\x01\x00", "a RAR archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word file"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"\x93NUMPY\x01\x00", "a NumPy array"),
        (b"Obj\x01\x04", "an Avro file"),
        (b"ORC\x0a", "an ORC file"),
        (b"PARE1234", "an encrypted parquet file"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\xff\xd8\xff\xe0", "a JPEG picture"),
        (b"GIF89a", "a GIF picture"),
        (b"\x7fELF\x02", "a program"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ""])
def test_other_kinds_of_files_are_named(
    suffix: str, content: bytes, kind: str, refusal: Refusal
) -> None:
    assert refusal(f"x{suffix}", content).endswith(f"bytes) is {kind}; {PROVIDE}")


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        (["[Content_Types].xml", "xl/workbook.xml"], "is an Excel file; save it as CSV (UTF-8)"),
        (["word/document.xml"], "is a Word file; save it as CSV (UTF-8)"),
        (["mimetype"], "is a document of OpenDocument or EPUB; save it as CSV (UTF-8)"),
        (["m/data.pkl"], f"is a file of torch.save, which can run code when it is read; {PROVIDE}"),
        (["a.npy", "b.npy"], f"is a file of numpy.savez; {PROVIDE}"),
    ],
)
def test_other_kinds_of_zip_archives_are_named(
    members: list[str], problem: str, refusal: Refusal
) -> None:
    assert refusal("x.zip", zip_of(dict.fromkeys(members, b"x"))).endswith(f"bytes) {problem}")


@pytest.mark.parametrize(
    "content",
    [
        b'{"_data_files":[{"filename":"data-00000-of-00001.arrow"}],"_fingerprint":"ab"}',
        b'{"builder_name":"x","features":{"a":{}},"splits":{}}',
    ],
)
def test_description_of_a_saved_dataset_is_named(content: bytes, refusal: Refusal) -> None:
    assert refusal("x.json", content).endswith(
        "bytes) describes a dataset that the library `datasets` has written, and holds no rows; "
        "provide the .arrow or .parquet files beside it"
    )


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("x.csv", b"", "is empty"),
        ("x.parquet", b"", "is empty"),
        ("x.jsonl", b" \n\r\n\t\n", "holds nothing but space"),
        ("x.parquet", b"hello", "is of no known format; it begins with 'hello'"),
        ("x", b"\xfe\x01\x02\x03", r"is of no known format; it begins with b'\xfe\x01\x02\x03'"),
        ("x.json", b"<?xml version='1.0'?><rss/>", "is an XML document; it begins with"),
    ],
)
def test_file_of_no_format_is_refused(
    name: str, content: bytes, problem: str, refusal: Refusal
) -> None:
    assert f") {problem}" in refusal(name, content)


def test_row_about_errors_is_a_row(read: Read) -> None:
    """An error document has nothing else; a row has other columns, or others follow it."""
    assert len(read("x.jsonl", b'{"error": "x", "fix": "y"}\n')) == 1
    assert len(read("y.jsonl", b'{"error": "x"}\n{"error": "y"}\n')) == 2
