import json

import numpy as np
import pytest

from edge.errors import UserError
from tools.workdir import load_workdir


def change_samples(workdir, **changes):
    path = workdir / "samples" / "test.npz"
    arrays = dict(np.load(path))
    np.savez(path, **(arrays | changes))


def test_a_finished_workdir_is_read(classifier, classifier_workdir):
    found = load_workdir(classifier_workdir)
    images = found.test.images[:4].astype(np.float32) / 255
    np.testing.assert_array_equal(found.model(images)["logits"], classifier(images)["logits"])
    assert (found.test.dataset, found.test.split, found.calibration.split) == ("tiny", "test", "calibration")
    assert found.test.label_names == ["0", "1", "2", "3", "4"]
    assert len(found.test.first(3).images) == len(found.test.first(3).labels) == 3


@pytest.mark.parametrize("name", ["result.json", "model.keras", "samples/calibration.npz", "samples/test.npz"])
def test_an_unfinished_workdir_is_told(classifier_workdir, name):
    (classifier_workdir / name).unlink()
    with pytest.raises(UserError, match=f"has no {name}; finish the training first"):
        load_workdir(classifier_workdir)


@pytest.mark.parametrize("name", ["result.json", "model.keras", "samples/calibration.npz", "samples/test.npz"])
@pytest.mark.parametrize("keep", [0, 0.5])
def test_a_damaged_file_is_named(classifier_workdir, name, keep):
    path = classifier_workdir / name
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(UserError, match=f"{path.name} cannot be read"):
        load_workdir(classifier_workdir)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((48, 20, 28, 1), np.uint8)}, "images' shape must be"),
        ({"images": np.zeros((48, 28, 28, 1), np.float32)}, "images' type must be"),
        ({"labels": np.zeros((48, 2), np.int32)}, "labels' shape must be"),
        ({"label_names": np.array(list("abcdefgh"))}, "number of label_names must be 5, received 8"),
        ({"label_names": np.array([{}])}, "cannot be read"),
    ],
)
def test_samples_that_do_not_fit_the_network_are_told(classifier_workdir, changes, message):
    change_samples(classifier_workdir, **changes)
    with pytest.raises(UserError, match=message):
        load_workdir(classifier_workdir)


def test_validation_samples_are_read_where_they_are_kept(classifier_workdir):
    folder = classifier_workdir / "samples"
    with pytest.raises(UserError, match=r"has no samples/validation\.npz; run the training's command again"):
        load_workdir(classifier_workdir).validation()
    np.savez(folder / "validation.npz", **(dict(np.load(folder / "test.npz")) | {"split": "validation"}))
    found = load_workdir(classifier_workdir).validation()
    assert (found.split, found.images.shape) == ("validation", (48, 28, 28, 1))
    (folder / "validation.npz").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"validation\.npz cannot be read"):
        load_workdir(classifier_workdir).validation()


def test_photographs_are_read_where_they_are_kept(classifier_workdir):
    folder = classifier_workdir / "samples"
    workdir = load_workdir(classifier_workdir)
    assert workdir.samples("photographs") is None
    images = [np.full((3, 5, 1), 7, np.uint8), np.full((4, 2, 1), 8, np.uint8)]
    arrays = {name: values for name, values in np.load(folder / "test.npz").items() if name != "images"}
    arrays |= {"labels": arrays["labels"][:2], "split": "photographs"}
    pixels = np.concatenate([image.reshape(-1, 1) for image in images])
    np.savez(folder / "photographs.npz", pixels=pixels, sizes=[(3, 5), (4, 2)], **arrays)
    found = workdir.samples("photographs")
    assert found.split == "photographs"
    for image, expected in zip(found.images, images):
        np.testing.assert_array_equal(image, expected)
    np.savez(folder / "photographs.npz", pixels=pixels, sizes=[(3, 5), (4, 3)], **arrays)
    with pytest.raises(UserError, match="sizes of 2 photographs, which are not those of 23 pixels"):
        workdir.samples("photographs")
    np.savez(folder / "photographs.npz", pixels=pixels.repeat(3, axis=1), sizes=[(3, 5), (4, 2)], **arrays)
    with pytest.raises(UserError, match="images' shape must be"):
        workdir.samples("photographs")


def test_classes_without_a_name_get_one(classifier_workdir):
    change_samples(classifier_workdir, label_names=np.array(["cat", "dog"]))
    assert load_workdir(classifier_workdir).test.label_names == ["cat", "dog", "class 2", "class 3", "class 4"]


def test_a_baseline_alone_makes_no_bundle(classifier_workdir):
    (classifier_workdir / "result.json").write_text(json.dumps({"config": {"model": "coarse"}}))
    with pytest.raises(UserError, match="holds a coarse model alone"):
        load_workdir(classifier_workdir)


def test_what_is_no_workdir_is_told(tmp_path):
    with pytest.raises(UserError, match="no such workdir"):
        load_workdir(tmp_path / "none")
