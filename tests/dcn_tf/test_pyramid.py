import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy_reference import entropy, finite_differences, run_stack, softmax

from dcn_tf.architecture import SequenceTopSpec
from dcn_tf.geometry import PatchGrid, level_sizes, num_cells
from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.pyramid import (
    CANDIDATES,
    Level,
    boxes_in_image,
    cells_at,
    cut_level_patches,
    flat,
    levels_of,
    map_sizes,
    positions_of,
    spread,
    standing_once,
)
from dcn_tf.scales import padded, scaled

LEVELS = (1.5, 1.0, 0.5, 0.2)  # the last is padded to one cell of 8 x 8
TOP = SequenceTopSpec(3, 4, "presence", "votes", min_length=0, box=True)


def network(architecture, randomise, **changes):
    model = DynamicCapacityNetwork(dataclasses.replace(architecture, **changes))
    model.build()
    return randomise(model)


@pytest.fixture
def model(sequence_architecture, randomise):
    return network(sequence_architecture, randomise, top=TOP, levels=LEVELS, num_patches=6)


@pytest.fixture
def images(rng):
    return rng.random((2, 21, 30, 1), np.float32)


def numpy_levels(images, architecture):
    """Returns each level's images, as one scale after the other gives them."""
    return [padded(scaled(tf.constant(images), scale), architecture)[0].numpy() for scale in architecture.levels]


def test_the_levels_are_the_image_at_every_scale_padded_in_the_middle(model, images):
    levels = levels_of(tf.constant(images), model.architecture)
    sizes = [level.images.shape[1:3] for level in levels]
    assert sizes == level_sizes(model.architecture, (21, 30)) == [(32, 45), (21, 30), (10, 15), (8, 8)]
    np.testing.assert_array_equal(levels[1].images, images)
    np.testing.assert_array_equal(levels[3].start, [2, 1])  # 4 x 6 pixels in 8 x 8
    small = scaled(tf.constant(images), 0.2).numpy()
    np.testing.assert_array_equal(levels[3].images[:, 2:6, 1:7], small)
    np.testing.assert_array_equal(levels[3].images[:, 0, 1:7], small[:, 0])  # the border is repeated
    np.testing.assert_allclose(levels[0].zoom, [32 / 21, 45 / 30])
    np.testing.assert_allclose(levels[3].zoom, [4 / 21, 6 / 30])


def test_the_features_of_every_level_are_those_of_the_coarse_stack_on_its_image(model, images):
    outputs = model.all_stages(tf.constant(images))
    start = 0
    for i, level in enumerate(numpy_levels(images, model.architecture)):
        maps = np.stack([run_stack(image, model.coarse) for image in level])
        np.testing.assert_array_equal(outputs["map_sizes"][i], maps.shape[1:3])
        there = maps.reshape(2, -1, maps.shape[-1])
        np.testing.assert_allclose(
            outputs["coarse_features"][:, start : start + there.shape[1]], there, rtol=1e-4, atol=1e-4
        )
        start += there.shape[1]
    assert start == outputs["coarse_features"].shape[1] == num_cells(model.architecture, (21, 30))


def test_the_saliency_is_that_of_one_output_pooled_over_all_levels(sequence_architecture, randomise, images):
    model = network(sequence_architecture, randomise, levels=LEVELS)  # pooled by plain averages
    outputs = model(images)
    kernel, bias = (np.asarray(w, np.float64) for w in model.coarse_top.dense.get_weights())

    def summed_entropy(features):
        cells = features @ kernel + bias
        heads = np.split(cells, np.cumsum(model.architecture.top.heads)[:-1], axis=-1)
        return sum(entropy(np.mean([softmax(cell) for cell in head], axis=0)) for head in heads[1:])

    gradient = finite_differences(summed_entropy, outputs["coarse_features"][1])
    np.testing.assert_allclose(outputs["saliency"][1], np.sqrt((gradient**2).sum(axis=-1)), rtol=1e-3, atol=1e-6)
    assert outputs["saliency"].numpy().max() > 1e-3


def test_the_cells_are_the_highest_of_all_levels_together(model, images):
    glance = model.glance(images)
    sizes = np.asarray(glance["map_sizes"])
    where = [(level, *place) for level, size in enumerate(sizes) for place in np.ndindex(*size)]
    saliency = np.asarray(glance["saliency"])
    for count in (1, 6, len(where)):
        chosen = np.argsort(-saliency, axis=1, kind="stable")[:, :count]
        expected = [[where[i] for i in image] for image in chosen]
        np.testing.assert_array_equal(model.select(glance, count), expected)
    assert len({level for level, _, _ in expected[0]}) == len(LEVELS)


def test_ties_among_levels_go_to_the_first_in_the_list(model, images):
    glance = model.glance(images)
    scores = np.zeros(glance["saliency"].shape, np.float32)
    first_of_second = int(np.prod(glance["map_sizes"][0]))
    scores[:, [first_of_second - 1, first_of_second, first_of_second + 1]] = 1.0
    sizes = np.asarray(glance["map_sizes"])
    last = (0, sizes[0, 0] - 1, sizes[0, 1] - 1)
    expected = [last, (1, 0, 0), (1, 0, 1), (0, 0, 0), (0, 0, 1)]
    np.testing.assert_array_equal(model.select(glance, 5, scores), [expected] * 2)


def apart_by_loops(cells, count, nearest):
    """Takes one after the other those cells that are near none that is taken already."""
    taken = []
    for level, row, column in cells:
        near = [abs(row - r) < nearest[0] and abs(column - c) < nearest[1] for n, r, c in taken if n == level]
        if len(taken) < count and not any(near):
            taken.append((level, row, column))
    return taken


@pytest.mark.parametrize("compiled", [False, True])
def test_cells_that_are_apart_and_the_first_again_where_there_are_no_more(rng, compiled):
    every = [(level, row, column) for level in range(3) for row in range(8) for column in range(7)]
    found_of = tf.function(spread, reduce_retracing=True) if compiled else spread
    missing = set()
    for count, of_image, nearest in [(8, 32, (2, 3)), (8, 32, (6, 6)), (5, 20, (1, 1)), (3, 2, (2, 2)), (1, 1, (9, 9))]:
        cells = np.stack([rng.permutation(every)[:of_image] for _ in range(4)]).astype(np.int32)
        found = found_of(tf.constant(cells), tf.constant(count), nearest).numpy()
        once = standing_once(found).numpy()
        assert found.shape == (4, count, 3)
        for image in range(4):
            expected = apart_by_loops(cells[image].tolist(), count, nearest)
            missing.add(count - len(expected))
            again = [tuple(cells[image, 0])] * (count - len(expected))
            np.testing.assert_array_equal(found[image], expected + again)
            np.testing.assert_array_equal(once[image], [True] * len(expected) + [False] * len(again))
    assert 0 in missing
    assert max(missing) > 1


def test_the_cells_of_a_network_are_apart_ties_to_the_first(model, sequence_architecture, randomise, images, rng):
    apart = network(sequence_architecture, randomise, top=TOP, levels=LEVELS, patches_apart=1.0)
    glance = apart.glance(images)
    sizes = np.asarray(glance["map_sizes"])
    where = [(level, *place) for level, size in enumerate(sizes) for place in np.ndindex(*size)]
    scores = rng.integers(0, 5, (2, len(where))).astype(np.float32)  # many are equal
    select = tf.function(lambda scores, count: apart.select(glance, count, scores))
    for count in (1, 4, 12):
        found, plain = select(scores, count).numpy(), model.select(glance, count, scores).numpy()
        for image in range(2):
            order = np.argsort(-scores[image], kind="stable")[: CANDIDATES * count]
            expected = apart_by_loops([where[i] for i in order], count, (2, 2))  # patches of 8 x 8, 4 apart
            np.testing.assert_array_equal(found[image, : len(expected)], expected)
            assert len(expected) == count or (found[image, len(expected) :] == expected[0]).all()
            assert count == 1 or found[image].tolist() != plain[image].tolist()
    with pytest.raises(ValueError, match="Received: 1000"):
        apart.select(glance, 1000)


@pytest.mark.parametrize("weighting", ["average", "inverse_entropy", "presence", "votes"])
@pytest.mark.parametrize("box", [False, True])
def test_a_cell_that_stands_again_has_no_part_in_the_answer(sequence_architecture, randomise, images, weighting, box):
    top = dataclasses.replace(TOP, refined_weighting=weighting, box=box)
    apart = network(sequence_architecture, randomise, top=top, levels=LEVELS, num_patches=30, patches_apart=1.0)
    outputs = apart(images)
    once = standing_once(outputs["cells"]).numpy()
    assert not once.all()
    anywhere = DynamicCapacityNetwork(dataclasses.replace(apart.architecture, patches_apart=0.0))
    anywhere.build()
    anywhere.set_weights(apart.get_weights())
    for image in range(2):
        cells = outputs["cells"][image][once[image]]
        alone = anywhere(images[image : image + 1], cells=cells[None])
        for name in ("logits", "box") if box else ("logits",):
            np.testing.assert_allclose(outputs[name][image], alone[name][0], rtol=1e-4, atol=1e-5)


def test_positions_and_cells_are_each_others_reverse():
    sizes = tf.constant([[3, 4], [1, 1], [2, 5]])
    expected = [(level, r, c) for level, (h, w) in enumerate(sizes.numpy()) for r in range(h) for c in range(w)]
    cells = cells_at(tf.range(23), sizes)
    np.testing.assert_array_equal(cells, expected)
    np.testing.assert_array_equal(positions_of(cells, sizes), range(23))
    np.testing.assert_array_equal(cells_at(tf.constant([[22, 12], [0, 11]]), sizes)[0], [(2, 1, 4), (1, 0, 0)])


def test_the_list_holds_the_maps_row_by_row(rng):
    maps = [rng.random((2, 3, 4, 5)), rng.random((2, 1, 2, 5))]
    expected = np.concatenate([m.reshape(2, -1, 5) for m in maps], axis=1)
    np.testing.assert_array_equal(flat(maps), expected)
    np.testing.assert_array_equal(flat([m[..., 0] for m in maps]), expected[..., 0])
    np.testing.assert_array_equal(map_sizes(maps), [(3, 4), (1, 2)])


def test_patches_are_slices_of_their_levels_image(rng):
    images = [rng.random((2, 9, 11, 2), np.float32), rng.random((2, 6, 5, 2), np.float32)]
    levels = [Level(tf.constant(image), tf.zeros(2, tf.int32), tf.ones(2)) for image in images]
    grid = PatchGrid((-3, -2), (2, 3), (5, 6))
    cells = np.array([[(0, 0, 0), (1, 0, 0), (0, 3, 2)], [(1, 2, 1), (0, 4, 3), (1, 3, 1)]], np.int32)
    patches = cut_level_patches(levels, tf.constant(cells), grid)
    assert patches.shape == (2, 3, 5, 6, 2)
    for image, rank in np.ndindex(2, 3):
        level, row, column = cells[image, rank]
        source = images[level][image]
        for y, x in np.ndindex(5, 6):
            at = row * 2 - 3 + y, column * 3 - 2 + x
            inside = 0 <= at[0] < source.shape[0] and 0 <= at[1] < source.shape[1]
            np.testing.assert_array_equal(patches[image, rank, y, x], source[at] if inside else [0, 0])


def test_the_networks_patches_come_from_its_levels(model, images):
    outputs = model(images)
    levels = numpy_levels(images, model.architecture)
    for image, rank in np.ndindex(2, 6):
        level, row, column = np.asarray(outputs["cells"])[image, rank]
        top, left = model.patch_grid.start((row, column))
        assert min(top, left) >= 0  # fields without padding lie in their level
        expected = levels[level][image, top : top + 8, left : left + 8]
        np.testing.assert_array_equal(outputs["patches"][image, rank], expected)
    alone = model.fine(outputs["patches"])
    np.testing.assert_array_equal(outputs["fine_features"], alone)


def test_boxes_in_pixels_of_the_image_by_hand():
    nothing = tf.zeros([1, 1, 1, 1])
    levels = [
        Level(nothing, tf.constant([0, 0]), tf.constant([1.0, 1.0])),
        Level(nothing, tf.constant([6, 2]), tf.constant([0.5, 0.25])),
    ]
    grid = PatchGrid((-1, -3), (4, 8), (20, 40))
    cells = tf.constant([[[0, 2, 1], [1, 2, 1]]])
    boxes = tf.constant([[[0.0, 0.0, 1.0, 1.0], [0.25, 0.5, 0.75, 1.0]]])
    whole = [-3 + 8, -1 + 8, -3 + 8 + 40, -1 + 8 + 20]
    part = [(5 + 10 - 2) / 0.25, (7 + 10 - 6) / 0.5, (5 + 30 - 2) / 0.25, (7 + 20 - 6) / 0.5]
    np.testing.assert_allclose(boxes_in_image(boxes, levels, cells, grid), [[whole, part]])


def test_the_answers_box_is_the_weighted_mean_of_the_boxes_of_those_that_agree(model, images):
    outputs = model(images)
    top = model.fine_top
    weights = np.exp(np.asarray(top.cell_weights(top.cell_logits(outputs["fine_features"])), np.float64))
    weights /= weights.sum(axis=1, keepdims=True)
    expected = (weights[..., None] * np.asarray(outputs["boxes"])).sum(axis=1)
    np.testing.assert_allclose(outputs["box"], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("weighting", ["average", "inverse_entropy", "presence", "votes"])
def test_every_pooling_gives_a_box(sequence_architecture, randomise, images, weighting):
    top = dataclasses.replace(TOP, refined_weighting=weighting)
    outputs = network(sequence_architecture, randomise, top=top, levels=LEVELS)(images)
    assert np.all(np.isfinite(outputs["box"]))
    if weighting == "average":
        np.testing.assert_allclose(outputs["box"], np.mean(outputs["boxes"], axis=1), rtol=1e-4, atol=1e-5)


def test_the_boxes_of_one_level_are_those_of_a_pyramid_of_it(sequence_architecture, randomise, images):
    model = network(sequence_architecture, randomise, top=TOP)
    outputs = model(images)
    fine = np.asarray(model.fine_top.cell_boxes(outputs["fine_features"]))
    starts = np.asarray(outputs["cells"])[..., ::-1] * 4  # (left, top) of 8 x 8 patches, 4 apart
    expected = np.concatenate([starts + fine[..., :2] * 8, starts + fine[..., 2:] * 8], axis=-1)
    np.testing.assert_allclose(outputs["boxes"], expected, rtol=1e-5, atol=1e-5)


def test_one_level_of_1_is_no_pyramid_and_computes_the_same_to_the_bit(sequence_architecture, randomise, images):
    plain = network(sequence_architecture, randomise)
    outputs = plain(images)
    for levels in ((1.0,), (1,), [1]):
        one = DynamicCapacityNetwork(dataclasses.replace(sequence_architecture, levels=levels))
        assert one.architecture == sequence_architecture
        one.build()
        one.set_weights(plain.get_weights())
        again = one(images)
        assert set(again) == set(outputs)
        assert not {"levels", "map_sizes", "boxes", "box"} & set(again)
        for name, value in outputs.items():
            np.testing.assert_array_equal(again[name], value)


def test_a_pyramid_of_equal_levels_answers_as_one_level_does(sequence_architecture, randomise, images):
    """Every cell stands in the list twice, of which top-k takes both: 2 k patches pool as k do."""
    one = network(sequence_architecture, randomise)
    two = DynamicCapacityNetwork(dataclasses.replace(sequence_architecture, levels=(1.0, 1.0)))
    two.build()
    two.set_weights(one.get_weights())
    outputs, doubled = one(images, num_patches=3), two(images, num_patches=6)
    np.testing.assert_allclose(doubled["coarse_logits"], outputs["coarse_logits"], rtol=1e-5)
    np.testing.assert_allclose(doubled["logits"], outputs["logits"], rtol=1e-4)
    assert {tuple(cell) for cell in doubled["cells"].numpy()[0, :, 1:]} == {
        tuple(cell) for cell in outputs["cells"].numpy()[0]
    }


@pytest.mark.parametrize("name", ["coarse", "fine"])
def test_a_whole_model_reads_all_levels_in_one_list(model, images, name):
    whole = model.whole_model(name)
    outputs = whole(images)
    stack, top = getattr(model, name), getattr(model, f"{name}_top")
    maps = [stack(tf.constant(level)).numpy() for level in numpy_levels(images, model.architecture)]
    features = np.concatenate([m.reshape(2, -1, m.shape[-1]) for m in maps], axis=1)
    np.testing.assert_allclose(outputs["features"], features, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(outputs["logits"], top(tf.constant(features)), rtol=1e-4, atol=1e-5)
    window = images[:, :8, :8]
    assert whole(window, training=True)["features"].shape[1:3] == (1, 1)  # one level where windows are trained on


def test_a_saved_pyramid_answers_the_same(model, images, tmp_path):
    import keras

    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    assert restored.architecture == model.architecture
    np.testing.assert_array_equal(restored(images)["box"], model(images)["box"])
    np.testing.assert_array_equal(restored(images)["logits"], model(images)["logits"])


def test_images_of_any_size_are_read_in_one_graph(model, rng):
    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 1])])
    def read(images):
        return model(images, num_patches=2)["logits"]

    for size in ((5, 7), (16, 20), (40, 33)):
        images = rng.random((1, *size, 1), np.float32)
        np.testing.assert_allclose(read(images), model(images, num_patches=2)["logits"], rtol=1e-4, atol=1e-5)


def test_a_network_with_levels_predicts_exports_and_is_a_part_of_others(model, images, tmp_path):
    eager = model(images)
    assert not {"levels", "map_sizes"} & eager.keys()
    predicted = model.predict(np.concatenate([images] * 2), batch_size=2, verbose=0)
    np.testing.assert_allclose(predicted["logits"][2:], eager["logits"], rtol=1e-5, atol=1e-5)
    inputs = keras.Input((21, 30, 1))
    answer = keras.Model(inputs, model(inputs)["logits"])
    np.testing.assert_allclose(answer(images), eager["logits"], rtol=1e-5, atol=1e-5)
    model.export(tmp_path / "saved", verbose=False)
    height, width = model.architecture.image_size
    images = images[:, :height, :width]
    saved = tf.saved_model.load(tmp_path / "saved")
    served = saved.serve(images)
    np.testing.assert_allclose(served["logits"], model(images)["logits"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_levels_are_of_the_type_that_the_stacks_compute_in(sequence_architecture, images, policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        mixed = network(sequence_architecture, lambda model: model, top=TOP, levels=LEVELS, num_patches=6)
        outputs = mixed(images)
    finally:
        keras.config.set_dtype_policy(before)
    assert outputs["coarse_features"].dtype == policy.removeprefix("mixed_")
    assert outputs["logits"].dtype == tf.float32
    assert np.isfinite(outputs["logits"]).all()
