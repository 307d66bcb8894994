import zipfile
from pathlib import Path

import pytest

from train.data.annotations import annotations
from train.data.listing import files_in, listed
from train.errors import UserError


def filled(path: Path, files: dict) -> Path:
    """Writes files below a folder."""
    for name, text in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return path


def zipped(path: Path, files: dict) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def entries_of(path):
    return listed(path, lambda name: (path / name).read_bytes())


def test_a_folder_for_each_class(tmp_path):
    path = filled(tmp_path, {"bolt/1.png": "", "nut/a/2.JPG": "", "nut/notes.txt": "", ".git/x.png": "", "3.png": ""})
    assert entries_of(path) == [{"file": "bolt/1.png", "label": "bolt"}, {"file": "nut/a/2.JPG", "label": "nut"}]


def test_folders_of_splits_with_folders_of_classes(tmp_path):
    path = filled(tmp_path, {"train/bolt/1.png": "", "val/bolt/2.png": "", "test/nut/3.png": ""})
    assert [(entry["label"], entry["split"]) for entry in entries_of(path)] == [
        ("nut", "test"),
        ("bolt", "train"),
        ("bolt", "validation"),
    ]


def test_a_zip_of_one_folder_is_looked_into(tmp_path):
    files = {"screws/bolt/1.png": "", "screws/nut/2.png": "", "__MACOSX/screws/bolt/._1.png": ""}
    path = zipped(tmp_path / "screws.zip", files)
    assert files_in(path) == ["screws/bolt/1.png", "screws/nut/2.png"]
    assert listed(path, None) == [
        {"file": "screws/bolt/1.png", "label": "bolt"},
        {"file": "screws/nut/2.png", "label": "nut"},
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_file(tmp_path, separator):
    lines = ["\ufeffFile,Label,split,group", "a.png,bolt,train,box 1", "b.png,nut,,"]
    path = filled(tmp_path, {"labels.csv": "\n".join(lines).replace(",", separator)})
    assert entries_of(path) == [
        {"file": "a.png", "label": "bolt", "split": "train", "group": "box 1"},
        {"file": "b.png", "label": "nut"},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.png,bolt\n", "must begin with the line file,label .* Received: 'a.png,bolt'"),
        ("file,label\na.png,\n", "line 2: a file and its label are needed"),
        ("", "must begin with the line"),
    ],
)
def test_a_wrong_csv_file(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        entries_of(filled(tmp_path, {"labels.csv": text}))


def test_a_csv_file_that_is_not_to_be_read_is_told(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "labels.csv").write_text("file,label\na.png,bolt\n")
    (folder / "labels.csv").symlink_to(tmp_path / "labels.csv")
    with pytest.raises(UserError, match=r"labels.csv in .* can't be read: it lies outside"):
        annotations(folder)


def test_a_csv_file_of_windows(tmp_path):
    (tmp_path / "labels.csv").write_bytes("file,label\r\na.png,Tür\r\n".encode("utf-16"))
    assert entries_of(tmp_path) == [{"file": "a.png", "label": "Tür"}]


def test_a_zip_with_backslashes_holds_the_same(tmp_path):
    names = [f"{folder}/{i}.png" for folder in ("bolt", "nut") for i in range(3)]
    path = zipped(tmp_path / "a.zip", {name.replace("/", "\\"): name for name in names})
    read, found = annotations(path, sequences=False)
    assert [(entry["file"], entry["label"]) for entry in found] == [(name, [name.split("/")[0]]) for name in names]
    assert read("nut/1.png") == read("nut\\1.png") == b"nut/1.png"


def test_a_zip_of_the_folder_itself_may_begin_its_names_with_a_dot(tmp_path):
    text = '[{"file": "1.png", "label": 1, "split": "train"}]'
    read, found = annotations(zipped(tmp_path / "a.zip", {"./annotations.json": text, "./1.png": "x"}))
    assert (found[0]["label"], read("1.png"), read("./1.png")) == ([1], b"x", b"x")


def test_nothing_that_lists_images(tmp_path):
    path = filled(tmp_path, {"1.png": "", "2.png": ""})
    assert entries_of(path) is None
    with pytest.raises(UserError, match="holds no annotations.json, no labels.csv and no folder of images"):
        annotations(path)


def test_splits_go_by_group(tmp_path):
    rows = [f"{i}.png,bolt,,box {i // 10}" for i in range(200)]
    path = filled(tmp_path, {"labels.csv": "\n".join(["file,label,split,group", *rows])})
    _, entries = annotations(path, sequences=False)
    for box in range(20):
        assert len({entry["split"] for entry in entries[10 * box : 10 * box + 10]}) == 1
    assert {entry["split"] for entry in entries} == {"train", "validation", "test"}


def test_too_few_groups(tmp_path):
    rows = [f"{i}.png,bolt,,box {i % 2}" for i in range(20)]
    path = filled(tmp_path, {"labels.csv": "\n".join(["file,label,split,group", *rows])})
    with pytest.raises(UserError, match="too few: 2; 3 groups are the least"):
        annotations(path, sequences=False)


def test_numbers_may_be_the_names_of_folders(tmp_path):
    path = filled(tmp_path, {f"{number}/{i}.png": f"{number} {i}" for number in (7, 210) for i in range(20)})
    _, entries = annotations(path)
    assert {tuple(entry["label"]) for entry in entries} == {(7,), (2, 1, 0)}
