import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tiny_bundles

from dcn_tf import pyramid
from edge.bundle import write_bundle
from edge.errors import UserError
from edge.network import pyramid_runner
from edge.network.pyramid_runner import ALL, make_runner
from tools.export import agreement
from tools.export.bundling import make_bundle
from tools.export.input_size import prepared
from tools.workdir import Samples, load_workdir


def test_overlap_counts_cells_found_in_any_order():
    expected = np.array([[[0, 0], [1, 2]], [[3, 3], [4, 4]]])
    found = np.array([[[1, 2], [0, 0]], [[3, 4], [4, 4]]])
    assert agreement.overlap(expected, found) == 75


def test_percent():
    assert agreement.percent(np.array([True, False, False])) == 33.3333


def test_an_exact_copy_agrees_and_its_errors_are_those_of_the_labels(sequence_workdir, tmp_path):
    workdir = load_workdir(sequence_workdir)
    made = make_bundle(workdir, "float32", 2)
    bundle = write_bundle(tmp_path / "bundle", made.files, made.manifest)
    test = workdir.test.first(20)
    predictions, _ = agreement.keras_predictions(workdir.model, test.images, 2)
    test.labels[:15] = predictions[:15]
    test.labels[15:, 0] = (predictions[15:, 0] + 1) % 3
    measured = agreement.measure(workdir.model, bundle, test)
    assert measured["agreement"] == {"dcn": 100, "fine": 100}
    assert measured["cell_overlap"] == 100
    assert (measured["error"]["dcn_keras"], measured["error"]["dcn_bundle"]) == (25, 25)
    assert measured["error"]["fine_keras"] == measured["error"]["fine_bundle"]
    assert (measured["images"], measured["num_patches"], measured["dataset"]) == (20, 2, "tiny")


def test_the_device_and_the_network_choose_the_same_cells_apart_of_one_saliency(tmp_path):
    assert pyramid.CANDIDATES == pyramid_runner.CANDIDATES
    architecture = dataclasses.replace(tiny_bundles.pyramid_architecture(), patches_apart=0.5)
    network = tiny_bundles.make_network(architecture)
    made = make_bundle(prepared(load_workdir(tiny_bundles.write_workdir(tmp_path / "workdir", network))), "float32", 8)
    bundle = write_bundle(tmp_path / "bundle", made.files, made.manifest)
    assert bundle.manifest.patches_apart == 0.5
    sizes, runner = ((40, 64), (31, 90), (16, 24)), make_runner(bundle)
    wide = dataclasses.replace(architecture, image_size=(96, 96))
    images = [tiny_bundles.make_images(wide, 1, seed=i)[0, :h, :w] for i, (h, w) in enumerate(sizes)]
    found = [runner.run(image, 8, reading_threshold=0.0, vote_lead=ALL) for image in images]
    for image, result in zip(images, found):
        seen = {"map_sizes": tf.constant([level.cells for level in result.levels])}
        cells = network.select(seen, 8, tf.constant(result.saliency[None], tf.float32))
        np.testing.assert_array_equal(cells[0][pyramid.standing_once(cells)[0]], result.cells)
        anywhere = runner.run(image, 8, reading_threshold=0.0, vote_lead=ALL, patches_apart=0.0).cells
        assert len(result.cells) < len(anywhere) or result.cells.tolist() != anywhere.tolist()
    assert min(len(result.cells) for result in found) < 8
    # What is measured are these cells; Keras scales images in float, so that a few of its own differ.
    _, of_keras = agreement.keras_predictions(network, images, 8)
    labels = np.zeros((3, len(architecture.top.heads)), int)
    measured = agreement.measure(network, bundle, Samples(images, labels, list("0123456789"), "tiny", "test"))
    assert measured["cell_overlap"] == agreement.overlap(of_keras, [result.cells for result in found]) > 80


def test_another_networks_bundle_is_told(classifier_workdir, sequence_workdir, tmp_path):
    bundle = tiny_bundles.make_bundle(tmp_path / "bundle", classifier_workdir, "float32")
    with pytest.raises(UserError, match="hold different networks"):
        agreement.at_bundles_size(load_workdir(sequence_workdir), bundle)
