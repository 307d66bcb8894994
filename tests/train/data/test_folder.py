import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcn_tf.presets import preset
from train.data import folder as folder_module
from train.data.folder import load_tests
from train.data.images import grey
from train.data.registry import load_dataset
from train.data.windows import SCENE
from train.errors import DataUnavailableError, UserError

REAL = Path(os.environ.get("DCN_DATA_DIR", "missing")) / "svhn_numbers.zip"


def png(value=100, size=(20, 10)):
    buffer = io.BytesIO()
    Image.new("RGB", size, (value,) * 3).save(buffer, "PNG")
    return buffer.getvalue()


def entry(i, **values):
    return {"file": f"{i}.png", "label": [i % 10], "split": ("train", "validation", "test")[i % 3]} | values


def folder(tmp_path, entries, images=None):
    path = tmp_path / "data"
    path.mkdir()
    for i, item in enumerate(entries):
        if isinstance(item, dict) and isinstance(item.get("file"), str):
            (path / item["file"]).write_bytes((images or {}).get(i, png(10 * i)))
    (path / "annotations.json").write_text(json.dumps(entries))
    return path


def load(config, path, preset="tiny_sequence"):
    config = config(dataset="folder", preset=preset, data_dir=str(path), training="modular", augment=False)
    return load_dataset(config, config.architecture)


def test_a_zip_and_the_same_files_in_a_folder_are_equal(config, numbers_zip, tmp_path):
    with zipfile.ZipFile(numbers_zip) as archive:
        archive.extractall(tmp_path / "unpacked")
    one, other = load(config, numbers_zip), load(config, tmp_path / "unpacked")
    for split in ("validation", "test", "calibration"):
        np.testing.assert_array_equal(getattr(one, split).images, getattr(other, split).images)
        np.testing.assert_array_equal(getattr(one, split).labels, getattr(other, split).labels)


def test_labels_and_images_of_sequences(config, numbers_zip):
    dataset = load(config, numbers_zip)
    with zipfile.ZipFile(numbers_zip) as archive:
        annotations = json.loads(archive.read("annotations.json"))
        first = next(item for item in annotations if item["split"] == "test")
        picture = grey(Image.open(io.BytesIO(archive.read(first["file"])))).resize((24, 16), 2)
    label = first["label"]
    assert dataset.test.labels[0].tolist() == [len(label) - 1, *label, *[10] * (3 - len(label))]
    np.testing.assert_array_equal(dataset.test.images[0, ..., 0], np.asarray(picture))
    assert "24 train, 3 validation, 3 test; 1 left out, longer than 3" in dataset.detail.replace("numbers.zip: ", "")


def test_training_windows_are_cuts_of_the_images(config, numbers_zip):
    dataset = load(config, numbers_zip)
    windows, labels, boxes = dataset.train_batch(2)
    assert not boxes.any()
    assert windows.shape == (8, 12, 16, 1)
    assert labels.shape == (8, 4)
    train = dataset.calibration.images  # all the training images, in another order
    for window in windows:
        cuts = np.lib.stride_tricks.sliding_window_view(train[..., 0], (12, 16), axis=(1, 2)).reshape(-1, 12 * 16)
        assert (cuts == window.reshape(-1)).all(axis=1).any()


def test_classifier_labels_may_be_names_or_numbers(config, tmp_path):
    entries = [entry(i, label=("door", "meter", "label")[i // 3]) for i in range(9)]
    dataset = load(config, folder(tmp_path, entries), "tiny_classifier")
    assert dataset.label_names == ("door", "label", "meter")
    assert dataset.test.labels[:, 0].tolist() == [0, 2, 1]
    (tmp_path / "more").mkdir()
    dataset = load(config, folder(tmp_path / "more", [entry(i, label=i) for i in range(9)]), "tiny_classifier")
    assert dataset.label_names == tuple("012345678")
    assert dataset.test.labels[:, 0].tolist() == [2, 5, 8]


def test_without_splits_the_names_decide(config, tmp_path):
    entries = [{"file": f"{i}.png", "label": [1]} for i in range(200)]
    dataset = load(config, folder(tmp_path, entries, {i: png(i) for i in range(200)}))
    assert len(dataset.calibration) + len(dataset.validation) + len(dataset.test) == 200
    assert 8 <= len(dataset.test) <= 35


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({}, "must be a list of objects"),
        ([], "must be a list of objects"),
        (["x"], "entry 0: an object with 'file' and 'label' is needed"),
        ([{"label": [1]}], "entry 0: an object with 'file'"),
        ([entry(0), entry(1, label=[])], r"entry 1 \(1.png\): 'label' must be .* Received: \[\]"),
        ([entry(0, label=None)], r"entry 0 \(0.png\): 'label' must be .* Received: None"),
        ([entry(0, label=[10])], r"digits of 0 to 9. Received: \[10\] for 0.png"),
        ([entry(0, label=["a"])], r"digits of 0 to 9. Received: \['a'\] for 0.png"),
        ([entry(0, split="dev")], "'split' must be one of train, validation, test. Received: 'dev'"),
        ([entry(0), entry(1)], "Received: none for test"),
    ],
)
def test_wrong_annotations_are_named(config, tmp_path, entries, message):
    with pytest.raises(UserError, match=message) as caught:
        load(config, folder(tmp_path, entries))
    assert "\n" not in str(caught.value)


def test_annotations_that_are_no_json(config, tmp_path):
    path = folder(tmp_path, [entry(0)])
    (path / "annotations.json").write_text("[{")
    with pytest.raises(UserError, match="not readable JSON"):
        load(config, path)
    (path / "annotations.json").unlink()
    with pytest.raises(UserError, match=r"holds no annotations\.json"):
        load(config, path)


@pytest.mark.parametrize("data", [b"", b"no image", png()[:40]])
def test_a_corrupt_image_is_named(config, tmp_path, data):
    entries = [entry(i) for i in range(6)]
    with pytest.raises(UserError, match=r"the image 4\.png can't be read"):
        load(config, folder(tmp_path, entries, {4: data}))


def test_a_missing_image_is_named(config, tmp_path):
    path = folder(tmp_path, [entry(i) for i in range(6)])
    (path / "3.png").unlink()
    with pytest.raises(UserError, match=r"the image 3\.png can't be read"):
        load(config, path)


def test_a_file_that_is_no_zip_and_a_path_that_is_not_there(config, tmp_path):
    (tmp_path / "no.zip").write_bytes(b"PK but no zip")
    with pytest.raises(UserError, match="must be a folder or a zip"):
        load(config, tmp_path / "no.zip")
    with pytest.raises(UserError, match="--data_dir does not exist"):
        load(config, tmp_path / "nowhere")
    with pytest.raises(DataUnavailableError, match="needs --data_dir"):
        load_dataset(config(dataset="folder", preset="tiny_sequence"), config(preset="tiny_sequence").architecture)


def test_sequences_for_a_classifier_are_refused(config, numbers_zip):
    with pytest.raises(UserError, match="a classifier needs one label per image"):
        load(config, numbers_zip, "tiny_classifier")


@pytest.mark.skipif(not REAL.is_file(), reason="needs svhn_numbers.zip in DCN_DATA_DIR")
def test_the_real_house_numbers(config):
    dataset = load(config, REAL, "svhn")
    assert (len(dataset.validation), len(dataset.test)) == (328, 695)
    assert dataset.test.images.shape == (695, 64, 128, 1)
    lengths = np.bincount(dataset.test.labels[:, 0], minlength=5)
    assert lengths.sum() == 695
    assert lengths.argmax() == 1  # most house numbers have two digits
    assert 60 < dataset.test.images.mean() < 180


def test_a_reader_is_tested_on_images_as_they_are(config, tmp_path):
    sizes = [(20 + i, 10 + i) for i in range(6)]
    boxes = [{"left": 3, "top": 2, "width": 5, "height": 6}, {"left": 9, "top": 3, "width": 4, "height": 6}]
    entries = [entry(i, boxes=boxes) for i in range(6)]
    images = {i: png(40 * i, size) for i, size in enumerate(sizes)}
    dataset = load(config, folder(tmp_path, entries, images), "tiny_pyramid")
    assert [image.shape for image in dataset.test.images] == [(12, 22, 1), (15, 25, 1)]
    np.testing.assert_array_equal(dataset.test.boxes, [[3, 2, 13, 9]] * 2)
    assert dataset.test.labels.tolist() == [[1, 2, 10, 10], [1, 5, 10, 10]]
    assert dataset.validation.images.shape == (2, 12, 16, 1)
    windows, labels, found = dataset.train_batch(0)
    assert windows.shape == (8, 12, 16, 1)
    holds = found[:, 2] > 0
    assert holds.any()
    assert not holds.all()
    assert set(map(tuple, labels[holds])) <= {(1, 0, 10, 10), (1, 3, 10, 10)}
    assert (labels[~holds] == [0, 10, 10, 10]).all()


def test_numbers_that_are_too_long_for_a_test_are_counted(tmp_path, caplog):
    entries = [entry(i, label=[1] * (9 if i == 5 else 2)) for i in range(6)]
    path = folder(tmp_path, entries, {i: png(40 * i) for i in range(6)})
    tests = load_tests(str(path), preset("numbers"), semi_real=False)
    assert len(next(iter(tests.values()))) == 1
    assert f"1 numbers in {path} have more than 8 digits, and are left out" in caplog.text


def test_a_number_fills_an_image_of_which_nobody_says_where_it_is(config, tmp_path):
    data = load(config, folder(tmp_path, [entry(i) for i in range(6)]), "tiny_pyramid")
    assert data.test.boxes is None
    height, width = SCENE
    _, boxes = folder_module._scene(entry(0), np.zeros((10, 20), np.uint8))
    wide, high = boxes[2] - boxes[0], boxes[3] - boxes[1]
    assert wide / high == pytest.approx(20 / 10, rel=1e-5)  # nothing is stretched
    assert 0 <= boxes[0] < boxes[2] <= width
    assert 0 <= boxes[1] < boxes[3] <= height


def test_an_image_of_a_few_pixels_is_named(config, tmp_path):
    path = folder(tmp_path, [entry(i) for i in range(3)], {2: png(0, (3, 40))})
    with pytest.raises(UserError, match=r"2\.png: an image must be at least 4 pixels high and wide. Received: 3 x 40"):
        load(config, path, "tiny_pyramid")


def test_all_bad_images_are_named_at_once_and_may_be_left_out(config, tmp_path):
    path = folder(tmp_path, [entry(i) for i in range(12)], {4: b"no image", 7: b""})
    (path / "9.png").unlink()
    with pytest.raises(UserError, match=r"^3 of 12 images can't be used: 9.png, 4.png, 7.png. .* --skip_bad=0.25$"):
        load(config, path)
    kept = load(lambda **values: config(**values, skip_bad=0.25), path)
    assert kept.detail == "data: 3 train, 2 validation, 4 test"
    assert kept.validation.labels[:, 1].tolist() == [1, 0]  # 1.png and 10.png


def test_equal_images_under_two_names_are_refused_and_named(config, tmp_path):
    path = folder(tmp_path, [entry(i) for i in range(12)], {4: png(0), 9: png(60), 6: png(60)})
    with pytest.raises(UserError, match=r"^4 of 12 .*: 0.png, 4.png, 6.png, 9.png. The first: 0.png is the same image"):
        load(config, path)
    kept = load(lambda **values: config(**values, skip_bad=0.4), path)
    assert kept.detail == "data: 1 train, 3 validation, 4 test"


def test_contradictions_are_refused_and_named(config, tmp_path):
    entries = [entry(i) for i in range(9)]
    twice = [*entries, entry(0, label=[5]), entry(4, split="test")]
    path = folder(tmp_path, twice)
    with pytest.raises(
        UserError, match=r"2 of 11 images .*: 0.png, 4.png. The first: 0.png has the labels '0' and '5'"
    ):
        load(config, path)
    kept = load(lambda **values: config(**values, skip_bad=0.2), path)
    assert kept.detail == "data: 2 train, 2 validation, 3 test"


@pytest.mark.parametrize("labels", [(12, 12, 12), ("12", [1, 2], ["1", "2"])])
def test_a_number_label_means_its_digits(config, tmp_path, labels):
    dataset = load(config, folder(tmp_path, [entry(i, label=label) for i, label in enumerate(labels)]))
    assert dataset.test.labels.tolist() == dataset.validation.labels.tolist() == [[1, 1, 2, 10]]
    assert dataset.calibration.labels.tolist() == [[1, 1, 2, 10]]


def test_numbers_of_a_classifier_may_stand_in_quotes(config, tmp_path):
    entries = [entry(i, label=(i, str(i), [i])[i // 3]) for i in range(9)]
    dataset = load(config, folder(tmp_path, entries), "tiny_classifier")
    assert dataset.label_names == tuple("012345678")
    assert dataset.test.labels[:, 0].tolist() == [2, 5, 8]


def test_images_outside_and_what_is_no_file_are_refused(config, tmp_path):
    path = folder(tmp_path, [entry(i) for i in range(6)])
    (tmp_path / "outside.png").write_bytes(png())
    (path / "2.png").unlink()
    (path / "2.png").symlink_to(tmp_path / "outside.png")
    (path / "5.png").unlink()
    os.mkfifo(path / "5.png")
    with pytest.raises(UserError, match="2 of 6 images .*: 2.png, 5.png. The first: .*outside the data set's folder"):
        load(config, path)


def test_digits_keep_their_places_where_the_network_says_ten_classes(config, tmp_path):
    path = folder(tmp_path, [entry(i, label=i) for i in range(9)])
    made = config(dataset="folder", preset="tiny_classifier", data_dir=str(path), set=("top.classes=10",))
    assert load_dataset(made, made.architecture).label_names == tuple("0123456789")


def test_colour_is_kept_where_nobody_says_how_many_channels(config, tmp_path):
    (tmp_path / "grey").mkdir()
    entries = [entry(i, label=f"c{i % 4}") for i in range(12)]
    grey = load(config, folder(tmp_path / "grey", entries), "tiny_classifier")
    buffer = io.BytesIO()
    Image.new("RGB", (100, 100), (200, 10, 60)).save(buffer, "PNG")
    coloured = load(config, folder(tmp_path, entries, {5: buffer.getvalue()}), "tiny_classifier")
    assert (grey.channels, coloured.channels) == (1, 3)
    assert coloured.test.images[1, 50, 50].tolist() == [200, 10, 60]


@pytest.mark.parametrize("preset", ["tiny_sequence", "numbers"])
def test_one_picture_in_two_files_and_splits_is_refused(config, tmp_path, preset):
    path = folder(tmp_path, [entry(i) for i in range(6)])
    picture = Image.effect_noise((20, 10), 90)
    picture.save(path / "0.png")
    picture.save(path / "1.png", "BMP")
    with pytest.raises(UserError, match="1.png is the same image as 0.png, in another file, which has the"):
        load(config, path, preset)
