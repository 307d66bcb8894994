import json

import pytest

from edge.comparison.labels import find_labels, read_labels
from edge.errors import UserError


@pytest.fixture
def folder(tmp_path):
    """Three paths of images; the files themselves are not looked at."""
    return tmp_path, [tmp_path / name for name in ("1.png", "2.png", "10.png")]


def write(path, content):
    path.write_text(json.dumps(content))
    return path


def test_annotations_beside_the_images(folder):
    directory, paths = folder
    entries = [{"file": "1.png", "label": [2, 1, 0]}, {"file": "10.png", "label": "cat"}, {"file": "x.png", "label": 1}]
    file = write(directory / "annotations.json", entries)
    assert find_labels(paths) == ({paths[0]: "210", paths[2]: "cat"}, str(file))


def test_an_empty_list_of_digits_is_nothing_to_read(tmp_path):
    assert read_labels(write(tmp_path / "l.json", {"1.png": [], "2.png": [0], "3.png": "210"})) == {
        "1.png": "",
        "2.png": "0",
        "3.png": "210",
    }


def test_a_file_that_is_named_comes_first_and_tells_by_the_longest_end(folder):
    directory, paths = folder
    write(directory / "annotations.json", [{"file": "1.png", "label": 1}])
    file = write(directory / "mine.json", {"1.png": 5, f"{directory.name}/1.png": 7, "./2.png": 8})
    assert find_labels(paths, file) == ({paths[0]: "7", paths[1]: "8"}, str(file))


def test_names_tell_labels_only_where_all_of_them_do(tmp_path):
    paths = [tmp_path / name for name in ("00000_7.png", "00001_21.png")]
    assert find_labels(paths) == ({paths[0]: "7", paths[1]: "21"}, "file names")
    assert find_labels([*paths, tmp_path / "1_2.png"]) == ({}, None)


def test_unknown_labels_are_none_at_all(folder):
    directory, paths = folder
    assert find_labels(paths) == ({}, None)
    write(directory / "labels.json", {"other.png": 1})
    assert find_labels(paths) == ({}, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "cannot be read as JSON: .*; name a file of labels"),
        ("[1, 2]", "must be a list of .*, received \\[1, 2\\]; write it so"),
        ('[{"label": 1}]', "must be a list of"),
        ("3", "must be a list of"),
        ('{"1.png": 1.5}', "the label of 1.png in .* must be a number, a name or a list of digits, received 1.5"),
        ('{"1.png": [[1]]}', "received \\[\\[1\\]\\]"),
        ('{"1.png": true}', "received True"),
        ('{"1.png": null}', "received None"),
    ],
)
def test_what_is_no_file_of_labels_is_told(tmp_path, content, message):
    (tmp_path / "l.json").write_text(content)
    with pytest.raises(UserError, match=message):
        read_labels(tmp_path / "l.json")


def test_a_named_file_must_be_there_and_fit_the_images(folder):
    directory, paths = folder
    with pytest.raises(UserError, match="none.json cannot be read as JSON"):
        find_labels(paths, directory / "none.json")
    with pytest.raises(UserError, match="has a label of none of the 3 images"):
        find_labels(paths, write(directory / "l.json", {"x.png": 1}))


def test_an_image_of_the_same_name_in_another_folder_is_another_image(tmp_path):
    paths = [tmp_path / name for name in ("a/1.png", "b/1.png", "b/c/1.png")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
    whole = write(tmp_path / "whole.json", {"a/1.png": 3, "b/1.png": 4})
    assert find_labels(paths, whole)[0] == {paths[0]: "3", paths[1]: "4"}
    assert find_labels(paths, write(tmp_path / "top.json", {"1.png": 3, "c/1.png": 4, "b/c/1.png": 5}))[0] == {
        paths[2]: "5"
    }
    beside = write(tmp_path / "a" / "annotations.json", [{"file": "1.png", "label": 7}])
    assert find_labels(paths) == ({paths[0]: "7"}, str(beside))
    around = write(tmp_path / "labels.json", {"b/1.png": 8})
    assert find_labels(paths) == ({paths[0]: "7", paths[1]: "8"}, f"{beside} and 1 more")
    assert find_labels(paths[1:2]) == ({}, None)  # nothing lies beside it
    assert find_labels(paths[1:2], around) == ({paths[1]: "8"}, str(around))


def test_labels_that_lie_elsewhere_are_of_the_folder_that_all_images_lie_in(tmp_path):
    (tmp_path / "labels").mkdir()
    paths = [tmp_path / "images" / name for name in ("a/1.png", "b/1.png")]
    file = write(tmp_path / "labels" / "l.json", {"a/1.png": 3, "images/b/1.png": 4, "1.png": 5})
    assert find_labels(paths, file)[0] == {paths[0]: "3", paths[1]: "4"}


def test_numbers_are_the_same_however_they_are_written(tmp_path):
    (tmp_path / "l.json").write_bytes(b'\xef\xbb\xbf{"1": 210, "2": "210", "3": [2, 1, 0], "4": ["2", "1", "0"]}')
    assert set(read_labels(tmp_path / "l.json").values()) == {"210"}
    (tmp_path / "l.json").write_text('[{"file": "1", "label": 210}, {"file": "./1", "label": [2, 1, 0]}]')
    assert read_labels(tmp_path / "l.json") == {"1": "210"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"file": "1.png", "label": 1}, {"file": "1.png", "label": 2}]', "has two labels for 1.png, 1 and 2"),
        ('{"1.png": 1, "./1.png": 2}', "has two labels for 1.png, 1 and 2"),
        ('{"1.png": 1, "1.png": 2}', "'1.png' is there twice"),
        ('{"1.png": 1.0}', "received 1.0"),
        ('{"1.png": [2, 10]}', r"received \[2, 10\]"),
        ('{"1.png": -1}', "received -1"),
        ('{"1\\n2.png": -1}', "the label of 1 2.png in "),
        ('{"1.png": "\\ud800"}', "cannot be read as JSON"),
        ("[" * 10**5, "cannot be read as JSON"),
    ],
)
def test_what_labels_nothing_for_sure_is_told(tmp_path, content, message):
    (tmp_path / "l.json").write_text(content)
    with pytest.raises(UserError, match=message):
        read_labels(tmp_path / "l.json")


def test_a_byte_order_mark_is_skipped(tmp_path):
    (tmp_path / "annotations.json").write_text('[{"file": "1.png", "label": 210}]', encoding="utf-8-sig")
    assert read_labels(tmp_path / "annotations.json") == {"1.png": "210"}
