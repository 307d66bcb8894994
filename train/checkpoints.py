"""Checkpoints: weights, optimizer, step and training time, saved and resumed together."""

from pathlib import Path

import tensorflow as tf

from train.errors import UserError


class Checkpoints:
    """The checkpoints of one workdir. The newest two are kept.

    Attributes:
        step: tf.Variable, the number of steps done.
        seconds: tf.Variable, the time spent in training, over all resumptions.
    """

    def __init__(self, workdir: Path, model, optimizer):
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self.seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False, name="seconds")
        # Lists of all variables: the object graph that tf.train.Checkpoint walks misses layers kept in lists.
        self._checkpoint = tf.train.Checkpoint(
            model=[variable.value for variable in model.variables],
            optimizer=[variable.value for variable in optimizer.variables],
            step=self.step,
            seconds=self.seconds,
        )
        self._manager = tf.train.CheckpointManager(self._checkpoint, str(workdir / "checkpoints"), max_to_keep=2)

    def restore(self) -> int:
        """Restores the newest checkpoint, if there is one, and returns the number of steps done.

        Raises:
            UserError: the checkpoint does not fit the model, or is damaged.
        """
        newest = self._manager.latest_checkpoint
        if newest:
            try:
                self._checkpoint.restore(newest).assert_consumed()
            except (AssertionError, ValueError, tf.errors.OpError) as error:
                reason = str(error).strip().splitlines()[0][:160]
                raise UserError(
                    f"the checkpoint {newest} can't be restored ({reason}); "
                    "remove the folder checkpoints/ to begin again, or choose another --workdir"
                ) from error
        return int(self.step)

    def save(self, step: int, seconds: float):
        """Saves after `step` steps that took `seconds`."""
        self.step.assign(step)
        self.seconds.assign(seconds)
        self._manager.save(checkpoint_number=step)
