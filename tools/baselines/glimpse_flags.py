"""The commands of the attention models that are compared with: flags, their configuration, and a run of it."""

import dataclasses
import importlib
import os
from pathlib import Path

from absl import flags

from tools.baselines.glimpse_config import DATASETS
from train import command
from train.errors import UserError
from train.flag_texts import FLOAT_FLAGS, INTEGER_FLAGS, STRING_FLAGS
from train.main import prepare_tensorflow
from train.processor import dtype_of_run
from train.progress import start_logging

OWN_TEXTS = {
    "workdir": "Folder for checkpoints, events, curves.csv, flags.txt, result.json. Resumed if begun.",
    "dataset": " | ".join(DATASETS) + ".",
    "init_from": (
        "Weights to begin from: the workdir of a run of the same architecture; of several, separated by commas, the "
        "mean. Optimizer and schedule begin anew. A workdir that was begun resumes from its own checkpoint."
    ),
}
DEFINE = {str: flags.DEFINE_string, int: flags.DEFINE_integer, float: flags.DEFINE_float}


def run(name: str, kind, own: dict[str, str]):
    """Is the command `tools.baselines.NAME`, whose run is `train_and_evaluate` of `tools.baselines.NAME_training`.

    TensorFlow takes seconds to import, and wrong flags need not wait for it.

    Args:
        name: of the model.
        kind, own: see `define`.
    """

    def main():
        config = begin(kind)
        importlib.import_module(f"tools.baselines.{name}_training").train_and_evaluate(config, flags.FLAGS.restart)

    define(kind, own)
    command.run(f"tools.baselines.{name}", main)


def define(kind, own: dict[str, str]):
    """Defines every flag of a configuration and --restart; defaults are the configuration's.

    Args:
        kind: a dataclass of values of flags.
        own: texts of those flags that `train.main` has not, or has otherwise.
    """
    texts = STRING_FLAGS | INTEGER_FLAGS | FLOAT_FLAGS | OWN_TEXTS | own
    for field in dataclasses.fields(kind):
        default = None if field.default is dataclasses.MISSING else field.default
        DEFINE.get(field.type, flags.DEFINE_string)(field.name, default, texts[field.name])
    flags.DEFINE_boolean("restart", False, command.RESTART)


def begin(kind):
    """Returns the configuration that the flags describe, with logging and TensorFlow ready for a run of it.

    Raises:
        UserError: a flag is missing or wrong.
    """
    values = {field.name: flags.FLAGS[field.name].value for field in dataclasses.fields(kind)}
    if not values["workdir"]:
        raise UserError("--workdir is missing; give the folder that the run is to be kept in")
    restart = flags.FLAGS.restart
    values["compute_dtype"] = dtype_of_run(values["compute_dtype"], Path(values["workdir"]), restart)
    values["data_dir"] = values["data_dir"] or os.environ.get("DCN_DATA_DIR")
    config = kind(**values)
    start_logging()
    prepare_tensorflow()
    return config
