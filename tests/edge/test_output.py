import pytest

from edge import output
from edge.errors import UserError, WorkError


def test_columns_are_aligned():
    assert output.table(("a", "long head"), [("wide cell", 1)]) == (
        "| a         | long head |\n|-----------|-----------|\n| wide cell | 1         |"
    )


def test_numbers_stand_to_the_right():
    assert output.table(("a", "n"), [("x", 5), ("y", 1234)], numbers_from=1) == (
        "| a |    n |\n|---|-----:|\n| x |    5 |\n| y | 1234 |"
    )


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    output.write(tmp_path / "new" / "report.md", "text\n")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.md"]
    assert (tmp_path / "new" / "report.md").read_text() == "text\n"
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="cannot be written: .*; name another file"):
        output.write(tmp_path / "folder", "text\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "new"]


def test_a_place_where_no_file_can_be_is_told_before_the_work(tmp_path):
    (tmp_path / "file").touch()
    output.check_writable(None)
    output.check_writable(tmp_path / "new" / "report.md")
    for wrong in (tmp_path, tmp_path / "file" / "report.md", "/dev/full/report.md"):
        with pytest.raises(UserError, match="is a folder, or lies below a file; name another file"):
            output.check_writable(wrong)


def test_a_full_disk_is_no_mistake_of_the_user(tmp_path, monkeypatch):
    path = tmp_path / "report.md"
    output.write(path, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output.os, "fsync", full)
    with pytest.raises(WorkError, match="the disk is full, 1 kB are needed and 0 kB of them missing; what was there"):
        output.write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
