"""Shares a run out to the devices of a machine, or to several machines, by `tf.distribute`.

Every process holds the whole network in plain variables. A replica, which is a device, computes the gradients of its
part of a batch; their mean over all replicas comes back to every process, each of which makes the same update. So
checkpoints, evaluation and export know nothing of it. One process, the chief, says how the run begins, and writes.
"""

import dataclasses
import itertools
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tensorflow as tf

from train import checkpoint_files
from train.cluster import Cluster, cluster_of
from train.config import Config
from train.errors import TrainingError, UserError
from train.progress import log
from train.quiet import quiet

LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)
ABOUT_NODES = re.compile(r"\[\[\{\{node|The error could be from a previous operation")

ONE_PROCESS = Cluster()


class Distribution:
    """What a run is shared out to.

    Args:
        strategy: a `tf.distribute.Strategy`; None where there is one device alone.
        cluster: the processes, and which of them this one is.

    Attributes:
        replicas: parts of every batch, all processes together.
        devices: names of this process' own; (None,) stands for TensorFlow's choice.
        is_chief: whether this process writes the workdir.
    """

    def __init__(self, strategy=None, cluster: Cluster = ONE_PROCESS):
        self.strategy, self.cluster = strategy, cluster
        self.replicas = strategy.num_replicas_in_sync if strategy else 1
        self.devices = strategy.extended.worker_devices if strategy and cluster.workers == 1 else (None,)
        self.is_chief = cluster.index == 0

    def mean(self, function):
        """Returns a function of a batch that gives the mean of `function` over the replicas' parts of it.

        Args:
            function: tensors of a part -> list of float32 tensors. Part i holds the images that `tf.split` gives it.
        """
        if self.strategy is None:
            return function

        def of_replica(*batch):
            context = tf.distribute.get_replica_context()
            found = function(*(_part(tensor, context.replica_id_in_sync_group, self.replicas) for tensor in batch))
            shapes = [tensor.shape for tensor in found]
            together = tf.concat([tf.reshape(tensor, [-1]) for tensor in found], 0)  # one message instead of hundreds
            parts = tf.split(
                context.all_reduce(tf.distribute.ReduceOp.MEAN, together), [s.num_elements() for s in shapes]
            )
            return [tf.reshape(part, shape) for part, shape in zip(parts, shapes)]

        def mean_of(*batch):
            found = self.strategy.run(of_replica, args=batch)
            return [self.strategy.experimental_local_results(value)[0] for value in found]

        return mean_of

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Returns the sum of an array over all processes, each of which must call this."""
        if self.cluster.workers == 1:
            return values
        local = self.replicas // self.cluster.workers
        nothing = np.zeros_like(values)

        def of_replica(context):
            return tf.constant(nothing if context.replica_id_in_sync_group % local else values)

        def total(value):
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)

        added = self.strategy.run(total, args=(self.strategy.experimental_distribute_values_from_function(of_replica),))
        return self.strategy.experimental_local_results(added)[0].numpy()

    def from_chief(self, values) -> np.ndarray:
        """Returns the chief's numbers, float64, in every process."""
        values = np.asarray(values, np.float64)
        return self.sum(values if self.is_chief else np.zeros_like(values))

    def copy_from_chief(self, variables):
        """Gives variables the chief's values. Nothing needs to be on a disk that all see."""
        if self.cluster.workers == 1:
            return
        flat = self.from_chief(np.concatenate([variable.numpy().ravel() for variable in variables]))
        ends = np.cumsum([int(np.prod(variable.shape)) for variable in variables])
        for variable, values in zip(variables, np.split(flat, ends[:-1])):
            variable.assign(tf.cast(values.reshape(variable.shape), variable.dtype))

    def any(self, holds: bool) -> bool:
        """Returns whether something holds in any process."""
        return bool(self.sum(np.array([float(holds)]))[0])

    def share(self, make) -> tuple[Iterator, bool]:
        """Returns the batches that this process reads, and whether they count.

        A process that is left without gets the first all the same, since it has to know what comes of a batch.

        Args:
            make: () -> an iterator over all batches.
        """
        own = itertools.islice(make(), self.cluster.index, None, self.cluster.workers)
        for first in own:
            return itertools.chain([first], own), True
        return itertools.islice(make(), 1), False

    @contextmanager
    def workdir_of(self, config: Config) -> Iterator[Config]:
        """Gives the configuration with a workdir that this process may write to: the chief's is the run's own."""
        if self.is_chief:
            yield config
            return
        with tempfile.TemporaryDirectory(prefix="dcn_worker_") as folder:
            yield dataclasses.replace(config, workdir=folder)

    @contextmanager
    def telling_of_lost_workers(self, workdir) -> Iterator[None]:
        """Raises TrainingError where another process is gone."""
        try:
            yield
        except LOST as error:
            if self.cluster.workers == 1:
                raise
            found = checkpoint_files.find(Path(workdir, checkpoint_files.FOLDER)) if self.is_chief else []
            safe = f"; the checkpoint of step {found[0].step} is safe" if found else ""
            raise TrainingError(
                f"another of the {self.cluster.workers} workers is gone ({_reason(error)}){safe}; "
                "start all of them again with the same command, which goes on from the last checkpoint"
            ) from error


ALONE = Distribution()


def distribution_of(config: Config) -> Distribution:
    """Returns what --distribute asks for. With several processes this waits until all of them are there.

    It must be called before anything else is computed in TensorFlow.

    Raises:
        UserError: TF_CONFIG is wrong, or the batch can't be divided.
    """
    cluster = cluster_of(config.distribute)
    if config.distribute == "none":
        return ALONE
    if config.distribute == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        made = Distribution(tf.distribute.MirroredStrategy([device.name for device in devices]))
    else:
        log.info("worker %d of %d waits for the others", cluster.index, cluster.workers)
        try:
            with quiet():
                made = Distribution(tf.distribute.MultiWorkerMirroredStrategy(), cluster)
        except (tf.errors.OpError, RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0][:160]
            raise UserError(f"the workers of TF_CONFIG can't be joined ({reason}); look at its addresses") from error
    parts = made.replicas * config.replicas
    if config.batch_size % parts:
        raise UserError(
            f"--batch_size must be a multiple of the {made.replicas} devices times --replicas, {parts}. "
            f"Received: {config.batch_size}"
        )
    if made.is_chief:
        log.info("sharing out to %d devices of %d processes", made.replicas, cluster.workers)
    else:
        log.setLevel("WARNING")  # the chief speaks for all
    return made


def _reason(error: tf.errors.OpError) -> str:
    """Returns the last line of an error that is not about the graph's own nodes."""
    lines = [line for line in str(error).splitlines() if line.strip() and not ABOUT_NODES.search(line)]
    return (lines or [type(error).__name__])[-1].strip()[:160]


def _part(tensor, number, count: int):
    """Returns part `number` of `count` equal ones of a tensor's first axis."""
    size, *rest = tensor.shape
    return tf.slice(tensor, [number * (size // count)] + [0] * len(rest), [size // count, *rest])
