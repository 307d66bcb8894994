"""Trains and evaluates a Dynamic Capacity Network: python -m train.main --flagfile=svhn.flags."""

import dataclasses
import json
import os

import absl.logging
from absl import flags

from dcn_tf.architecture import SELECTORS
from dcn_tf.presets import PRESETS
from train import command
from train.cluster import cluster_of
from train.config import COMPUTE_DTYPES, DISTRIBUTIONS, EVALS, MODELS, OPTIMIZERS, SCHEDULES, TRAININGS, Config
from train.errors import UserError
from train.flag_values import flag_of
from train.progress import start_logging
from train.quiet import quiet

MOST_THREADS = 1024
STRING_FLAGS = {
    "workdir": (
        "Folder for checkpoints, events, curves.csv, flags.txt, config.json, model.keras, samples/, attention.png, "
        "result.json. Resumed if begun."
    ),
    "dataset": (
        "cluttered_mnist | cluttered_mnist_windows | cluttered_digits | folder | street_numbers | svhn; or several, "
        "joined by commas, of which every batch holds its share (--dataset_weights). The first is the one that is "
        "validated and tested on; errors on the others' test images are reported as well."
    ),
    "data_dir": (
        "Where the data lies. cluttered_mnist: a folder with mnist.npz or the IDX files. folder: a folder or a zip "
        "with images and annotations.json. svhn: a folder with train.tar.gz and test.tar.gz (and extra.tar.gz), or "
        "unpacked, train/ and test/. Where it is left out: the environment variable DCN_DATA_DIR, then what was "
        "fetched before, then fetched now, then --fallback_dataset. For svhn that is also the order in which each of "
        "its parts is looked for."
    ),
    "eval_data_dir": (
        "A folder or zip with images and annotations.json, whose test images a model for numbers is tested on as well."
    ),
    "fallback_dataset": "Takes the place of a data set that is neither on disk nor reachable; a banner says so.",
    "preset": f"Architecture: {' | '.join(PRESETS)}.",
    "architecture": (
        "File of a network of one's own, YAML or JSON, in place of --preset; see docs/your_data.md. python -m "
        "tools.describe FILE prints and checks it."
    ),
    "model": f"What to train: {' | '.join(MODELS)}. 'coarse' and 'fine' are baselines: one stack on the whole image.",
    "training": (
        f"{' | '.join(TRAININGS)}. 'modular' trains the coarse and the fine model over whole training images, each "
        "with its own loss, and joins them at evaluation."
    ),
    "init_from": (
        "Weights to begin from: a workdir, or a .keras file of a network of the same architecture; of several, "
        "separated by commas, the mean. Optimizer and schedule begin anew. A workdir that was begun resumes from its "
        "own checkpoint."
    ),
    "teacher": (
        "Networks whose answers this one is trained to give too: workdirs or .keras files of classifiers, separated by "
        "commas. They see the object alone where the data says where it lies, and the mean of their answers counts."
    ),
    "negatives": "File of train.mine_negatives: what a network took for numbers, which street_numbers trains on too.",
    "optimizer": " | ".join(OPTIMIZERS) + ".",
    "distribute": (
        f"{' | '.join(DISTRIBUTIONS)}. 'mirrored': every batch is divided among the GPUs of this machine. "
        "'multiworker': among machines that TF_CONFIG in the environment names, the same command on each; see "
        "docs/several_machines.md."
    ),
    "compute_dtype": (
        f"What maps are computed in while training: {' | '.join(COMPUTE_DTYPES)}. bfloat16 is for processors with a "
        "matrix unit for it (AMX). Weights, losses and all evaluation are float32."
    ),
    "eval": (
        f"How much is evaluated: {' | '.join(EVALS)}. 'quick' reads the first 500 images of each split at the first of "
        "--eval_scales, without --selectors and semi-real photographs; the whole fine model reads as many of them as "
        "have 3 million pixels together. 'full' reads all; with a finished --workdir nothing is trained again."
    ),
    "schedule": f"Learning rate over the run: {' | '.join(SCHEDULES)}. 'exponential' falls by --decay_rate.",
    "top_statistics": "Batch statistics of a classifier top's passes: separate | shared; the preset's own by default.",
}
INTEGER_FLAGS = {
    "seed": "Seeds weights, the order of images and what is generated. Validation and test do not depend on it.",
    "train_steps": "Number of steps.",
    "batch_size": "Images per step.",
    "negatives_repeats": "How often each picture of --negatives is among the training images.",
    "replicas": (
        "Equal parts of every batch that are computed side by side, on an equal part of the cores each: for few cores "
        "faster than every operation on all of them. Each part has batch statistics of its own."
    ),
    "warmup_steps": "Steps over which the learning rate rises from 0 (cosine only).",
    "num_patches": "Patches per image in training, k; the preset's own by default.",
    "easy_steps": (
        "Steps over which training windows of numbers grow from easy ones, large numbers in the middle, to all kinds."
    ),
    "train_images": "Size of the training split, where it is rendered.",
    "validation_images": "Size of the validation split, where it is generated.",
    "test_images": "Size of the test split, where it is generated.",
    "log_every": "Steps between progress lines.",
    "checkpoint_every": "Steps between checkpoints.",
}
FLOAT_FLAGS = {
    "learning_rate": "Peak learning rate.",
    "decay_rate": "Factor by which the exponential schedule falls over the run.",
    "weight_decay": "Decoupled weight decay; not of biases and normalisation.",
    "momentum": "Momentum of sgd.",
    "clip_norm": "Gradients longer than this, all weights together, are shortened to it; 0 leaves them as they are.",
    "label_smoothing": (
        "Share of every label that is spread evenly over all categories in the losses. 0, as in the paper, leaves "
        "labels as they are."
    ),
    "ema": (
        "Decay of an exponential moving average of the weights, such as 0.999, which evaluation, model.keras and every "
        "export then use. 0 averages nothing."
    ),
    "hint_weight": "Weight of the hint, which pulls coarse vectors to fine ones of selected cells. 0 leaves it out.",
    "place_weight": (
        "Weight of a loss on every place along the fine stack's row: which digit of the number it shows. The shipped "
        "reader's last parts had 2; what it brings alone was not measured. 0 leaves it out."
    ),
    "teacher_weight": "Weight of what --teacher teaches, beside the labels.",
    "temperature": (
        "By how much the logits of --teacher, and those that are taught, are divided before their softmax. The higher, "
        "the more improbable classes count."
    ),
    "distortion": (
        "Digits of every second cluttered training image are turned by up to so many times 15 degrees, and stretched "
        "and sheared by up to so many times 15 %. 0 in the paper."
    ),
    "elasticity": (
        "Digits of every second cluttered training image are bent by a smooth field of shifts, of so many pixels in "
        "the standard deviation. 0 in the paper."
    ),
    "looseness": (
        "Training crops of house numbers show up to so many times as much in height and width as a tight one, "
        "log-uniformly from 1, since numbers in photographs are of many sizes. 1 gives tight crops alone."
    ),
    "background_share": (
        "Share of the training images that are windows without a whole number, of which nothing is to be read: the "
        "uniform distribution is asked for. 0 in the paper. svhn, street_numbers."
    ),
    "skip_bad": (
        "folder: the share of the images that may be left out because they can't be read, are listed with "
        "contradictory labels, or in several splits. They are named either way."
    ),
    "patches_apart": (
        "Patches of one level begin so much of a patch's height or width apart, where a network has several; 0 takes "
        "them wherever the saliency is highest. The preset's own by default."
    ),
    "coarse_weight": "Weight of the coarse output's own cross-entropy in end-to-end training; 0 in the paper.",
}
SET = (
    "A field of the preset or the file and its new value, such as coarse.0.filters=24, image_size=64,96 or channels=3. "
    "May be given several times. Channels and classes that nobody names follow the data."
)
LIST_FLAGS = {
    "dataset_weights": (float, "Shares of several data sets in every batch; equal by default."),
    "patch_size": (int, "Side of the patches, or height,width; the preset's own by default."),
    "train_num_patches": (
        int,
        "Numbers of patches to train end to end with, one of which is drawn for every step, so that the network "
        "answers from few as well as from many. --num_patches alone by default.",
    ),
    "eval_num_patches": (int, "Numbers of patches to evaluate with."),
    "eval_scales": (float, "Sizes to read test images at, in parts of their own; the answers are averaged one by one."),
    "scene_kinds": (
        str,
        "Kinds of numbers in the scenes that training windows are cut from: house, sign, speed_limit, display, drum; "
        "each alone, or KIND:WEIGHT, drawn so many times as often. All of them by default. street_numbers.",
    ),
    "selectors": (
        str,
        f"Other choices of patches to compare with: {', '.join(SELECTORS[1:])}. The last two are told the truth.",
    ),
}
BOOLEAN_FLAGS = {
    "relative_hint": "Whether the hint is divided by the mean squared length of the fine vectors. Not in the paper.",
    "fallback": "Whether --fallback_dataset may be used.",
    "svhn_extra": "Whether svhn trains on its `extra` photographs too, as the paper does: 202,353 more, another 2 GB.",
    "augment": "Whether training images of numbers are shifted, scaled, turned and re-lit at random.",
}


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


def config_from_flags() -> Config:
    """Returns the configuration that the flags describe; UserError for what is missing or wrong."""
    values = {field.name: flags.FLAGS[flag_of(field.name)].value for field in dataclasses.fields(Config)}
    for name in ("workdir", "dataset"):
        if not values[name]:
            raise UserError(f"--{name} is missing; give it, or --flagfile=svhn.flags, which does")
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
    config = config_from_flags()
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
