import dataclasses

import numpy as np
import pytest
import tiny_bundles
from PIL import Image

from edge.bundle import write_bundle
from edge.bundle.manifest import Input
from edge.errors import UserError
from edge.network.runner import TwoStageRunner
from edge.network.softmaxes import log_softmax
from edge.network.whole_runner import WholeFineRunner
from edge.sight.images import load_image
from tools.export import input_size
from tools.export.bundling import make_bundle
from tools.workdir import Samples, load_workdir

SIZES = {"sequence": (40, 72), "classifier": (36, 45)}


@pytest.fixture(scope="module", params=SIZES)
def trained(request, tmp_path_factory):
    """A training at another size than its own."""
    network = request.getfixturevalue(request.param)
    workdir = tiny_bundles.write_workdir(tmp_path_factory.mktemp("size") / "workdir", network)
    return input_size.at_size(load_workdir(workdir), SIZES[request.param])


def bundle_of(trained, method, folder):
    made = make_bundle(trained, method, 3)
    return write_bundle(folder / method, made.files, made.manifest)


def test_a_float_bundle_says_what_the_network_says_of_the_same_canvas(trained, tmp_path):
    bundle, images = bundle_of(trained, "float32", tmp_path), trained.test.images[:12]
    assert bundle.manifest.input.size == trained.model.architecture.image_size
    assert bundle.manifest.input.resize == "pad"
    assert images.shape[1:3] == trained.model.architecture.image_size
    heads, pixels = trained.model.architecture.top.heads, images.astype(np.float32) / 255
    expected, whole = trained.model(pixels, num_patches=3), trained.model.whole_model("fine")(pixels)
    assert bundle.manifest.cells.map == tuple(expected["saliency"].shape[1:])
    assert expected["cells"].numpy().max() >= 5, "cells that the training's own size does not have"
    runner = TwoStageRunner(bundle)
    found = [runner.run(image) for image in images]
    np.testing.assert_array_equal([result.cells for result in found], expected["cells"])
    np.testing.assert_allclose([result.saliency for result in found], expected["saliency"], rtol=1e-3, atol=1e-5)
    for results, logits in (
        (found, expected["logits"]),
        ([WholeFineRunner(bundle).run(image) for image in images], whole["logits"]),
    ):
        wanted = log_softmax(logits.numpy(), heads)
        np.testing.assert_allclose([result.log_probabilities for result in results], wanted, atol=1e-4)


def test_an_int8_bundle_is_close(trained, tmp_path):
    bundle = bundle_of(trained, "ptq", tmp_path)
    images = trained.test.images[:20]
    expected = trained.model(images.astype(np.float32) / 255, num_patches=3)
    runner = TwoStageRunner(bundle)
    found = [runner.run(image) for image in images]
    cells = np.stack([result.cells for result in found])
    assert (cells[:, :, None] == expected["cells"].numpy()[:, None]).all(-1).any(1).mean() > 0.7
    wanted = log_softmax(expected["logits"].numpy(), trained.model.architecture.top.heads)
    assert np.abs(np.stack([result.log_probabilities for result in found]) - wanted).mean() < 0.2


def test_samples_are_laid_as_the_device_lays_a_file(sequence, tmp_path):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (*size, 3), np.uint8) for size in ((10, 20), (50, 30), (24, 48))]
    placed = input_size.placed(Samples(images, np.zeros((3, 4)), [], "", ""), sequence.architecture)
    rule = Input((24, 48), 3, "RGB", 1 / 255, "pad")
    for image, found in zip(images, placed.images):
        Image.fromarray(image).save(tmp_path / "a.png")
        np.testing.assert_array_equal(load_image(tmp_path / "a.png", rule), found)
    np.testing.assert_array_equal(placed.images[2], images[2])
    assert input_size.placed(placed, sequence.architecture) is placed


def test_photographs_are_tested_on_where_the_training_kept_them(sequence_workdir, monkeypatch):
    workdir = load_workdir(sequence_workdir)
    photograph = np.full((10, 20, 3), 9, np.uint8)
    photographs = dataclasses.replace(workdir.test.first(1), images=[photograph], split="photographs")
    monkeypatch.setattr(type(workdir), "samples", lambda self, split: photographs)
    found = input_size.at_size(workdir, (40, 56))
    assert found.test.split == "photographs"
    np.testing.assert_array_equal(found.test.images, np.full((1, 40, 56, 3), 9))
    assert input_size.resize_rule(found) == "pad"
    assert input_size.at_size(workdir, (24, 48)) is workdir
    assert input_size.resize_rule(workdir) == "stretch"


def test_tiles_lie_side_by_side_and_the_first_come_again():
    images = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 1), np.uint8)
    found = input_size.tiled(images, (4, 5))
    rows = [[0, 0, 0, 1, 1], [0, 0, 0, 1, 1], [2, 2, 2, 3, 3], [2, 2, 2, 3, 3]]
    np.testing.assert_array_equal(found[0, ..., 0], rows)
    np.testing.assert_array_equal(found[1, ::2, ::3, 0], [[4, 0], [1, 2]])
    assert found.shape == (2, 4, 5, 1)
    np.testing.assert_array_equal(input_size.tiled(images, (2, 3)), images)
    np.testing.assert_array_equal(input_size.tiled(images, (1, 2)), images[:, :1, :2])


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((8, 28), "--input_size=8,28: image_size must be at least the smallest input of the coarse stack, 9 x 9"),
        ((13, 28), "image_size 13 x 28 gives a coarse map of 2 x 5 cells, and the top's convolution needs 3 x 3"),
    ],
)
def test_too_small_a_size_is_told(classifier_workdir, size, message):
    with pytest.raises(UserError, match=message):
        input_size.at_size(load_workdir(classifier_workdir), size)
