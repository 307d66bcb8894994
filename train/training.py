"""The steps of a run, until the end or a signal, with what is kept of them: curves, summaries, checkpoints."""

import signal
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from train import signals
from train.curves import Curves
from train.data.pipeline import train_batches
from train.distribution import ALONE, Distribution
from train.errors import TrainingError
from train.progress import duration, log, tell

SECONDS_BETWEEN = 300  # checkpoints at most, however few steps that is


def train(config, dataset, train_step, checkpoints, writer, look, shared: Distribution = ALONE):
    """Runs the steps that are left, with progress, summaries, curves and checkpoints.

    Args:
        train_step: (images, labels, boxes) -> name -> number, which trains.
        look: step -> validation errors, name -> percent; called at every multiple of --checkpoint_every.
        shared: what the run is shared out to. A signal to one process ends all of them after the same step.

    Raises:
        TrainingError: a number is not finite.
        Stopped: a signal asked for it; the last step is saved.
    """
    first_step = int(checkpoints.step)
    curves = Curves(Path(config.workdir, "curves.csv"), first_step)
    saver = _Saver(config, checkpoints, shared.is_chief)
    last_time, last_step = time.monotonic(), first_step
    with signals.after_step() as asked:
        for step, batch in enumerate(train_batches(dataset, first_step, config.train_steps), first_step + 1):
            metrics = {name: float(value) for name, value in train_step(*batch).items()}
            broken = [name for name, value in metrics.items() if not np.isfinite(value)]
            if broken:
                raise TrainingError(_not_finite(", ".join(broken), step, config, saver.last_step))
            if step % config.log_every == 0 or step == config.train_steps:
                now = time.monotonic()
                rate = (step - last_step) / (now - last_time)
                _report(step, config, metrics, rate, writer)
                curves.add(step, {f"train/{name}": value for name, value in metrics.items()})
                last_time, last_step = now, step
            is_look = step % config.checkpoint_every == 0 or step == config.train_steps
            is_end = shared.any(asked.number is not None)
            if is_look or is_end or saver.is_due():
                saver.save(step)
            if is_end:
                number = asked.number or signal.SIGTERM
                raise signals.Stopped(number, _stopped(number, step))
            if is_look:
                with asked.at_once():
                    errors = look(step)
                _keep_errors(step, errors, writer, curves)
                last_time, last_step = time.monotonic(), step


class _Saver:
    """Saves checkpoints, and knows when the next is due."""

    def __init__(self, config, checkpoints, writes: bool):
        self.config, self.checkpoints, self.writes = config, checkpoints, writes
        self.last_step = int(checkpoints.step)
        self.seconds_before = float(checkpoints.seconds)
        self.begun = self.saved = time.monotonic()

    def is_due(self) -> bool:
        return time.monotonic() - self.saved >= SECONDS_BETWEEN

    def save(self, step: int):
        """Saves a step; TrainingError where its weights are of no use, so that an older checkpoint stays."""
        if not self.checkpoints.is_finite():
            raise TrainingError(_not_finite("a weight", step, self.config, self.last_step))
        if self.writes:
            self.checkpoints.save(step, self.seconds_before + time.monotonic() - self.begun)
        self.last_step, self.saved = step, time.monotonic()


def _not_finite(what: str, step: int, config, saved_step: int) -> str:
    last = f"the last checkpoint is of step {saved_step}" if saved_step else "there is no checkpoint yet"
    return (
        f"{what} is not finite at step {step}; {last}. Try a lower --learning_rate (now {config.learning_rate}), with "
        "--restart, which begins again here and keeps aside what was trained, or with another --workdir"
    )


def _stopped(number: int, step: int) -> str:
    name = signal.Signals(number).name
    return f"stopped by {name} after step {step}, which is saved"


def _report(step, config, metrics, rate, writer):
    """Prints the progress line and writes the scalars."""
    left = duration((config.train_steps - step) / rate)
    terms = "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())  # last: narrow terminals cut them off
    tell("step %d/%d  %s to go  %.0f images/s  %s", step, config.train_steps, left, rate * config.batch_size, terms)
    with writer.as_default(step=step):
        for name, value in metrics.items():
            tf.summary.scalar(f"train/{name}", value)
        tf.summary.scalar("train/images_per_second", rate * config.batch_size)


def _keep_errors(step, errors, writer, curves):
    """Prints validation errors, and writes them."""
    log.info("step %d  validation error, %%: %s", step, "  ".join(f"{n} {e:.1f}" for n, e in errors.items()))
    with writer.as_default(step=step):
        for name, error in errors.items():
            tf.summary.scalar(f"validation_error/{name}", error)
    writer.flush()
    curves.add(step, {f"validation_error/{name}": error for name, error in errors.items()})
