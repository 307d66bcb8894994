import keras
import numpy as np
import pytest

from train.checkpoints import Checkpoints
from train.errors import UserError


def trained(seed, units=2):
    """Returns a model and an optimizer with moments, of their own for each seed."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(units), keras.layers.BatchNormalization()])
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build(model.trainable_variables)
    optimizer.apply([keras.ops.ones_like(variable) * (1 + seed) for variable in model.trainable_variables])
    return model, optimizer


def values(model, optimizer):
    return [variable.numpy() for variable in (*model.variables, *optimizer.variables)]


def test_a_workdir_without_any_begins_at_step_0(tmp_path):
    assert Checkpoints(tmp_path, *trained(0)).restore() == 0


def test_everything_is_restored_from_the_newest(tmp_path):
    first, other = trained(0), trained(1)
    saved = Checkpoints(tmp_path, *first)
    saved.save(3, seconds=1.5)
    first[0].variables[0].assign_add(np.ones((3, 2)))
    saved.save(5, seconds=2.5)
    assert any(np.any(a != b) for a, b in zip(values(*first), values(*other)))
    restored = Checkpoints(tmp_path, *other)
    assert restored.restore() == 5
    assert float(restored.seconds) == 2.5
    for expected, found in zip(values(*first), values(*other), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_newest_two_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path, *trained(0))
    for step in (1, 2, 3):
        checkpoints.save(step, 0.0)
    assert {path.stem for path in (tmp_path / "checkpoints").glob("*.index")} == {"ckpt-2", "ckpt-3"}


def test_a_checkpoint_of_another_network_is_told_in_one_line(tmp_path):
    Checkpoints(tmp_path, *trained(0)).save(1, 0.0)
    with pytest.raises(UserError, match=r"ckpt-1 can't be restored \(.*remove the folder checkpoints/") as caught:
        Checkpoints(tmp_path, *trained(0, units=4)).restore()
    assert "\n" not in str(caught.value)
