"""Times training beside a plain PyTorch implementation of the same network (`tools.baselines.torch_reference`).

python -m tools.baselines.framework_benchmark --flagfile=cluttered_mnist.flags --data_dir=PATH --batch_size=64

Two frameworks in one process disturb each other by their threads. So every measurement is a process of its own, in
turn, so that drift hits all alike. `step` holds one batch; `together` draws batches from the same pipeline.
`tensorflow` has the `--replicas` and the `--compute_dtype` that are asked for.
"""

import dataclasses
import itertools
import json
import statistics
import subprocess
import sys
import time
from functools import partial

from absl import flags

from dcn_tf.architecture import CLASSIFICATION
from tools.table import MARKDOWN, table
from train import command
from train.config import Config
from train.errors import TrainingError, UserError
from train.main import MOST_THREADS, config_from_flags, define_flags, prepare_tensorflow
from train.progress import start_logging

WARMUP_STEPS = 5
OURS = "tensorflow"
WORKS = ("step", "together")


def tensorflow_step(config: Config, threads: int, **changes):
    """Returns a function that runs one step on images [batch, H, W, C] and labels [batch, 1] and returns its loss.

    changes: values of the configuration to be replaced.
    """
    config = dataclasses.replace(config, **changes)
    prepare_tensorflow(config.replicas, threads)
    from dcn_tf.model import DynamicCapacityNetwork
    from train import optimizers, steps

    model = DynamicCapacityNetwork(config.architecture)
    model.build()
    train_step = steps.TrainStep(model, optimizers.make_optimizer(config), config)
    return lambda *batch: float(train_step(*batch)["loss"])


def torch_step(config: Config, threads: int, channels_last: bool = False, bfloat16: bool = False):
    """Returns the same for PyTorch, with images as they lie in its memory by default, or channels last.

    In bfloat16 the losses are computed under PyTorch's autocast, which chooses the operations that are.
    """
    prepare_tensorflow()  # which makes the batches
    import torch

    from tools.baselines import torch_reference

    torch.set_num_threads(threads)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = torch_reference.TorchDynamicCapacityNetwork(config.architecture).to(memory_format=layout)
    optimizer = torch_reference.make_optimizer(model, config.learning_rate, config.weight_decay)

    def step(images, labels, _boxes):
        images = torch.from_numpy(images.numpy()).permute(0, 3, 1, 2).contiguous(memory_format=layout)
        labels = torch.from_numpy(labels.numpy())[:, 0].long()
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            return float(torch_reference.train_step(model, optimizer, images, labels, config.hint_weight))

    return step


CONTENDERS = {
    OURS: tensorflow_step,
    "tensorflow, 1 replica": partial(tensorflow_step, replicas=1),
    "tensorflow, float32": partial(tensorflow_step, compute_dtype="float32"),
    "torch": torch_step,
    "torch, channels last": partial(torch_step, channels_last=True),
    "torch, channels last, bfloat16": partial(torch_step, channels_last=True, bfloat16=True),
}


def measure(contender: str, config: Config, steps: int, threads: int) -> dict:
    """Returns 'step' and 'together', each {"wall": images/s, "cpu": images per second of processor}."""
    step = CONTENDERS[contender](config, threads)
    from train.data.pipeline import train_batches
    from train.data.registry import load_dataset

    dataset = load_dataset(config, config.architecture)
    held = next(iter(train_batches(dataset, 0, 1)))
    for _ in range(WARMUP_STEPS):
        step(*held)
    rates = {}
    for name in WORKS:
        batches = itertools.repeat(held) if name == "step" else iter(train_batches(dataset, 0, steps))
        wall, cpu = time.perf_counter(), time.process_time()
        for batch in itertools.islice(batches, steps):  # the end of a pipeline may take a second, and is left out
            step(*batch)
        images = steps * config.batch_size
        rates[name] = {"wall": images / (time.perf_counter() - wall), "cpu": images / (time.process_time() - cpu)}
    return rates


def measure_apart(contender: str) -> dict:
    """Returns what `measure` gives in a process of its own, with this program's flags."""
    program = [sys.executable, "-m", "tools.baselines.framework_benchmark", *sys.argv[1:], f"--contender={contender}"]
    run = subprocess.run(program, capture_output=True, text=True)
    if run.returncode:
        said = run.stderr.strip().splitlines() or ["it said nothing"]
        raise TrainingError(f"the process that measures {contender} ended with status {run.returncode}: {said[-1]}")
    return json.loads(run.stdout.splitlines()[-1])


def format_rounds(rounds: list[dict]) -> str:
    """Returns medians as Markdown, and `OURS` by each contender's: rounds of contender -> what `measure` returns."""
    rows = []
    for work in WORKS:
        ours = {kind: _median(rounds, OURS, work, kind) for kind in ("wall", "cpu")}
        for contender in rounds[0]:
            theirs = {kind: _median(rounds, contender, work, kind) for kind in ("wall", "cpu")}
            pairs = [(f"{theirs[kind]:.0f}", f"{ours[kind] / theirs[kind]:.2f}") for kind in ("wall", "cpu")]
            rows.append((contender, work, *pairs[0], *pairs[1]))
    return table(("", "work", "images/s", "ratio", "images per CPU second", "ratio"), rows, MARKDOWN)


def _median(rounds, contender, work, kind) -> float:
    return statistics.median(measured[contender][work][kind] for measured in rounds)


def check_comparable(config: Config):
    """Raises UserError for a training that the reference does not have, or where torch is missing."""
    top = config.architecture.top
    if config.model != "dcn" or config.training != "end_to_end" or top.task != CLASSIFICATION:
        raise UserError(
            "the reference trains a classifier's whole network, end to end. Received: "
            f"--preset={config.preset} --model={config.model} --training={config.training}"
        )
    if config.optimizer != "adamw" or config.coarse_weight or config.relative_hint or top.statistics != "separate":
        raise UserError(
            "the reference has AdamW, no coarse loss, a hint of fixed scale and separate batch statistics. Received: "
            f"--optimizer={config.optimizer} --coarse_weight={config.coarse_weight} "
            f"--{'' if config.relative_hint else 'no'}relative_hint --top_statistics={top.statistics}"
        )
    try:
        import torch._dynamo  # noqa: F401  which loads Triton: after TensorFlow, its LLVM ends the process
    except ImportError as error:
        raise UserError(f"PyTorch is needed: pip install 'dcn-tf[torch]'. Received: {error}") from error


def main():
    """Prints the table; as one contender's process, its rates as JSON."""
    config = config_from_flags()
    check_comparable(config)
    values = flags.FLAGS
    if values.contender:
        print(json.dumps(measure(values.contender, config, values.steps_per_round, values.threads)))
        return
    start_logging()
    rounds = [{contender: measure_apart(contender) for contender in CONTENDERS} for _ in range(values.rounds)]
    print(f"{config.dataset}, {config.preset}, batch {config.batch_size}, ", end="")
    print(f"{config.replicas} replicas, {values.threads} threads\n\n{format_rounds(rounds)}")


if __name__ == "__main__":
    define_flags()
    flags.DEFINE_integer(
        "rounds", 5, "Rounds; each measures every contender in turn.", lower_bound=1, upper_bound=10**6
    )
    flags.DEFINE_integer("steps_per_round", 20, "Steps of each measurement.", 1, 10**6)
    flags.DEFINE_integer("threads", 2, "Threads of each framework.", 1, MOST_THREADS)
    flags.DEFINE_enum("contender", None, list(CONTENDERS), "Measure this one alone, in this process, and print JSON.")
    command.run("tools.baselines.framework_benchmark", main)
