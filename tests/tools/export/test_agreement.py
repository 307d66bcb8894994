import numpy as np
import pytest
import tiny_bundles

from edge.bundle import write_bundle
from edge.errors import UserError
from tools.export import agreement
from tools.export.bundling import make_bundle
from tools.workdir import load_workdir


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


def test_another_networks_bundle_is_told(classifier_workdir, sequence_workdir, tmp_path):
    bundle = tiny_bundles.make_bundle(tmp_path / "bundle", classifier_workdir, "float32")
    with pytest.raises(UserError, match="hold different networks"):
        agreement.at_bundles_size(load_workdir(sequence_workdir), bundle)
