"""Trains and evaluates a Recurrent Attention Model on the images that the DCN is trained and tested on.

python -m tools.baselines.ram --workdir=DIR --data_dir=MNIST

The same command resumes. A finished run leaves `result.json`, `flags.txt` and `curves.csv` in its workdir, as
`train.main` does: the errors and multiplications of 'ram' are those after each number of glimpses, each location being
the policy's mean.
"""

import dataclasses
import os

from absl import flags

from tools.baselines.ram_config import DATASETS, RamConfig
from train import command
from train.errors import UserError
from train.main import FLOAT_FLAGS, INTEGER_FLAGS, STRING_FLAGS, prepare_tensorflow
from train.progress import start_logging

OWN_FLAGS = {
    "workdir": "Folder for checkpoints, events, curves.csv, flags.txt, result.json. Resumed if begun.",
    "dataset": " | ".join(DATASETS) + ".",
    "glimpses": "Number of glimpses.",
    "glimpse_size": "Side of a glimpse's windows in samples.",
    "scales": "Windows of a glimpse, each of twice the extent of the one before.",
    "trajectories": "Times that each training image is looked at, along other locations.",
    "first_deviation": "Standard deviation of training's locations at the beginning, in half sides of the image.",
    "last_deviation": "The same at the end; it falls by equal factors.",
    "reward_decay": "A location's return is the mean of the rewards behind it; each weighs this times the one before.",
    "location_weight": "Weight of the location's loss beside the cross-entropy, for what both train.",
}
DEFINE = {str: flags.DEFINE_string, int: flags.DEFINE_integer, float: flags.DEFINE_float}


def define_flags():
    """Defines every flag; defaults are those of `RamConfig`."""
    texts = STRING_FLAGS | INTEGER_FLAGS | FLOAT_FLAGS | OWN_FLAGS
    for field in dataclasses.fields(RamConfig):
        default = None if field.default is dataclasses.MISSING else field.default
        DEFINE.get(field.type, flags.DEFINE_string)(field.name, default, texts[field.name])


def config_from_flags() -> RamConfig:
    """Returns the configuration that the flags describe; UserError for what is missing or wrong."""
    values = {field.name: flags.FLAGS[field.name].value for field in dataclasses.fields(RamConfig)}
    if not values["workdir"]:
        raise UserError("--workdir is missing; give the folder that the run is to be kept in")
    values["data_dir"] = values["data_dir"] or os.environ.get("DCN_DATA_DIR")
    return RamConfig(**values)


def main():
    """Runs one training. TensorFlow takes seconds to import, and wrong flags need not wait for it."""
    config = config_from_flags()
    start_logging()
    prepare_tensorflow()
    from tools.baselines.ram_training import train_and_evaluate

    train_and_evaluate(config, flags.FLAGS.restart)


if __name__ == "__main__":
    define_flags()
    flags.DEFINE_boolean("restart", False, command.RESTART)
    command.run("tools.baselines.ram", main)
