import dataclasses
import os
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_training import tiny_classifier

from dcn_tf.model import DynamicCapacityNetwork
from train import optimizers, steps
from train.aids import aids_of
from train.data.cluttered import CANVAS, SPLIT_SEEDS, fixed_split
from train.data.digits import load_mnist
from train.data.pipeline import to_float
from train.errors import UserError
from train.teacher import Teacher, teacher_of, windows

TEACHERS = sorted((Path(__file__).parents[2] / "models" / "teachers").glob("*.keras"))
DATA = Path(os.environ.get("DCN_DATA_DIR", "missing"))


def network(seed, architecture=None):
    keras.utils.set_random_seed(seed)
    model = DynamicCapacityNetwork(architecture or tiny_classifier())
    model.build()
    return model


def batch(count=4, size=(100, 100)):
    rng = np.random.default_rng(0)
    boxes = np.float32([[0.10, 0.20, 0.38, 0.48], [0.0, 0.72, 0.28, 1.0], [0.5, 0.5, 0.78, 0.78], [0.0, 0.0, 0.0, 0.0]])
    labels = tf.constant(rng.integers(10, size=(count, 1)), tf.int32)
    return tf.constant(rng.random((count, *size, 1)), tf.float32), labels, tf.constant(boxes[:count])


def test_a_box_of_whole_pixels_is_cut_out_as_it_is():
    images, _, boxes = batch(3)
    found = windows(images, boxes, (28, 28))
    for b, (x, y) in enumerate([(10, 20), (0, 72), (50, 50)]):
        np.testing.assert_allclose(found[b], images[b, y : y + 28, x : x + 28], atol=1e-4)


def test_another_size_is_read_between_pixels_from_their_middles():
    """Half as many pixels as the box has: each lies between two of the image, as in a plain bilinear resize."""
    images, _, boxes = batch(3)
    found = windows(images, boxes, (14, 7))
    cut = np.stack([images[b, y : y + 28, x : x + 28] for b, (x, y) in enumerate([(10, 20), (0, 72), (50, 50)])])
    rows = (cut[:, 0::2] + cut[:, 1::2]) / 2
    np.testing.assert_allclose(found, (rows[:, :, 1::4] + rows[:, :, 2::4]) / 2, atol=1e-4)


def test_the_mean_of_several_answers_and_the_whole_image_where_no_box_is_known():
    images, _, boxes = batch()
    networks = [network(seed) for seed in (1, 2)]
    size = networks[0].architecture.image_size
    seen = np.concatenate([windows(images[:3], boxes[:3], size), tf.image.resize(images[3:], size)])
    each = [np.log(tf.nn.softmax(one.whole_model("fine")(tf.constant(seen))["logits"])) for one in networks]
    np.testing.assert_allclose(Teacher(networks).logits(images, boxes), np.mean(each, axis=0), atol=2e-3)


@pytest.mark.skipif(
    not (DATA / "mnist.npz").is_file(), reason="needs the real MNIST: set DCN_DATA_DIR to a folder with mnist.npz"
)
def test_the_shipped_teachers_read_digits_whose_place_they_are_told(config):
    split = fixed_split(*load_mnist(str(DATA)).test, 500, SPLIT_SEEDS["test"])
    run = config(teacher=",".join(map(str, TEACHERS)))
    teacher = teacher_of(run, run.architecture)
    logits = teacher.logits(to_float(tf.constant(split.images)), tf.constant(split.boxes / CANVAS))
    wrong = np.count_nonzero(np.argmax(logits, axis=1) != split.labels[:, 0])
    assert len(TEACHERS) == 2
    assert wrong <= 6  # 0.48 % of 50,000


def test_what_labels_teach_is_taught_in_the_same_shares(config):
    images, labels, boxes = batch(size=tiny_classifier().image_size)
    run = config(coarse_weight=0.3, teacher_weight=2.0, temperature=4.0)
    teacher, model = Teacher([network(1)]), network(2)
    taught = teacher.logits(images, boxes)
    terms = steps.losses(model, run, aids_of(run, model.architecture), None, images, labels, boxes)
    assert not any("taught" in name for name in terms)
    terms = steps.end_to_end_losses(model, images, labels, run, None, taught)
    weights = {name: weight for name, (weight, _) in terms.items()}
    assert weights == {"refined": 1.0, "hint": 0.05, "coarse": 0.3, "refined_taught": 2.0, "coarse_taught": 0.6}
    for name in ("coarse", "fine"):
        alone = steps.whole_losses(model, images, labels, boxes, (name,), run, None, taught)
        assert [weight for weight, _ in alone.values()] == [1.0, 2.0]
        soft = [
            tf.nn.softmax(logits / 4) for logits in (taught, model.whole_model(name)(images, training=True)["logits"])
        ]
        divergence = np.sum(soft[0] * np.log(soft[0] / soft[1]), axis=1).mean()
        np.testing.assert_allclose(alone[f"{name}_taught"][1], 16 * divergence, rtol=1e-3)


def test_a_step_leaves_the_teacher_as_it_was_and_comes_nearer_to_it(config, tmp_path):
    network(1).save(tmp_path / "teacher.keras")
    run = config(teacher=str(tmp_path / "teacher.keras"), model="fine", learning_rate=1e-2, hint_weight=0.0)
    model, (images, labels, boxes) = network(2), batch(size=tiny_classifier().image_size)
    aids = aids_of(run, model.architecture)
    before = aids.teacher.logits(images, boxes).numpy()
    step = steps.TrainStep(model, optimizers.make_optimizer(run), run, aids=aids)
    losses = [float(step(images, labels, boxes)["loss/fine_taught"]) for _ in range(12)]
    assert losses[-1] < 0.7 * losses[0]
    np.testing.assert_array_equal(aids.teacher.logits(images, boxes), before)


def test_several_are_read_from_workdirs_and_files(config, tmp_path):
    network(1).save(tmp_path / "model.keras")
    network(2).save(tmp_path / "other.keras")
    run = config(teacher=f"{tmp_path},{tmp_path / 'other.keras'}")
    images, _, boxes = batch(size=tiny_classifier().image_size)
    found = teacher_of(run, run.architecture).logits(images, boxes)
    np.testing.assert_allclose(found, Teacher([network(1), network(2)]).logits(images, boxes), rtol=1e-5)
    assert teacher_of(config(), run.architecture) is None


def test_another_task_or_other_classes_are_refused(config, tmp_path):
    architecture = tiny_classifier()
    other = dataclasses.replace(architecture, top=dataclasses.replace(architecture.top, classes=7))
    network(1, other).save(tmp_path / "model.keras")
    run = config(teacher=str(tmp_path))
    with pytest.raises(UserError, match="--teacher must be a classifier of as many channels and classes .* and 7$"):
        teacher_of(run, run.architecture)
    numbers = config(teacher=str(tmp_path), preset="tiny_sequence")
    with pytest.raises(UserError, match="--teacher must be a classifier"):
        teacher_of(numbers, numbers.architecture)


def test_a_file_of_something_else_is_refused(config, tmp_path):
    keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "model.keras")
    run = config(teacher=str(tmp_path))
    with pytest.raises(UserError, match="--teacher must be a DynamicCapacityNetwork. Received: Sequential"):
        teacher_of(run, run.architecture)
