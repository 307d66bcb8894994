import os

import pytest

from edge import output
from edge.errors import UserError, WorkError
from edge.output import check_apart, files_in


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


def test_a_pipe_and_a_device_are_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for wrong in (tmp_path / "pipe", "/dev/null"):
        with pytest.raises(UserError, match="is a device or a pipe, which a file would replace; name a file"):
            output.check_writable(wrong, "--json")
        with pytest.raises(UserError, match="it is a device or a pipe"):
            output.write(wrong, "text")
    assert (tmp_path / "pipe").is_fifo()


def test_no_output_takes_the_place_of_an_input_or_of_another(tmp_path):
    labels = tmp_path / "labels.json"
    labels.write_text("{}")
    (tmp_path / "link.json").symlink_to(labels)
    check_apart({"--json": "a.json", "--csv": None}, {"--labels": labels, "--images": None})
    with pytest.raises(UserError, match=r"--json=.*link.json is the file of --labels, and would take its place"):
        check_apart({"--json": tmp_path / "link.json"}, {"--labels": labels})
    with pytest.raises(UserError, match=r"--json=.*labels.json is the file of --bundle, (link|labels).json"):
        check_apart({"--json": labels}, files_in(tmp_path, "--bundle") | files_in(None, "--float_bundle"))
    with pytest.raises(UserError, match="--csv=./a.json is the file of --json"):
        check_apart({"--json": "a.json", "--csv": "./a.json"}, {})


def test_a_folder_that_takes_no_file_is_told_before_the_work():
    with pytest.raises(UserError, match="--json=/proc/sys/x.json: the folder /proc/sys may not be written to"):
        output.check_writable("/proc/sys/x.json", "--json")


def test_the_file_that_a_link_leads_to_is_replaced(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    output.write(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_names_that_are_no_text_are_written_as_escapes(tmp_path):
    output.write(tmp_path / "report.md", os.fsdecode(b"a\xff.png"))
    assert (tmp_path / "report.md").read_text() == r"a\udcff.png"


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
