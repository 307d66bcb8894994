"""Trains and evaluates a Dynamic Capacity Network: python -m train.main --flagfile=svhn.flags."""

import dataclasses
import os

from absl import flags

from train import command
from train.config import MODELS, OPTIMIZERS, SCHEDULES, TRAININGS, Config
from train.errors import UserError
from train.progress import start_logging

STRING_FLAGS = {
    "workdir": "Folder for checkpoints, events, flags.txt, model.keras, samples/, result.json. Resumed if begun.",
    "dataset": "cluttered_mnist | cluttered_digits | folder | street_numbers | svhn.",
    "data_dir": (
        "Where the data lies. cluttered_mnist: a folder with mnist.npz or the IDX files. folder: a folder or a zip "
        "with images and annotations.json. svhn: a folder with train.tar.gz and test.tar.gz (and extra.tar.gz), or "
        "unpacked, train/ and test/. Where it is left out: the environment variable DCN_DATA_DIR, then what was "
        "fetched before, then fetched now, then --fallback_dataset. For svhn that is also the order in which each of "
        "its parts is looked for."
    ),
    "fallback_dataset": "Takes the place of a data set that is neither on disk nor reachable; a banner says so.",
    "preset": "Architecture: cluttered_mnist | svhn | svhn_paper.",
    "model": f"What to train: {' | '.join(MODELS)}. 'coarse' and 'fine' are baselines: one stack on the whole image.",
    "training": (
        f"{' | '.join(TRAININGS)}. 'modular' trains the coarse and the fine model over whole training images, each "
        "with its own loss, and joins them at evaluation."
    ),
    "optimizer": " | ".join(OPTIMIZERS) + ".",
    "schedule": f"Learning rate over the run: {' | '.join(SCHEDULES)}. 'exponential' falls by --decay_rate.",
    "top_statistics": "Batch statistics of a classifier top's passes: separate | shared; the preset's own by default.",
}
INTEGER_FLAGS = {
    "seed": "Seeds weights, the order of images and what is generated. Validation and test do not depend on it.",
    "train_steps": "Number of steps.",
    "batch_size": "Images per step.",
    "warmup_steps": "Steps over which the learning rate rises from 0 (cosine only).",
    "num_patches": "Patches per image in training, k; the preset's own by default.",
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
    "hint_weight": "Weight of the hint, which pulls coarse vectors to fine ones of selected cells. 0 leaves it out.",
    "looseness": (
        "Training crops of house numbers show up to so many times as much in height and width as a tight one, "
        "log-uniformly from 1, since numbers in photographs are of many sizes. 1 gives tight crops alone."
    ),
    "coarse_weight": "Weight of the coarse output's own cross-entropy in end-to-end training; 0 in the paper.",
}
BOOLEAN_FLAGS = {
    "fallback": "Whether --fallback_dataset may be used.",
    "svhn_extra": "Whether svhn trains on its `extra` photographs too, as the paper does: 202,353 more, another 2 GB.",
    "augment": "Whether training images of numbers are shifted, scaled, turned and re-lit at random.",
}


def define_flags():
    """Defines every flag; defaults are those of `Config`."""
    defaults = {field.name: field.default for field in dataclasses.fields(Config)}
    defaults |= {"workdir": None, "dataset": None}
    for define, texts in (
        (flags.DEFINE_string, STRING_FLAGS),
        (flags.DEFINE_integer, INTEGER_FLAGS),
        (flags.DEFINE_float, FLOAT_FLAGS),
        (flags.DEFINE_boolean, BOOLEAN_FLAGS),
    ):
        for name, text in texts.items():
            define(name, defaults[name], text)
    flags.DEFINE_list(
        "eval_num_patches", list(map(str, defaults["eval_num_patches"])), "Numbers of patches to evaluate with."
    )


def config_from_flags() -> Config:
    """Returns the configuration that the flags describe; UserError for what is missing or wrong."""
    values = {field.name: flags.FLAGS[field.name].value for field in dataclasses.fields(Config)}
    for name in ("workdir", "dataset"):
        if not values[name]:
            raise UserError(f"--{name} is missing; give it, or --flagfile=svhn.flags, which does")
    values["data_dir"] = values["data_dir"] or os.environ.get("DCN_DATA_DIR")
    try:
        values["eval_num_patches"] = tuple(int(k) for k in values["eval_num_patches"])
    except ValueError:
        received = ",".join(values["eval_num_patches"])
        raise UserError(f"--eval_num_patches must be integers joined by commas. Received: {received!r}") from None
    return Config(**values)


def quiet_tensorflow():
    """Imports TensorFlow without what it says of itself."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # warns of retracing, which evaluating at several numbers of patches is


def main():
    """Runs one training. TensorFlow takes seconds to import, and wrong flags need not wait for it."""
    config = config_from_flags()
    start_logging()
    quiet_tensorflow()
    from train.loop import train_and_evaluate

    train_and_evaluate(config)


if __name__ == "__main__":
    define_flags()
    command.run("train.main", main)
