"""The loop over steps, with stand-ins for the network and its files."""

import os
import signal
from types import SimpleNamespace

import pytest
import tensorflow as tf

from train import signals, training
from train.errors import TrainingError


class Checkpoints:
    """Notes what is saved."""

    def __init__(self, step=0):
        self.step, self.seconds, self.saved, self.finite = step, 0.0, [], True

    def save(self, step, seconds):
        self.saved.append(step)

    def is_finite(self):
        return self.finite


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Returns `run(steps, ...)`, which trains, and what is needed to look at it."""
    monkeypatch.setattr(
        training, "train_batches", lambda dataset, first, last: [(step + 1,) for step in range(first, last)]
    )
    made = SimpleNamespace(checkpoints=Checkpoints(), looks=[], steps=[])
    writer = tf.summary.create_noop_writer()

    def train(steps, at=None, every=100, look=made.looks.append, loss=lambda step: 1.0):
        config = SimpleNamespace(
            workdir=tmp_path, train_steps=steps, log_every=100, checkpoint_every=every, batch_size=1, learning_rate=0.1
        )

        def step(number):
            made.steps.append(number)
            if at:
                at(number)
            return {"loss": loss(number)}

        def looked(number):
            look(number)
            return {}

        training.train(config, None, step, made.checkpoints, writer, looked)

    made.train = train
    return made


def test_checkpoints_are_made_every_so_many_steps_and_at_the_end(run):
    run.train(5, every=2)
    assert run.checkpoints.saved == run.looks == [2, 4, 5]


def test_checkpoints_are_made_by_time_as_well_without_a_look(run, monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(training.time, "monotonic", lambda: clock.now)

    def slow(step):
        clock.now += training.SECONDS_BETWEEN / 2

    run.train(5, at=slow)
    assert training.SECONDS_BETWEEN == 300
    assert run.checkpoints.saved == [2, 4, 5]
    assert run.looks == [5]


@pytest.mark.parametrize("number", signals.ASKING)
def test_a_signal_ends_it_after_the_step_which_is_saved(run, number):
    def ask(step):
        if step == 2:
            os.kill(os.getpid(), number)

    with pytest.raises(signals.Stopped, match=f"stopped by {number.name} after step 2, which is saved") as caught:
        run.train(5, at=ask)
    assert caught.value.number == number
    assert (run.steps, run.checkpoints.saved, run.looks) == ([1, 2], [2], [])
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_look_at_validation_images_is_not_waited_for(run):
    def look(step):
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("went on")

    with pytest.raises(signals.Stopped):
        run.train(5, every=2, look=look)
    assert run.checkpoints.saved == [2]


def test_what_is_not_a_number_is_not_saved_over_what_is(run):
    with pytest.raises(
        TrainingError, match=r"loss is not finite at step 3; the last checkpoint is of step 2. Try .*now 0.1"
    ):
        run.train(5, every=2, loss=lambda step: float("nan") if step == 3 else 1.0)

    def broken(step):
        run.checkpoints.finite = step != 4

    run.checkpoints.saved.clear()
    with pytest.raises(TrainingError, match=r"a weight is not finite at step 4; the last checkpoint is of step 2. Try"):
        run.train(5, every=2, at=broken)
    assert run.checkpoints.saved == [2]
