import json

import pytest

from train.data import annotations as module
from train.data.annotations import annotations, as_list, contradictions, named
from train.errors import UserError


def written(tmp_path, content, encoding="utf-8"):
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / "annotations.json").write_bytes(text.encode(encoding))
    return tmp_path


def entries(count, **values):
    return [{"file": f"im{i}.png", "label": [1]} | values for i in range(count)]


@pytest.mark.parametrize("label", [210, "210", [2, 1, 0], ["2", "1", "0"]])
def test_a_number_is_its_digits_however_it_is_written(label):
    assert as_list(label, sequences=True) == [2, 1, 0]


def test_leading_zeros_and_names_stay():
    assert as_list("007", sequences=True) == [0, 0, 7]
    assert as_list("007", sequences=False) == ["007"]
    assert as_list("door", sequences=True) == ["door"]
    assert as_list("²", sequences=True) == ["²"]
    for label in (7, "7", [7], ["7"]):
        assert as_list(label, sequences=False) == [7]
    assert as_list("9" * 400, sequences=False) == ["9" * 400]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_skipped(tmp_path, encoding):
    _, found = annotations(written(tmp_path, entries(3, label="Tür"), encoding))
    assert [entry["label"] for entry in found] == [["Tür"]] * 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 100_000, "lists within too many lists"),
        (json.dumps([{"file": "a.png", "label": 0}])[:-1] + "," + '[{"a":' * 50_000, "lists within too many lists"),
        ('{"file"', "not readable JSON"),
        ('[{"file": "1.png", "label": 1, "label": 2}]', "can't be read: 'label' is there twice"),
        (r'[{"file": "\ud800.png", "label": 1}]', r"a name must be text. Received: '\\ud800.png'"),
        (r'[{"file": "1.png", "label": "\udfff"}]', r"a name must be text. Received: '\\udfff'"),
        (r'[{"file": "\u0000.png", "label": 1}]', "a name must be text"),
        ('[{"file": "1.png", "label": ""}]', r"'label' must be a number, a name or a list of digits. Received: ''"),
        ('[{"file": "1.png", "label": 2.0}]', r"'label' must be a number, a name or a list of digits. Received: 2.0"),
        ('[{"file": "1.png", "label": [2.5]}]', r"'label' must be .* Received: \[2.5\]"),
        ('[{"file": "1.png", "label": NaN}]', "'label' must be .* Received: nan"),
        ('[{"file": "1.png", "label": true}]', "'label' must be .* Received: True"),
        ('[{"file": "1.png", "label": ' + "9" * 5000 + "}]", "can't be read: Exceeds the limit"),
        ('[{"file": "1.png", "label": 1, "boxes": [{"left": 0}]}]', "'boxes' must be a list of objects"),
        ('[{"file": "1.png", "label": 1, "boxes": "none"}]', "'boxes' must be a list of objects"),
        ('[{"file": "1.png", "label": 1, "boxes": {"left": 1}}]', "'boxes' must be a list of objects"),
        (
            '[{"file": "1.png", "label": 1, "boxes": [{"left": NaN, "top": 0, "width": 1, "height": 1}]}]',
            "'boxes' must be a list of objects",
        ),
        ('[{"file": "1.png", "label": 1, "split": ["test"]}]', "'split' must be one of"),
    ],
)
def test_what_is_no_annotation_is_one_line(tmp_path, content, message):
    with pytest.raises(UserError, match=message) as caught:
        annotations(written(tmp_path, content))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600 + len(str(tmp_path))


def test_the_file_has_a_largest_size(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    with pytest.raises(UserError, match="can't be read: it holds more than 0 MB"):
        annotations(written(tmp_path, entries(100)))


@pytest.mark.parametrize("count", [3, 4, 10, 20, 200])
def test_every_split_has_an_image_where_nobody_tells_them(tmp_path, count):
    _, found = annotations(written(tmp_path, entries(count)))
    splits = [entry["split"] for entry in found]
    assert set(splits) == {"train", "validation", "test"}
    assert splits.count("train") >= count // 3
    assert [entry["split"] for entry in annotations(tmp_path)[1]] == splits  # by the names alone


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_images_are_counted(tmp_path, count):
    with pytest.raises(UserError, match=f"too few: {count}; 3 images are the least"):
        annotations(written(tmp_path, entries(count)))


def test_one_file_with_two_labels_or_in_two_splits_is_found(tmp_path):
    listed = [
        {"file": "a.png", "label": "12", "split": "train"},
        {"file": "./a.png", "label": [1, 2], "split": "train"},  # the same once more
        {"file": "b.png", "label": 1, "split": "train"},
        {"file": "b.png", "label": 2, "split": "train"},
        {"file": "c.png", "label": 1, "split": "train"},
        {"file": "c.png", "label": 1, "split": "test"},
    ]
    found = contradictions(annotations(written(tmp_path, listed))[1])
    assert found == {
        "b.png": "has the labels '1' and '2'",
        "c.png": "has the splits 'train' and 'test'",
    }


def test_one_content_under_two_names_is_found(tmp_path):
    listed = [
        {"file": "a.png", "label": 1, "split": "train"},
        {"file": "b.png", "label": 2, "split": "train"},  # as a.png
        {"file": "c.png", "label": 1, "split": "train"},
        {"file": "d.png", "label": 1, "split": "test"},  # as c.png
        {"file": "e.png", "label": 1, "split": "test"},
        {"file": "f.png", "label": 1, "split": "test"},  # as e.png, and nothing speaks against it
        {"file": "g.png", "label": 1, "split": "test"},  # g and h are missing, which is told elsewhere
        {"file": "h.png", "label": 2, "split": "test"},
    ]
    for name in "abcdef":
        (tmp_path / f"{name}.png").write_bytes(name.translate(str.maketrans("bdf", "ace")).encode())
    found = contradictions(annotations(written(tmp_path, listed))[1])
    assert found == {
        "a.png": "is the same image as b.png, which has the labels '1' and '2'",
        "b.png": "is the same image as a.png, which has the labels '1' and '2'",
        "c.png": "is the same image as d.png, which has the splits 'train' and 'test'",
        "d.png": "is the same image as c.png, which has the splits 'train' and 'test'",
    }


def test_one_content_goes_into_one_split_where_nobody_tells_them(tmp_path):
    for i in range(40):
        (tmp_path / f"im{i}.png").write_bytes(bytes([i // 4]))
    _, found = annotations(written(tmp_path, entries(40)))
    splits = [entry["split"] for entry in found]
    assert all(len(set(splits[i : i + 4])) == 1 for i in range(0, 40, 4))
    assert set(splits) == {"train", "validation", "test"}


def test_a_group_stays_in_the_split_that_one_of_it_tells(tmp_path):
    listed = [{"file": f"im{i}.png", "label": 1, "group": i // 10} for i in range(40)]
    for i, split in ((5, "test"), (15, "validation"), (25, "train")):
        listed[i]["split"] = split
    _, found = annotations(written(tmp_path, listed))
    assert [{entry["split"] for entry in found[i : i + 10]} for i in range(0, 30, 10)] == [
        {"test"},
        {"validation"},
        {"train"},
    ]
    assert len({entry["split"] for entry in found[30:]}) == 1
    assert contradictions(found) == {}


def test_equal_files_follow_the_group_and_the_split_of_one_of_them(tmp_path):
    listed = entries(20)
    listed[3] |= {"group": "box"}
    listed[7] |= {"split": "test"}
    listed += [{"file": "a.png", "label": [1], "group": "box"}, {"file": "b.png", "label": [1]}]
    for name, content in (("im3", b"x"), ("a", b"y"), ("b", b"y"), ("im7", b"z"), ("im9", b"z")):
        (tmp_path / f"{name}.png").write_bytes(content)
    found = {entry["file"]: entry["split"] for entry in annotations(written(tmp_path, listed))[1]}
    assert found["im3.png"] == found["a.png"] == found["b.png"]
    assert found["im9.png"] == "test"


def test_a_group_in_two_splits_is_found(tmp_path):
    listed = [{"file": f"{i}.png", "label": 1, "group": "box 1", "split": "train"} for i in range(3)]
    listed.append({"file": "3.png", "label": 1, "group": "box 1", "split": "test"})
    listed.append({"file": "4.png", "label": 1, "split": "test"})
    found = contradictions(annotations(written(tmp_path, listed))[1])
    assert found == {f"{i}.png": "is of the group 'box 1', which is in test and train" for i in range(4)}


def test_twenty_mistakes_are_named_and_the_others_counted():
    assert named(["a", "b"]) == "a, b"
    assert named([str(i) for i in range(23)]).endswith("18, 19 and 3 more")
