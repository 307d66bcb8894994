import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from dcn_tf.losses import hint, negative_log_likelihood
from dcn_tf.model import DynamicCapacityNetwork
from train import optimizers, steps


def batch(architecture, count=4, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.random((count, *architecture.train_size, 1)).astype(np.float32)
    labels = np.stack([rng.integers(n, size=count) for n in architecture.top.heads], axis=1).astype(np.int32)
    return tf.constant(images), tf.constant(labels), tf.zeros([count, 4])


def built(config):
    keras.utils.set_random_seed(0)
    model = DynamicCapacityNetwork(config.architecture)
    model.build()
    return model


def changed_variables(config, model):
    before = [variable.numpy() for variable in model.trainable_variables]
    step = steps.TrainStep(model, optimizers.make_optimizer(config), config)
    metrics = step(*batch(config.architecture))
    after = [variable.numpy() for variable in model.trainable_variables]
    names = {v.path for v, b, a in zip(model.trainable_variables, before, after) if not np.array_equal(b, a)}
    return names, metrics


def test_end_to_end_loss_is_the_weighted_sum_of_its_terms(config):
    config = config(hint_weight=0.3, coarse_weight=0.7)
    model = built(config)
    images, labels, boxes = batch(config.architecture)
    terms = steps.end_to_end_losses(model, images, labels, config)
    outputs = model(images, training=True)
    nll = negative_log_likelihood(outputs["logits"], labels, (10,))
    distance = hint(outputs["coarse_features"], outputs["fine_features"], outputs["cells"])
    assert {name: weight for name, (weight, _) in terms.items()} == {"refined": 1.0, "hint": 0.3, "coarse": 0.7}
    np.testing.assert_allclose(terms["refined"][1], nll, rtol=1e-5)
    np.testing.assert_allclose(terms["hint"][1], distance, rtol=1e-5)
    metrics = steps.TrainStep(model, optimizers.make_optimizer(config), config)(images, labels, boxes)
    total = metrics["loss/refined"] + 0.3 * metrics["loss/hint"] + 0.7 * metrics["loss/coarse"]
    np.testing.assert_allclose(metrics["loss"], total, rtol=1e-5)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"coarse_weight": 1.0}, ("refined", "coarse")),
        ({"training": "modular", "preset": "tiny_sequence"}, ("coarse", "fine")),
        ({"model": "fine"}, ("fine",)),
    ],
)
def test_smoothed_labels_stand_in_every_likelihood(config, values, names, monkeypatch):
    asked = []
    monkeypatch.setattr(
        steps, "negative_log_likelihood", lambda *given: asked.append(given[3]) or tf.reduce_sum(given[0])
    )
    run = config(label_smoothing=0.1, **values)
    changed_variables(run, built(run))
    assert asked == [0.1] * len(names)


def test_without_weight_the_hint_is_measured_and_trains_nothing(config):
    config = config(hint_weight=0.0)
    model = built(config)
    outputs = model(batch(config.architecture)[0], training=True)
    distance = hint(outputs["coarse_features"], outputs["fine_features"], outputs["cells"])
    metrics = steps.TrainStep(model, optimizers.make_optimizer(config), config)(*batch(config.architecture))
    np.testing.assert_allclose(metrics["loss/hint"], distance, rtol=1e-5)
    np.testing.assert_allclose(metrics["loss"], metrics["loss/refined"], rtol=1e-6)


def test_vectors_of_different_lengths_have_no_distance(config):
    config = config(preset="tiny_sequence", num_patches=1, hint_weight=0.0, coarse_weight=1.0)
    terms = steps.end_to_end_losses(built(config), *batch(config.architecture)[:2], config)
    assert set(terms) == {"refined", "coarse"}


def test_beside_a_relative_hint_the_distance_is_measured(config):
    config = config(hint_weight=0.3, relative_hint=True)
    model = built(config)
    outputs = model(batch(config.architecture)[0], training=True)
    vectors = outputs["coarse_features"], outputs["fine_features"], outputs["cells"]
    metrics = steps.TrainStep(model, optimizers.make_optimizer(config), config)(*batch(config.architecture))
    np.testing.assert_allclose(metrics["loss/hint"], hint(*vectors, relative=True), rtol=1e-5)
    np.testing.assert_allclose(metrics["loss/distance"], hint(*vectors), rtol=1e-5)
    np.testing.assert_allclose(metrics["loss"], metrics["loss/refined"] + 0.3 * metrics["loss/hint"], rtol=1e-5)


def test_a_step_in_bfloat16_is_nearly_that_of_float32(config):
    settings = {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, "schedule": "constant", "replicas": 2}
    moved, metrics = {}, {}
    for dtype in ("float32", "bfloat16"):
        run = config(compute_dtype=dtype, **settings)
        model = built(run)
        before = np.concatenate([np.ravel(v.numpy()) for v in model.trainable_variables])
        metrics[dtype] = steps.TrainStep(model, optimizers.make_optimizer(run), run)(*batch(run.architecture))
        moved[dtype] = np.concatenate([np.ravel(v.numpy()) for v in model.trainable_variables]) - before
        assert model(batch(run.architecture)[0])["refined"].dtype == tf.float32
    exact, rounded = moved["float32"], moved["bfloat16"]
    assert exact @ rounded / np.linalg.norm(exact) / np.linalg.norm(rounded) > 0.95
    np.testing.assert_allclose(metrics["bfloat16"]["loss/refined"], metrics["float32"]["loss/refined"], rtol=0.02)


def test_replicas_average_the_steps_that_their_parts_would_make(config):
    settings = {"hint_weight": 0.3, "optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, "schedule": "constant"}
    whole = batch(config().architecture, count=6)
    batches = {"both": whole, "first": [t[:3] for t in whole], "second": [t[3:] for t in whole]}
    after, metrics = {}, {}
    for name, images_and_labels in batches.items():
        run = config(replicas=2 if name == "both" else 1, **settings)
        model = built(run)
        metrics[name] = steps.TrainStep(model, optimizers.make_optimizer(run), run)(*images_and_labels)
        after[name] = [variable.numpy() for variable in model.trainable_variables]
    for both, first, second in zip(*after.values()):
        np.testing.assert_allclose(both, (first + second) / 2, rtol=1e-4, atol=1e-6)
    for name in ("loss", "loss/refined", "loss/hint"):
        mean = (metrics["first"][name] + metrics["second"][name]) / 2
        np.testing.assert_allclose(metrics["both"][name], mean, rtol=1e-5)


def test_the_moving_statistics_follow_each_part(config):
    run = config(replicas=2)
    images, *rest = batch(run.architecture, count=6)
    models = [built(run), built(run)]
    steps.TrainStep(models[0], optimizers.make_optimizer(run), run)(images, *rest)
    for part in tf.split(images, 2):
        models[1](part, training=True)
    for ours, expected in zip(*(model.non_trainable_variables for model in models)):
        np.testing.assert_allclose(ours.numpy(), expected.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "stacks"), [("coarse", {"coarse", "coarse_top"}), ("fine", {"fine", "fine_top"})])
def test_a_baseline_trains_its_own_weights_only(config, name, stacks):
    config = config(model=name, preset="tiny_sequence")
    names, _ = changed_variables(config, built(config))
    assert {path.split("/")[1] for path in names} == stacks


def test_modular_training_of_a_sequence_model_is_training_both_alone(config):
    """The two models share no weight, so one modular step moves each as its own step would."""
    weights = {}
    for name in ("modular", "coarse", "fine"):
        kind = {"training": "modular"} if name == "modular" else {"model": name}
        run = config(preset="tiny_sequence", optimizer="sgd", weight_decay=0.0, **kind)
        model = built(run)
        for block in model.fine.blocks:
            if getattr(block, "dropout", None) is not None:
                block.dropout = None  # its random numbers would differ between the runs
        changed_variables(run, model)
        weights[name] = {v.path.partition("/")[2]: v.numpy() for v in model.trainable_variables}
    for path, value in weights["modular"].items():
        alone = weights["coarse" if path.startswith("coarse") else "fine"][path]
        np.testing.assert_allclose(value, alone, rtol=1e-4, atol=1e-6)


def boxed_batch(architecture):
    images, labels, _ = batch(architecture)
    return images, labels, tf.constant([[0.1, 0.2, 0.6, 0.9], [0.0, 0.0, 0.0, 0.0]] * 2)


def test_the_fine_model_learns_where_the_number_is(config):
    config = config(preset="tiny_pyramid", training="modular")
    model = built(config)
    images, labels, boxes = boxed_batch(config.architecture)
    terms = steps.whole_losses(model, images, labels, boxes, ("fine",), config)
    vectors = model.fine(images, training=True)  # one cell of each window
    kernel, bias = model.fine_top.box.get_weights()
    found = np.asarray(vectors)[:, 0, 0] @ kernel + bias
    known = np.array([0, 2])
    assert {name: weight for name, (weight, _) in terms.items()} == {"fine": 1.0, "box": steps.BOX_WEIGHT}
    expected = np.abs(found - np.asarray(boxes))[known].mean()
    assert 0.5 * expected < float(terms["box"][1]) < 2 * expected  # dropout differs between the two


def test_boxes_train_the_fine_stack_and_its_top_alone(config):
    config = config(preset="tiny_pyramid", training="modular", optimizer="sgd", momentum=0.0, weight_decay=0.0)
    moved = {}
    for boxed in (False, True):
        model = built(config)
        for block in model.fine.blocks:
            if getattr(block, "dropout", None) is not None:
                block.dropout = None
        before = [variable.numpy() for variable in model.trainable_variables]
        step = steps.TrainStep(model, optimizers.make_optimizer(config), config)
        metrics = step(*(boxed_batch if boxed else batch)(config.architecture))
        assert (float(metrics["loss/box"]) > 0) == boxed
        paths = [variable.path.partition("/")[2] for variable in model.trainable_variables]
        moved[boxed] = {path: v.numpy() - b for path, v, b in zip(paths, model.trainable_variables, before)}
    differs = {path for path, move in moved[True].items() if np.abs(move - moved[False][path]).max() > 1e-7}
    assert {path.split("/")[0] for path in differs} == {"fine", "fine_top"}


def test_a_whole_pyramid_trains_end_to_end_and_its_hint_is_that_of_the_selected_cells(config):
    architecture = config(preset="tiny_pyramid").architecture
    fine = (*architecture.fine[:-1], dataclasses.replace(architecture.fine[-1], filters=4, dropout=0.0))
    model = DynamicCapacityNetwork(dataclasses.replace(architecture, fine=fine))
    model.build()
    images = np.random.default_rng(0).random((3, 16, 24, 1), np.float32)
    labels = tf.constant([[0, 10, 10, 10], [2, 3, 4, 10], [3, 1, 2, 3]])
    terms = steps.end_to_end_losses(model, images, labels, config(hint_weight=0.3, coarse_weight=1.0))
    outputs = model(images, training=True)
    coarse, fine = np.asarray(outputs["coarse_features"]), np.asarray(outputs["fine_features"])
    distances = []
    for image, rank in np.ndindex(3, 2):
        level, row, column = np.asarray(outputs["cells"])[image, rank]
        vector = coarse[image, 3 * row + column] if level == 0 else coarse[image, 9]
        distances.append(((vector - fine[image, rank]) ** 2).sum())
    np.testing.assert_allclose(terms["hint"][1], np.mean(distances), rtol=1e-4)


@pytest.mark.parametrize("limit", [0.0, 0.01, 1e6])
def test_gradients_are_shortened_to_the_norm_that_is_asked_for(config, limit):
    settings = {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, "schedule": "constant", "learning_rate": 1.0}
    config = config(clip_norm=limit, **settings)
    model = built(config)
    before = np.concatenate([np.ravel(v.numpy()) for v in model.trainable_variables])
    metrics = steps.TrainStep(model, optimizers.make_optimizer(config), config)(*batch(config.architecture))
    moved = np.concatenate([np.ravel(v.numpy()) for v in model.trainable_variables]) - before
    norm = float(metrics["gradient_norm"])  # what it was before
    assert norm > 0.1
    assert np.linalg.norm(moved) == pytest.approx(0.01 if limit == 0.01 else norm, rel=1e-3)


def test_every_step_draws_its_number_of_patches_by_seed_and_step(config):
    run = config(train_num_patches=(1, 4, 2), seed=3)
    drawn = [steps.drawn_num_patches(run, step) for step in range(300)]
    assert all(80 < drawn.count(k) < 120 for k in (1, 2, 4))
    assert drawn[:20] == [steps.drawn_num_patches(run, step) for step in range(20)]
    assert drawn[:20] != [steps.drawn_num_patches(config(train_num_patches=(1, 4, 2)), step) for step in range(20)]
    assert steps.drawn_num_patches(config(), 7) is None


def test_a_step_is_made_with_the_patches_that_were_drawn(config, monkeypatch):
    run = config(train_num_patches=(1, 3), hint_weight=0.1)
    model = built(run)
    counts = iter((3, 1, 3))
    monkeypatch.setattr(steps, "drawn_num_patches", lambda *_: next(counts))
    looks, look_closely = [], model.look_closely
    monkeypatch.setattr(model, "look_closely", lambda *args: looks.append(args[1].shape[1]) or look_closely(*args))
    step = steps.TrainStep(model, optimizers.make_optimizer(run), run)
    losses = [float(step(*batch(run.architecture))["loss"]) for _ in range(3)]
    assert looks == [3, 1]  # each is traced once
    assert len(set(losses)) == 3
