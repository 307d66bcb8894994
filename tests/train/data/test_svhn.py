import dataclasses
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tiny_svhn import annotation, photograph, write_digit_struct, write_folder

from dcn_tf.labels import NOTHING
from dcn_tf.losses import decode
from train.data import svhn
from train.data.svhn_format1 import crops, sources
from train.errors import DataUnavailableError, TrainingError, UserError

REAL = Path(os.environ.get("DCN_DATA_DIR", "missing")) / "svhn_originals"


@pytest.fixture
def load(config):
    """Returns a function that loads SVHN for a tiny network with 16 x 24 images and numbers of up to three digits."""

    def run(**values):
        made = config(**({"dataset": "svhn", "preset": "tiny_sequence", "model": "coarse"} | values))
        return svhn.load(made, made.architecture)

    return run


def numbers(split):
    """Returns the digits of each label, None for one that no answer can be equal to."""
    return [None if row[0] == svhn.NEVER else row[1 : 2 + row[0]].tolist() for row in split.labels]


def everything_but_training(dataset):
    parts = {"validation": dataset.validation, "calibration": dataset.calibration, "crops": dataset.more_tests["crops"]}
    return {name: (part.images.tolist(), part.labels.tolist()) for name, part in parts.items()}


def test_from_the_site_to_a_data_set(load, site, labels):
    dataset = load()
    assert [path for path, _ in site.requests] == ["/train.tar.gz", "/test.tar.gz"]
    assert len(dataset.validation) == 2  # a tenth, where there are few
    assert len(dataset.calibration) == 22
    trained_on = numbers(dataset.validation) + numbers(dataset.calibration)
    assert sorted(trained_on) == sorted(number for number in labels["train"] if len(number) <= 3)
    assert (
        "22 train crops, 0 windows without a number, 2 validation crops, 1 left out, longer than 3 digits"
        in dataset.detail
    )
    assert "4 test photographs, 1 of them longer" in dataset.detail
    windows, digits, _ = dataset.train_batch(0)
    assert windows.shape == (8, 12, 16, 1)
    assert digits.shape == (8, 4)
    again = load()
    assert len(site.requests) == 2
    assert everything_but_training(again) == everything_but_training(dataset)
    np.testing.assert_array_equal(again.train_batch(3)[0], dataset.train_batch(3)[0])


def test_photographs_are_tested_as_they_are_and_as_crops(load, site, labels):
    dataset = load()
    cut = dataset.more_tests["crops"]
    assert not dataset.test.of_one_size
    assert cut.images.shape == (4, 16, 24, 1)
    np.testing.assert_array_equal(cut.labels, dataset.test.labels)
    expected = [number if len(number) <= 3 else None for number in labels["test"]]
    assert sorted(numbers(dataset.test), key=str) == sorted(expected, key=str)
    for image, number, box in zip(dataset.test.images, numbers(dataset.test), dataset.test.boxes):
        index = image.shape[0] - 20  # heights are 20, 21, 22, 23
        assert number == expected[index]
        assert box.tolist() == [5, 4, 4 + 7 * len(labels["test"][index]), 14]
        colour = photograph(index).astype(float)
        assert np.abs(image[..., 0] - colour @ [0.2126, 0.7152, 0.0722]).max() <= 1
    np.testing.assert_allclose(cut.boxes, [[3.6, 0, 20.4, 16]] * 4, rtol=1e-5)


def test_a_number_that_is_too_long_is_wrong_whatever_the_answer(load, site, config):
    dataset = load()
    (too_long,) = dataset.test.labels[dataset.test.labels[:, 0] == svhn.NEVER]
    heads = config(preset="tiny_sequence").architecture.top.heads
    logits = np.random.default_rng(0).normal(size=(5000, sum(heads))).astype(np.float32)
    assert not np.any(np.all(decode(tf.constant(logits), heads).numpy() == too_long, axis=1))


def test_extra_is_trained_on_when_asked_for(load, site, labels):
    dataset = load(svhn_extra=True)
    assert "train and extra: 27 train crops, 0 windows without a number, 3 validation" in dataset.detail
    assert [path for path, _ in site.requests] == ["/train.tar.gz", "/test.tar.gz", "/extra.tar.gz"]
    trained_on = numbers(dataset.validation) + numbers(dataset.calibration)
    expected = labels["train"] + labels["extra"]
    assert sorted(trained_on) == sorted(number for number in expected if len(number) <= 3)


def test_windows_beside_the_number_have_nothing_to_read(load, site):
    plain, mixed = load(), load(background_share=0.4, batch_size=30)
    images, labels, _ = mixed.train_batch(0)
    without = (labels == NOTHING).all(axis=1)
    assert 0 < without.sum() < (~without).sum()
    assert f"22 train crops, {int(mixed.detail.split(' windows')[0].split()[-1])} windows" in mixed.detail
    assert images[without].shape[1:] == plain.train_batch(0)[0].shape[1:]
    assert (mixed.validation.labels >= 0).all()


def test_looseness_changes_training_crops_and_not_the_test(load, site):
    tight, loose = load(), load(looseness=2.0)
    for name, same in (("crops", True), ("validation", False), ("calibration", False)):
        one, other = everything_but_training(tight)[name], everything_but_training(loose)[name]
        assert one[1] == other[1]
        assert (one[0] == other[0]) is same
    boxes = loose.validation.boxes
    assert (boxes[:, 3] - boxes[:, 1] < 16).all()
    assert len(site.requests) == 2


def test_folders_need_no_network_and_are_read_again_when_they_change(load, tiny_svhn, tmp_path, labels):
    folder = shutil.copytree(tiny_svhn, tmp_path / "data")
    assert len(load(data_dir=str(folder)).test) == 4
    shutil.rmtree(folder / "test")
    write_folder(folder / "test", labels["test"][:2])
    assert len(load(data_dir=str(folder)).test) == 2


def test_nothing_on_disk_and_no_network(load):
    with pytest.raises(DataUnavailableError, match="can't be reached"):
        load()


def test_a_network_for_something_else(load):
    for preset in ("tiny_classifier", "cluttered_mnist"):
        with pytest.raises(UserError, match=f"--dataset=svhn holds grey photographs .* Received: --preset={preset}"):
            load(preset=preset)


def test_mistakes_in_folders_are_one_line_and_leave_nothing(load, tiny_svhn, tmp_path):
    folder = shutil.copytree(tiny_svhn, tmp_path / "data")
    (folder / "train" / "5.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"photograph train/5\.png can't be decoded") as caught:
        load(data_dir=str(folder))
    assert "\n" not in str(caught.value)
    (folder / "train" / "5.png").unlink()
    with pytest.raises(UserError, match=r"1 of the 25 photographs .* are missing, 5\.png among them") as caught:
        load(data_dir=str(folder))
    assert "\n" not in str(caught.value)
    assert [path.name for path in sources.CACHE.glob("t*_*") if path.is_dir()] == ["tensorflow_datasets"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        tf.errors.ResourceExhaustedError(None, None, "no space"),
        RuntimeError("ResourceExhaustedError: Failed to finalize writing"),
    ],
)
def test_a_full_disk_is_the_work_that_failed(load, tiny_svhn, monkeypatch, error):
    def full(*args, **kwargs):
        raise error

    monkeypatch.setattr(crops, "write_numbers", full)
    with pytest.raises(TrainingError, match="SVHN's train can't be prepared in .* make room"):
        load(data_dir=str(tiny_svhn))


@pytest.mark.skipif(not REAL.is_dir(), reason="needs svhn_originals in DCN_DATA_DIR")
def test_the_nine_original_photographs(load, tmp_path):
    entries = json.loads((REAL / "annotations.json").read_text())
    for split in ("train", "test", "extra"):
        folder = tmp_path / "data" / split
        folder.mkdir(parents=True)
        chosen = [entry for entry in entries if entry["split"] == split]
        for entry in chosen:
            shutil.copy(REAL / entry["file"], folder)
        boxes = [
            [b["left"], b["top"], b["left"] + b["width"], b["top"] + b["height"]] for e in chosen for b in e["boxes"]
        ]
        written = annotation([entry["label"] for entry in chosen], boxes)
        names = [Path(entry["file"]).name for entry in chosen]
        write_digit_struct(folder / "digitStruct.mat", dataclasses.replace(written, names=names))
    dataset = load(data_dir=str(tmp_path / "data"), svhn_extra=True, preset="svhn", looseness=2.5)
    assert sorted(numbers(dataset.test)) == [[2, 1, 0], [5], [6]]
    found = {image.shape[1::-1] for image in dataset.test.images}
    assert found == {tuple(entry["size"]) for entry in entries if entry["split"] == "test"}
    assert len(dataset.validation) == 1
    assert len(dataset.calibration) == 5
    assert dataset.more_tests["crops"].images.shape == (3, 64, 128, 1)
    assert dataset.more_tests["crops"].images.std() > 20


def test_a_reader_is_trained_on_windows_out_of_unstretched_scenes(load, site, labels):
    dataset = load(preset="tiny_pyramid", batch_size=60, background_share=0.2)
    assert dataset.calibration.images.shape[1:] == (96, 192, 1)
    assert dataset.validation.images.shape[1:] == (12, 16, 1)
    assert dataset.more_tests == {}
    assert not dataset.test.of_one_size
    windows, found, boxes = dataset.train_batch(0)
    assert windows.shape == (60, 12, 16, 1)
    holds = boxes[:, 2] > 0
    assert 10 < holds.sum() < 55
    assert (found[holds, 0] > 0).all()
    assert (found[~holds] == [0, 10, 10, 10]).all()
