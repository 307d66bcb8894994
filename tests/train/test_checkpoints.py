import keras
import numpy as np
import pytest

from train.checkpoint_files import newest_whole
from train.checkpoints import Checkpoints
from train.errors import UserError
from train.optimizers import Muon


def trained(seed, units=2, kind=keras.optimizers.Adam):
    """Returns a model and an optimizer with moments, of their own for each seed."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(units), keras.layers.BatchNormalization()])
    optimizer = kind(0.1)
    optimizer.build(model.trainable_variables)
    optimizer.apply([keras.ops.ones_like(variable) * (1 + seed) for variable in model.trainable_variables])
    return model, optimizer


def values(model, optimizer):
    return [variable.numpy() for variable in (*model.variables, *optimizer.variables)]


def test_a_workdir_without_any_begins_at_step_0(tmp_path):
    assert Checkpoints(tmp_path, *trained(0)).restore(None) == 0


@pytest.mark.parametrize("kind", [keras.optimizers.Adam, Muon])
def test_everything_is_restored_from_the_newest(tmp_path, kind):
    first, other = trained(0, kind=kind), trained(1, kind=kind)
    saved = Checkpoints(tmp_path, *first)
    saved.save(3, seconds=1.5)
    first[0].variables[0].assign_add(np.ones((3, 2)))
    saved.save(5, seconds=2.5)
    assert any(np.any(a != b) for a, b in zip(values(*first), values(*other)))
    restored = Checkpoints(tmp_path, *other)
    assert restored.restore(newest_whole(tmp_path / "checkpoints")) == 5
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
    with pytest.raises(UserError, match=r"ckpt-1 can't be restored \(.*give --restart") as caught:
        Checkpoints(tmp_path, *trained(0, units=4)).restore(newest_whole(tmp_path / "checkpoints"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["x=[1]", "a*b?"])
def test_a_workdir_with_signs_of_patterns_in_its_name_is_like_any_other(tmp_path, name):
    first, other, folder = trained(0), trained(1), tmp_path / name / "checkpoints"
    checkpoints = Checkpoints(tmp_path / name, *first)
    for step in (1, 2, 3):
        checkpoints.save(step, 0.0)
    assert {path.stem for path in folder.glob("*.index")} == {"ckpt-2", "ckpt-3"}
    assert Checkpoints(tmp_path / name, *other).restore(newest_whole(folder)) == 3
    for expected, found in zip(values(*first), values(*other), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("part", ["index", "data-00000-of-00001"])
def test_a_checkpoint_of_a_version_without_checksums_is_checked_by_its_tensors(tmp_path, part):
    folder, first = tmp_path / "checkpoints", trained(0)
    for step in (5, 10):
        Checkpoints(tmp_path, *first).save(step, 0.0)
    for path in folder.glob("*.sha256"):
        path.unlink()
    assert newest_whole(folder).step == 10
    damaged = folder / f"ckpt-10.{part}"
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    assert Checkpoints(tmp_path, *trained(1)).restore(newest_whole(folder)) == 5


def test_weights_that_are_no_numbers_are_found(tmp_path):
    model, optimizer = trained(0)
    checkpoints = Checkpoints(tmp_path, model, optimizer)
    assert checkpoints.is_finite()
    model.variables[0].assign(np.full((3, 2), np.inf))
    assert not checkpoints.is_finite()
