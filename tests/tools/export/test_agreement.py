import dataclasses

import numpy as np
import pytest
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


def test_the_device_chooses_the_networks_own_cells_apart_or_not(tmp_path):
    assert pyramid.CANDIDATES == pyramid_runner.CANDIDATES
    architecture = dataclasses.replace(tiny_bundles.pyramid_architecture(), patches_apart=0.5)
    network = tiny_bundles.make_network(architecture)
    made = make_bundle(prepared(load_workdir(tiny_bundles.write_workdir(tmp_path / "workdir", network))), "float32", 8)
    bundle = write_bundle(tmp_path / "bundle", made.files, made.manifest)
    assert bundle.manifest.patches_apart == 0.5
    sizes, runner = ((40, 64), (31, 90), (16, 24)), make_runner(bundle)
    wide = dataclasses.replace(architecture, image_size=(96, 96))
    images = [tiny_bundles.make_images(wide, 1, seed=i)[0, :h, :w] for i, (h, w) in enumerate(sizes)]
    _, cells = agreement.keras_predictions(network, images, 8)
    for image, expected in zip(images, cells):
        found = runner.run(image, 8, reading_threshold=0.0, vote_lead=ALL).cells
        np.testing.assert_array_equal(expected, found)
        anywhere = runner.run(image, 8, reading_threshold=0.0, vote_lead=ALL, patches_apart=0.0).cells
        assert len(found) < len(anywhere) or found.tolist() != anywhere.tolist()
    assert {len(of_image) for of_image in cells} != {8}
    labels = np.zeros((3, len(architecture.top.heads)), int)
    measured = agreement.measure(network, bundle, Samples(images, labels, list("0123456789"), "tiny", "test"))
    assert (measured["agreement"]["dcn"], measured["cell_overlap"]) == (100, 100)


def test_another_networks_bundle_is_told(classifier_workdir, sequence_workdir, tmp_path):
    bundle = tiny_bundles.make_bundle(tmp_path / "bundle", classifier_workdir, "float32")
    with pytest.raises(UserError, match="hold different networks"):
        agreement.at_bundles_size(load_workdir(sequence_workdir), bundle)
