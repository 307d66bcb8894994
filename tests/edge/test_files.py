import json
import os

import pytest

from edge.errors import UserError
from edge.files import open_file, read_bytes, read_json


def test_a_file_is_read(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert read_bytes(tmp_path / "a", 3) == b"abc"
    with pytest.raises(ValueError, match="longer than the 2 bytes"):
        read_bytes(tmp_path / "a", 2)


@pytest.mark.parametrize("kind", ["a pipe", "a device", "a folder"])
def test_what_is_no_file_is_refused_at_once(tmp_path, kind):
    path = tmp_path / "a"
    {"a pipe": os.mkfifo, "a device": lambda p: p.symlink_to("/dev/zero"), "a folder": os.mkdir}[kind](path)
    with pytest.raises(ValueError, match=f"it is {kind}, and no file"):
        open_file(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_with_a_byte_order_mark_is_read(tmp_path, encoding):
    (tmp_path / "a.json").write_bytes(json.dumps({"ä": [1]}, ensure_ascii=False).encode(encoding))
    assert read_json(tmp_path / "a.json", "mend it") == {"ä": [1]}


@pytest.mark.parametrize(
    "content",
    [b"", b"[" * 10**5, b"[NaN]", b"[Infinity]", b'"\\ud800"', b"\xff", '{"a": 1}'.encode("utf-16-le"), b"9" * 5000],
)
def test_what_is_no_json_is_one_line(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UserError, match=r"^.*a\.json cannot be read as JSON: .*; mend it$"):
        read_json(tmp_path / "a.json", "mend it")


def test_a_huge_json_is_not_taken_in(tmp_path):
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(2**31)
    with pytest.raises(UserError, match="longer than the 16,777,216 bytes"):
        read_json(tmp_path / "a.json", "mend it")
