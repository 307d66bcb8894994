"""The device against the network itself, on images of several sizes."""

from dataclasses import replace

import numpy as np
import pytest

from edge.bundle.manifest import Manifest
from edge.errors import UserError
from edge.network import pyramid
from edge.network.kernels import FASTEST, NUMPY
from edge.network.pyramid_runner import ALL, PyramidRunner, cells_at, make_runner
from edge.network.runner import NEVER, TwoStageRunner
from edge.network.whole_runner import WholeFineRunner, make_whole_runner


def test_a_bundle_has_the_runner_of_its_images(pyramid_case, sequence_case):
    assert type(make_runner(pyramid_case.float32)) is PyramidRunner
    assert type(make_runner(sequence_case.float32)) is TwoStageRunner
    assert type(make_whole_runner(sequence_case.float32)) is WholeFineRunner


@pytest.mark.parametrize("options", [{}, {"kernels": NUMPY}], ids=["fastest", "numpy"])
def test_a_float_bundle_says_what_the_network_says(pyramid_case, options):
    runner, predictions = make_runner(pyramid_case.float32, **options), set()
    for image, expected in zip(pyramid_case.images, pyramid_case.expected):
        result = runner.run(image)
        np.testing.assert_array_equal(result.cells, expected["cells"])
        np.testing.assert_array_equal(result.categories, expected["categories"])
        np.testing.assert_allclose(result.log_probabilities, expected["logits"], atol=0.01)
        np.testing.assert_allclose(result.entropy, expected["entropy"], atol=0.01)
        best = np.argsort(-expected["saliency"], kind="stable")[: len(result.cells)]
        np.testing.assert_allclose(result.saliency[best], expected["saliency"][best], rtol=0.02)
        np.testing.assert_array_less(result.saliency, expected["saliency"] * 1.02 + 1e-6)
        if result.prediction:
            np.testing.assert_allclose(result.box, expected["box"], atol=0.1)
        else:
            assert result.box is None
        predictions.add(result.prediction)
    assert len(predictions) > 1


@pytest.mark.parametrize("kernels", [FASTEST, NUMPY], ids=["fastest", "numpy"])
def test_a_level_in_bands_has_the_cells_of_the_whole(pyramid_case, kernels, monkeypatch):
    image = np.tile(pyramid_case.images[0], (3, 2, 1))
    whole = make_runner(pyramid_case.ptq, kernels=kernels).run(image)
    most = np.prod(pyramid_case.ptq.manifest.input.size) * 4
    monkeypatch.setattr(pyramid, "MOST_AT_ONCE", most)
    runner = make_runner(pyramid_case.ptq, kernels=kernels)
    banded = runner.run(image)
    bands = [[band.shape[1:3] for band, _ in on.bands()] for on in runner._on]
    assert max(map(len, bands)) > 2
    assert all(len(set(of_level)) == 1 for of_level in bands)  # of one interpreter
    np.testing.assert_array_equal(banded.saliency, whole.saliency)
    np.testing.assert_array_equal(banded.cells, whole.cells)
    np.testing.assert_array_equal(banded.log_probabilities, whole.log_probabilities)


def test_an_int8_bundle_is_close(pyramid_case):
    runner, found = make_runner(pyramid_case.ptq), []
    assert [model.input.dtype for model in (runner.coarse, runner.fine, runner.top)] == ["int8"] * 3
    for image, expected in zip(pyramid_case.images, pyramid_case.expected):
        result = runner.run(image)
        same = (result.cells[:, None] == expected["cells"]).all(-1).any(1).mean()
        found.append((same, (result.categories == expected["categories"]).all()))
    assert np.mean(found, axis=0).min() > 0.7


def test_the_whole_fine_model_votes_over_all_levels(pyramid_case):
    runner = make_whole_runner(pyramid_case.float32)
    for image, expected in zip(pyramid_case.images, pyramid_case.expected):
        result = runner.run(image)
        np.testing.assert_allclose(result.log_probabilities, expected["fine_logits"], atol=0.02)
        assert (result.num_patches, list(result.stages_us)) == (0, ["levels", "input", "whole_fine", "decode"])


def test_the_same_image_is_read_alike_after_others(pyramid_case):
    runner = make_runner(pyramid_case.ptq)
    first = [runner.run(image) for image in pyramid_case.images]
    for image, before in zip(pyramid_case.images[::-1], first[::-1]):
        after = runner.run(image)
        np.testing.assert_array_equal(after.log_probabilities, before.log_probabilities)
        np.testing.assert_array_equal(after.saliency, before.saliency)


def test_many_sizes_are_read_with_few_interpreters(pyramid_case, monkeypatch):
    monkeypatch.setattr(pyramid, "MOST_SIZES", 16)
    runner = make_runner(pyramid_case.float32)
    before = runner.run(pyramid_case.images[0])
    for side in range(20, 40):
        runner.run(np.zeros((side, side), np.uint8))
    assert len(runner.coarse._interpreters) <= 16
    np.testing.assert_array_equal(runner.run(pyramid_case.images[0]).log_probabilities, before.log_probabilities)


def test_the_coarse_answer_stands_where_it_is_certain_enough(pyramid_case):
    runner, expected = make_runner(pyramid_case.float32), pyramid_case.expected[0]
    left = runner.run(pyramid_case.images[0], exit_entropy=float(expected["entropy"]) + 0.1)
    assert (left.num_patches, left.cells, left.box, left.patch_boxes) == (0, None, None, None)
    np.testing.assert_allclose(left.log_probabilities, expected["coarse_logits"], atol=0.01)


def test_cells_below_a_level_are_not_looked_at(pyramid_case):
    runner, image = make_runner(pyramid_case.float32), pyramid_case.images[0]
    saliency = np.sort(runner.run(image).saliency)[::-1].astype(float)
    some = runner.run(image, exit_entropy=NEVER, saliency_level=(saliency[1] + saliency[2]) / 2)
    assert (some.num_patches, some.cells.shape, some.patch_boxes.shape) == (2, (2, 3), (2, 4))
    none = runner.run(image, saliency_level=2 * saliency[0])
    assert (none.num_patches, none.cells.shape) == (0, (0, 3))
    np.testing.assert_array_equal(np.sort(none.saliency)[::-1], saliency.astype(np.float32))  # it was computed


def test_the_stages_of_a_stack_of_digits_are_those_of_all_that_was_read(pyramid_case, monkeypatch):
    runner = make_runner(pyramid_case.float32)
    tall = np.ascontiguousarray(np.rot90(pyramid_case.images[0]))
    tall = np.concatenate([tall] * 2)
    every, glance = runner.run(tall, framed=True), runner.glance

    def sure_of_the_image_alone(image, *args, **options):
        return glance(image, *args, **options)._replace(entropy=-1.0 if image is tall else 1.0)

    monkeypatch.setattr(runner, "glance", sure_of_the_image_alone)
    lines_alone = runner.run(tall, exit_entropy=0, framed=True)
    assert 0 < lines_alone.num_patches < every.num_patches
    assert lines_alone.stages_us["fine"] > 0


def test_an_image_with_fewer_cells_has_all_of_them_looked_at(pyramid_case):
    result = make_runner(pyramid_case.float32).run(pyramid_case.images[1], num_patches=32)
    assert sorted(map(tuple, result.cells.tolist())) == [(0, 0, 0), (1, 0, 0), (2, 0, 0)]


def test_positions_are_those_of_the_list_of_all_cells():
    sizes = [(2, 3), (1, 1), (2, 2)]
    expected = [
        (n, row, column) for n, (rows, columns) in enumerate(sizes) for row, column in np.ndindex(rows, columns)
    ]
    np.testing.assert_array_equal(cells_at(np.arange(11), sizes), expected)


def with_thresholds(bundle, **values):
    return replace(bundle, manifest=Manifest.from_content(bundle.manifest.content | values))


@pytest.mark.parametrize("method", ["float32", "ptq"])
def test_patches_end_with_the_first_that_leads_enough(pyramid_case, method):
    runner, counts = make_runner(getattr(pyramid_case, method)), set()
    for image in pyramid_case.images:
        fixed = [runner.run(image, num_patches=k) for k in range(1, 5)]
        glance = runner.glance(image)
        look = runner.look_closely(glance, 4)
        leads = [runner.lead(look.first(k)) for k in range(1, len(look.cells) + 1)]
        for lead in (0.0, *leads, 31.0):
            count = next((k for k, found in enumerate(leads, 1) if found >= lead), len(leads))
            result, expected = runner.run(image, vote_lead=lead), fixed[count - 1]
            assert (result.num_patches, result.prediction) == (count, expected.prediction)
            np.testing.assert_array_equal(result.cells, expected.cells)
            np.testing.assert_allclose(result.log_probabilities, expected.log_probabilities, atol=1e-5)
            if expected.prediction:
                np.testing.assert_allclose(result.box, expected.box, atol=1e-3)
            counts.add(count)
    assert len(counts) > 1


def test_the_lead_is_that_of_the_networks_own_patches(pyramid_case):
    """The top's logits once more, from the network's vectors in NumPy, and votes counted in loops."""
    runner, heads = make_runner(pyramid_case.float32), pyramid_case.float32.manifest.task.heads
    for image, expected in zip(pyramid_case.images, pyramid_case.expected):
        look = runner.look_closely(runner.glance(image), len(expected["cells"]))
        found = runner.lead(look)
        assert found == pytest.approx(lead_in_loops(expected["fine_cell_logits"], heads), abs=0.01)


def lead_in_loops(logits, heads):
    votes = {}
    for cell in logits:
        parts = [part - np.log(np.exp(part).sum()) for part in np.split(cell, np.cumsum(heads)[:-1])]
        length = int(parts[0].argmax())
        reading = "".join(str(part[:-1].argmax()) for part in parts[1 : 1 + length])
        probability = np.exp(parts[0].max() + sum(part[:-1].max() for part in parts[1 : 1 + length]))
        votes[reading] = votes.get(reading, 0) + (probability if reading else 0)

    def whole(reading):
        parts = sum(vote for part, vote in votes.items() if part and part != reading and part in reading)
        return votes[reading] + min(votes[reading], parts)

    winner = max(votes, key=whole)
    return whole(winner) - max((whole(other) for other in votes if other == "" or other not in winner), default=0)


def test_a_reading_below_the_threshold_is_nothing_to_read(pyramid_case):
    plain = make_runner(pyramid_case.float32)
    results = [plain.run(image) for image in pyramid_case.images]
    surest = max((result for result in results if result.prediction), key=lambda result: result.probability)
    runner = make_runner(with_thresholds(pyramid_case.float32, reading_threshold=surest.probability))
    for image, before in zip(pyramid_case.images, results):
        after = runner.run(image)
        if before is surest or not before.prediction:
            assert (after.prediction, after.probability, after.box) == (
                before.prediction,
                before.probability,
                before.box,
            )
        else:
            assert (after.prediction, after.box, after.categories) == ("", None, (0, 10, 10, 10))
            assert after.probability == 1 - before.probability
        assert runner.run(image, reading_threshold=0.0).prediction == before.prediction
        assert plain.run(image, reading_threshold=1.0).prediction == ""


def test_where_a_number_is_known_to_be_there_one_is_always_read(pyramid_case):
    runner = make_runner(with_thresholds(pyramid_case.float32, reading_threshold=1.0))
    empty = np.full((60, 90), 128, np.uint8)
    for image in (*pyramid_case.images, empty):
        before, after = runner.run(image, reading_threshold=0.0), runner.run(image, always_read=True)
        assert after.prediction
        assert after.box
        if before.prediction:
            assert (after.prediction, after.probability) == (before.prediction, before.probability)


def test_of_a_framed_number_only_patches_that_show_all_of_it_are_looked_at(pyramid_case):
    runner = make_runner(pyramid_case.float32)
    picture = pyramid_case.images[0][:20, :40]  # patches are 16 x 24: of half the size a patch shows all of it
    free, framed = runner.run(picture, 32), runner.run(picture, 32, framed=True)
    assert 0 < len(framed.cells) < len(free.cells) == 32
    boxes = pyramid.patch_boxes(framed.cells, runner._levels, runner.manifest)
    assert (boxes[:, :2] <= 2).all()
    assert (boxes[:, 2:] >= (38, 18)).all()
    order = framed.saliency[cells_of(runner, framed.cells)]
    assert (np.diff(order) <= 0).all()
    large = np.tile(pyramid_case.images[0], (4, 4, 1))  # of which no patch shows all
    np.testing.assert_array_equal(runner.run(large, framed=True).cells, runner.run(large).cells)


def test_a_stretched_image_is_read_in_both_shapes_together(pyramid_case):
    runner = make_runner(pyramid_case.float32)
    image = pyramid_case.images[0]
    plain, both = runner.run(image, 32), runner.run(image, 32, stretch=1.5)
    assert len(both.levels) == 2 * len(plain.levels)
    assert both.levels[: len(plain.levels)] == plain.levels
    high = np.rint(1.5 * image.shape[0])
    assert both.levels[len(plain.levels) + 1].size == (high, image.shape[1])  # the level of the image's own size
    assert len(both.saliency) > 2 * len(plain.saliency)
    second = both.cells[both.cells[:, 0] >= len(plain.levels)]
    assert len(second)
    boxes = pyramid.patch_boxes(second, runner._levels, runner.manifest)
    sides = (boxes[:, 3] - boxes[:, 1]) / (boxes[:, 2] - boxes[:, 0])
    patch = runner.manifest.patch.size
    np.testing.assert_allclose(sides, patch[0] / patch[1] / 1.5, rtol=0.1)
    assert runner.run(image, 32).levels == plain.levels


def cells_of(runner, cells):
    """Returns the positions of cells in the list of all."""
    every = cells_at(np.arange(sum(rows * columns for rows, columns in runner._sizes)), runner._sizes).tolist()
    return [every.index(cell) for cell in cells.tolist()]


def test_the_manifests_lead_is_the_default_and_its_exit_is_not(pyramid_case):
    runner = make_runner(with_thresholds(pyramid_case.float32, vote_lead=0.0, exit_entropy=1e5))
    assert runner.run(pyramid_case.images[0]).num_patches == 1
    assert runner.run(pyramid_case.images[0], vote_lead=ALL).num_patches == 4
    assert runner.run(pyramid_case.images[0], exit_entropy=1e5).num_patches == 0


@pytest.mark.parametrize("wrong", [0, 33])
def test_patches_are_1_to_32(pyramid_case, wrong):
    with pytest.raises(UserError, match=f"num_patches must be from 1 to 32, received {wrong}"):
        make_runner(pyramid_case.float32).run(pyramid_case.images[0], num_patches=wrong)


@pytest.mark.parametrize(
    "image", [np.zeros((3, 50), np.uint8), np.zeros((50, 50, 3), np.uint8), np.zeros((50, 50), np.float32)]
)
def test_other_images_are_refused(pyramid_case, image):
    for make in (make_runner, make_whole_runner):
        with pytest.raises(UserError, match=r"the image must be uint8 of at least 4 x 4 pixels and 1 channel"):
            make(pyramid_case.float32).run(image)


def test_patches_of_a_level_lie_apart(pyramid_case):
    runner = make_runner(pyramid_case.float32)
    manifest = runner.manifest
    (down, across), (high, wide) = manifest.cells.stride, manifest.patch.size
    passed_over = 0
    for image in pyramid_case.images:
        anywhere, apart = (runner.run(image, vote_lead=ALL, patches_apart=share) for share in (0, 1))
        assert apart.cells[0].tolist() == anywhere.cells[0].tolist()
        assert len(apart.cells) <= len(anywhere.cells)
        for index, (level, row, column) in enumerate(apart.cells):
            before = apart.cells[:index][apart.cells[:index, 0] == level]
            assert all(abs(row - r) * down >= high or abs(column - c) * across >= wide for _, r, c in before)
        one_by_one = runner.run(image, vote_lead=ALL - 1, patches_apart=1)
        assert one_by_one.cells.tolist() == apart.cells.tolist()
        passed_over += anywhere.cells.tolist() != apart.cells.tolist()
    assert passed_over
