"""Weights to begin from: those of another run of the same architecture, or of a file, or the mean of several."""

from pathlib import Path

import keras
import numpy as np

from dcn_tf.model import DynamicCapacityNetwork
from train import checkpoint_files
from train.beginning import MODEL_FILE, sources_of
from train.errors import UserError
from train.plain_files import reason


def take_weights(model: keras.Model, source: str):
    """Gives a built model the weights of `source`; nothing is changed where they don't fit.

    Several sources are averaged, weight by weight and statistics too: trainings that went on from the same weights, or
    the beginning and the end of one, are better together (Wortsman et al. 2022, uniform soup). Random states stay as
    they are: the run's own seed says what is dropped out.

    Args:
        model: the network that is to be trained.
        source: one or more, separated by commas, of: a .keras file, or a workdir: its model.keras where the run is
            finished, else its newest checkpoint, of which the averaged weights are taken where it holds some.

    Raises:
        UserError: there are no weights, they can't be read, or they are of another architecture.
    """
    found = []
    for one in sources_of(source):
        values = _of_workdir(one) if one.is_dir() else _of_file(one)
        _check_fit(model, values, one)
        found.append(values)
    weights = {id(weight) for weight in model.weights}
    for variable, *values in zip(model.variables, *found):
        if id(variable) in weights:
            variable.assign(np.mean(values, axis=0))


def trained_network(path: Path, flag: str) -> DynamicCapacityNetwork:
    """Returns the network of a .keras file; UserError, which names the flag, where there is none in it."""
    try:
        found = keras.saving.load_model(path, compile=False)
    except Exception as error:  # keras raises whatever its parts do
        raise UserError(f"{flag} must be a model that train.main wrote. Received: {path} ({reason(error)})") from error
    if not isinstance(found, DynamicCapacityNetwork):
        raise UserError(f"{flag} must be a DynamicCapacityNetwork. Received: {type(found).__name__} in {path}")
    return found


def _of_workdir(path: Path) -> list:
    return _of_file(path / MODEL_FILE) if (path / MODEL_FILE).exists() else _of_checkpoint(path)


def _of_file(path: Path) -> list:
    return [variable.numpy() for variable in trained_network(path, "--init_from").variables]


def _of_checkpoint(workdir: Path) -> list:
    newest = checkpoint_files.newest_whole(workdir / checkpoint_files.FOLDER, put_aside=False)
    with checkpoint_files.reader(newest) as tensors:
        values, averages = _listed(tensors, "model"), iter(_listed(tensors, "average"))
        return [next(averages, value) if value.dtype.kind == "f" else value for value in values]


def _listed(tensors, name: str) -> list:
    """Returns the arrays of one of the lists that a checkpoint holds."""
    held = sum(key.startswith(f"{name}/") for key in tensors.get_variable_to_shape_map())
    return [tensors.get_tensor(f"{name}/{i}/.ATTRIBUTES/VARIABLE_VALUE") for i in range(held)]


def _check_fit(model: keras.Model, values: list, source: Path):
    name = model.architecture.name if isinstance(model, DynamicCapacityNetwork) else model.name
    for variable, value in zip(model.variables, values):
        if tuple(variable.shape) != tuple(value.shape):
            raise UserError(
                f"--init_from must hold weights of the same architecture, {name}: "
                f"{variable.path} is {tuple(variable.shape)}. Received: {tuple(value.shape)} in {source}"
            )
    if len(values) != len(model.variables):
        raise UserError(
            f"--init_from must hold weights of the same architecture, {name}: "
            f"{len(model.variables)} arrays. Received: {len(values)} in {source}"
        )
