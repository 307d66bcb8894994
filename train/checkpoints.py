"""Checkpoints: weights, their average, optimizer, step and training time, saved and resumed together."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from train import checkpoint_files
from train.checkpoint_files import FOLDER, Saved
from train.errors import UserError

OVERHEAD = 200  # bytes for each variable: its name, its place and the graph of objects


class Checkpoints:
    """The checkpoints of one workdir. The newest two are kept.

    Args:
        workdir: of the run.
        model, optimizer: built.
        average: a `WeightAverage` of the model; None where there is none.
        places: a `PlaceReader` that is trained beside it; None where there is none.

    Attributes:
        step: tf.Variable, the number of steps done.
        seconds: tf.Variable, the time spent in training, over all resumptions.
    """

    def __init__(self, workdir: Path, model, optimizer, average=None, places=None):
        self.folder = Path(workdir) / FOLDER
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self.seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False, name="seconds")
        # Lists of all variables: the object graph that tf.train.Checkpoint walks misses layers kept in lists.
        self._variables = [variable.value for variable in (*model.variables, *optimizer.variables)]
        beside = {"average": average.values} if average else {}
        beside |= {"places": [variable.value for variable in places.variables]} if places else {}
        self._variables += [variable for variables in beside.values() for variable in variables]
        self._checkpoint = tf.train.Checkpoint(
            model=[variable.value for variable in model.variables],
            optimizer=[variable.value for variable in optimizer.variables],
            step=self.step,
            seconds=self.seconds,
            **beside,
        )
        self._checkpoint.save_counter  # noqa: B018 - made here: every file has it, and restoring asks for it

    def restore(self, saved: Saved | None) -> int:
        """Restores a checkpoint, nothing where it is None, and returns the number of steps done.

        Raises:
            UserError: the checkpoint does not fit the model.
        """
        if saved:
            try:
                with checkpoint_files.without_patterns(saved.folder) as plain:
                    self._checkpoint.restore(f"{plain}/{saved.name}").assert_consumed()
            except (AssertionError, ValueError, tf.errors.OpError) as error:
                reason = str(error).strip().splitlines()[0][:160]
                raise UserError(
                    f"the checkpoint {saved.folder / saved.name} can't be restored ({reason}); give --restart, which "
                    "keeps it aside and begins again at step 0, or choose another --workdir"
                ) from error
        return int(self.step)

    def take_from(self, shared) -> int:
        """Takes everything from the chief of a `train.distribution.Distribution`; returns the number of steps done."""
        shared.copy_from_chief([*self._variables, self.step, self.seconds])
        return int(self.step)

    def save(self, step: int, seconds: float):
        """Saves after `step` steps that took `seconds`.

        Raises:
            DiskFullError: there is no room for it.
        """
        self.step.assign(step)
        self.seconds.assign(seconds)
        size = sum(variable.dtype.size * int(np.prod(variable.shape)) + OVERHEAD for variable in self._variables)
        with checkpoint_files.writing(self.folder, step, size) as prefix:
            self._checkpoint.write(prefix)

    def is_finite(self) -> bool:
        """Returns whether all weights, and what the optimizer keeps, are numbers that training can go on with."""
        floating = [variable for variable in self._variables if variable.dtype.is_floating]
        return all(bool(tf.reduce_all(tf.math.is_finite(variable))) for variable in floating)
