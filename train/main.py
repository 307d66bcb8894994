"""Trains and evaluates a Dynamic Capacity Network: python -m train.main --flagfile=svhn.flags."""

import dataclasses
import json
import os
from pathlib import Path

import absl.logging
from absl import flags

from train import command
from train.cluster import cluster_of
from train.config import Config
from train.errors import UserError
from train.flag_texts import BOOLEAN_FLAGS, FLOAT_FLAGS, INTEGER_FLAGS, LIST_FLAGS, SET, STRING_FLAGS
from train.flag_values import flag_of
from train.processor import dtype_of_run
from train.progress import start_logging
from train.quiet import quiet

MOST_THREADS = 1024


def define_flags():
    """Defines every flag; defaults are those of `Config`."""
    defaults = {"workdir": None, "dataset": None} | {flag_of(n): value for n, value in Config.defaults().items()}
    for define, texts in (
        (flags.DEFINE_string, STRING_FLAGS),
        (flags.DEFINE_integer, INTEGER_FLAGS),
        (flags.DEFINE_float, FLOAT_FLAGS),
        (flags.DEFINE_boolean, BOOLEAN_FLAGS),
    ):
        for name, text in texts.items():
            define(name, defaults[name], text)
    flags.DEFINE_multi_string("set", [], SET)
    for name, (_, text) in LIST_FLAGS.items():
        flags.DEFINE_list(name, list(map(str, defaults[name] or ())), text)


def config_from_flags(restart: bool = False) -> Config:
    """Returns the configuration that the flags describe; UserError for what is missing or wrong.

    Args:
        restart: whether the run is none that goes on what its workdir holds.
    """
    values = {field.name: flags.FLAGS[flag_of(field.name)].value for field in dataclasses.fields(Config)}
    for name in ("workdir", "dataset"):
        if not values[name]:
            raise UserError(f"--{name} is missing; give it, or --flagfile=svhn.flags, which does")
    workdir, distribute = Path(values["workdir"]), values["distribute"]
    values["compute_dtype"] = dtype_of_run(values["compute_dtype"], workdir, restart, distribute)
    values["data_dir"] = values["data_dir"] or os.environ.get("DCN_DATA_DIR")
    for name, (kind, _) in LIST_FLAGS.items():
        try:
            values[name] = tuple(kind(value) for value in values[name])
        except ValueError:
            kinds = {int: "integers", float: "numbers"}[kind]
            raise UserError(
                f"--{name} must be {kinds} joined by commas. Received: {','.join(values[name])!r}"
            ) from None
    values["set"] = tuple(values["set"])
    for name in ("dataset_weights", "patch_size"):
        values[name] = values[name] or None
    return Config(**values)


def prepare_tensorflow(replicas: int = 1, threads: int | None = None):
    """Imports TensorFlow, and keeps what it says of itself off the screen.

    Args:
        replicas: parts of a batch that are computed side by side. The threads are shared out to them.
        threads: of all of them together; where None, one for each core, or what TF_NUM_INTRAOP_THREADS says.
    """
    asked_for, _ = map(_threads_asked_for, ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the user's keras.json says
    with quiet():  # its native part writes several lines, whatever the level
        import tensorflow as tf

        from dcn_tf.precision import use_float32
    use_float32()

    if replicas > 1 or threads:
        threads = threads or asked_for or os.cpu_count()
        tf.config.threading.set_intra_op_parallelism_threads(max(1, threads // replicas))
    if replicas > 1:
        tf.config.threading.set_inter_op_parallelism_threads(replicas)
    absl.logging.set_verbosity(absl.logging.WARNING)  # tells of every checkpoint
    tf.get_logger().setLevel("ERROR")  # warns of retracing, which evaluating at several numbers of patches is


def _threads_asked_for(name: str) -> int:
    """Returns the number of threads that an environment variable of TensorFlow says, 0 where it says nothing."""
    text = os.environ.get(name) or "0"
    if not text.isdecimal() or len(text) > 9 or int(text) > MOST_THREADS:
        raise UserError(f"{name} must be from 0 to {MOST_THREADS}. Received: {text[:40]}; unset it")
    return int(text)


def main():
    """Runs one training. TensorFlow takes seconds to import, and wrong flags need not wait for it."""
    config = config_from_flags(flags.FLAGS.restart)
    if flags.FLAGS.print_config:
        print(json.dumps(config.to_dict(), indent=1))
        return
    from train.beginning import check_beginning  # after the flags' own values: OpenCV is imported with it

    check_beginning(config, config.architecture, flags.FLAGS.restart)
    cluster_of(config.distribute)
    start_logging()
    prepare_tensorflow(config.replicas)
    from train.loop import train_and_evaluate

    train_and_evaluate(config, flags.FLAGS.restart)


if __name__ == "__main__":
    define_flags()
    flags.DEFINE_boolean("restart", False, command.RESTART)
    flags.DEFINE_boolean("print_config", False, "Print what the flags come to, as JSON, and stop.")
    command.run("train.main", main)
