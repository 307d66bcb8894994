import numpy as np
import tiny_bundles

from tools.export.calibration import calibration_inputs, stratified, with_full_range


def test_every_model_sees_what_it_sees_in_the_network(classifier):
    images = tiny_bundles.make_images(classifier.architecture)
    expected = classifier(images.astype(np.float32) / 255, num_patches=2)
    found = calibration_inputs(classifier, images, num_patches=2)
    count = len(images)
    np.testing.assert_allclose(found["coarse"][1:], images[1:] / np.float32(255))
    assert found["whole_fine"] is found["coarse"]
    np.testing.assert_array_equal(found["fine"][1:], np.reshape(expected["patches"], (2 * count, 10, 10, 1))[1:])
    np.testing.assert_allclose(found["top"][:count], expected["refined"], atol=1e-5)
    np.testing.assert_allclose(found["top"][count:], expected["coarse_features"], atol=1e-5)


def test_a_sequences_top_sees_fine_vectors(sequence):
    images = tiny_bundles.make_images(sequence.architecture)
    found = calibration_inputs(sequence, images, num_patches=2)
    assert found["top"].shape == (2 * len(images), 12)


def test_the_whole_range_of_pixels_is_seen():
    dark = np.full((3, 4, 4, 1), 0.5, np.float32)
    found = with_full_range(dark)
    assert (found.min(), found.max()) == (0, 1)
    np.testing.assert_array_equal(found[1:], dark[1:])
    assert (dark == 0.5).all()


def test_every_label_has_an_equal_share_while_it_lasts():
    labels = np.repeat([0, 1, 2, 3], [50, 6, 0, 200])
    labels = np.random.default_rng(0).permutation(labels)
    for count, shares in ((9, [3, 3, 0, 3]), (30, [12, 6, 0, 12]), (106, [50, 6, 0, 50]), (1000, [50, 6, 0, 200])):
        chosen = stratified(labels, count)
        assert np.bincount(labels[chosen]).tolist() == shares
        assert len(set(chosen)) == len(chosen)
    assert len(stratified(labels, 0)) == len(stratified(labels, -1)) == 0
    first = stratified(labels, 3)
    assert [int(np.argmax(labels == label)) for label in (0, 1, 3)] == first.tolist()  # the earliest ones
