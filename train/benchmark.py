"""Images per second in training: of the data alone, of the step alone, and of both together.

python -m train.benchmark --flagfile=cluttered_mnist.flags --data_dir=PATH --batch_size=64
"""

import itertools
import statistics
import time

from absl import flags

from train import command
from train.config import Config
from train.main import config_from_flags, define_flags, prepare_tensorflow
from train.progress import start_logging

WARMUP_STEPS = 3


def measure(config: Config, rounds: int, steps: int) -> dict[str, list[float]]:
    """Returns images/s of each round for 'data', 'step' and 'together', in turn so that drift hits all alike."""
    from dcn_tf.model import DynamicCapacityNetwork
    from train import optimizers
    from train import steps as training
    from train.aids import aids_of
    from train.averaging import average_of
    from train.data.pipeline import train_batches
    from train.data.registry import load_dataset

    architecture = config.architecture
    dataset = load_dataset(config, architecture)
    architecture = config.network(dataset.channels, len(dataset.label_names))
    model = DynamicCapacityNetwork(architecture)
    model.build()
    optimizer = optimizers.make_optimizer(config)
    average, aids = average_of(model, config.ema), aids_of(config, architecture)
    train_step = training.TrainStep(model, optimizer, config, average, aids)
    held = next(iter(train_batches(dataset, 0, 1)))

    for _ in range(WARMUP_STEPS):
        train_step(*held)
    rates = {"data": [], "step": [], "together": []}
    for name in list(rates) * rounds:
        batches = itertools.repeat(held) if name == "step" else iter(train_batches(dataset, 0, steps))
        begun = time.perf_counter()
        for batch in itertools.islice(batches, steps):  # the end of a pipeline may take a second, and is left out
            if name != "data":
                float(train_step(*batch)["loss"])
        rates[name].append(steps * config.batch_size / (time.perf_counter() - begun))
    return rates


def main():
    """Prints the table."""
    config = config_from_flags()
    start_logging()
    prepare_tensorflow(config.replicas)
    rates = measure(config, flags.FLAGS.rounds, flags.FLAGS.steps_per_round)
    step = statistics.median(rates["step"])
    print(f"{config.dataset}, {config.preset}, {config.model}, batch {config.batch_size}")
    print(f"{'':<10} {'images/s: median':>17} {'lowest':>8} {'highest':>8} {'of the step':>12}")
    for name, values in rates.items():
        median = statistics.median(values)
        print(f"{name:<10} {median:>17.0f} {min(values):>8.0f} {max(values):>8.0f} {median / step:>12.2f}")


if __name__ == "__main__":
    define_flags()
    flags.DEFINE_integer(
        "rounds", 5, "Rounds; each measures data, step and both in turn.", lower_bound=1, upper_bound=10**6
    )
    flags.DEFINE_integer("steps_per_round", 20, "Steps of each measurement.", 1, 10**6)
    command.run("train.benchmark", main)
