import numpy as np
import pytest
import tensorflow as tf

from dcn_tf.model import DynamicCapacityNetwork
from train import optimizers, steps
from train.cluster import Cluster
from train.distribution import ALONE, Distribution, distribution_of
from train.errors import TrainingError, UserError


def trained(config, shared, count=3):
    """Returns the losses of a few steps, and the weights after them."""
    tf.keras.utils.set_random_seed(0)
    model = DynamicCapacityNetwork(config.architecture)
    model.build()
    step = steps.TrainStep(model, optimizers.make_optimizer(config), config, shared=shared)
    rng = np.random.default_rng(0)
    images = tf.constant(rng.random((8, 100, 100, 1)), tf.float32)
    labels = tf.constant(rng.integers(0, 10, (8, 1)), tf.int32)
    losses = [float(step(images, labels, tf.zeros([8, 4]))["loss"]) for _ in range(count)]
    return losses, [weight.numpy() for weight in model.weights]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_one_device_of_a_strategy_trains_as_one_without(config, optimizer):
    shared = Distribution(tf.distribute.MirroredStrategy(["CPU:0"]))
    losses, weights = trained(config(optimizer=optimizer), shared)
    plain_losses, plain_weights = trained(config(optimizer=optimizer), ALONE)
    np.testing.assert_allclose(losses, plain_losses, rtol=1e-5)
    assert losses[2] < losses[0]
    for found, wanted in zip(weights, plain_weights):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_parts_of_a_batch_are_those_of_replicas():
    seen = []

    class Two:
        num_replicas_in_sync, extended = 2, type("Extended", (), {"worker_devices": ("a", "b")})

        def run(self, function, args):
            return function(*args)

        def experimental_local_results(self, value):
            return (value,)

    class Context:
        replica_id_in_sync_group = 1

        def all_reduce(self, kind, value):
            seen.append((kind, value.numpy().tolist()))
            return value * 2

    shared = Distribution(Two())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf.distribute, "get_replica_context", Context)
        mean = shared.mean(lambda a, b: [tf.reduce_sum(a), tf.reshape(b, [2, 1])])
        found = mean(tf.range(6.0), tf.range(4.0))
    assert seen == [(tf.distribute.ReduceOp.MEAN, [12.0, 2.0, 3.0])]
    assert [value.numpy().tolist() for value in found] == [24.0, [[4.0], [6.0]]]


def test_every_process_reads_its_share():
    third = Distribution(cluster=Cluster(2, 3))
    batches, counts = third.share(lambda: iter(range(8)))
    assert (list(batches), counts) == ([2, 5], True)
    batches, counts = third.share(lambda: iter(range(2)))
    assert (list(batches), counts) == ([0], False)
    batches, counts = ALONE.share(lambda: iter(range(3)))
    assert (list(batches), counts) == ([0, 1, 2], True)


def test_only_the_chief_writes_the_workdir(config):
    with ALONE.workdir_of(config()) as own:
        assert own == config()
    with Distribution(cluster=Cluster(1, 2)).workdir_of(config()) as own:
        assert own.workdir != config().workdir
        assert own.batch_size == config().batch_size


def test_a_lost_worker_is_told(tmp_path):
    chief = Distribution(cluster=Cluster(0, 2))
    graph = "The error could be from a previous operation.\n\t [[{{node Reduce}}]] [Op:step]"
    with (
        pytest.raises(TrainingError, match=r"another of the 2 workers is gone \(Socket closed\); start all of them"),
        chief.telling_of_lost_workers(tmp_path),
    ):
        raise tf.errors.UnavailableError(None, None, f"Collective ops is aborted\nSocket closed\n{graph}")
    with pytest.raises(tf.errors.UnavailableError), ALONE.telling_of_lost_workers(tmp_path):
        raise tf.errors.UnavailableError(None, None, "of something else")


def test_a_batch_that_devices_can_not_divide_is_refused(config, monkeypatch):
    made = Distribution()
    made.replicas = 3
    monkeypatch.setattr("train.distribution.Distribution", lambda *arguments: made)
    with pytest.raises(UserError, match=r"a multiple of the 3 devices times --replicas, 6. Received: 8"):
        distribution_of(config(distribute="mirrored", replicas=2))
