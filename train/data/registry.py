"""The data sets by name, and what happens where one can't be had."""

from dcn_tf.architecture import Architecture
from train.config import Config
from train.data import cluttered, folder, street_numbers, svhn
from train.data.dataset import Dataset
from train.errors import DataUnavailableError, UserError
from train.progress import log

DATASETS = {
    "cluttered_mnist": cluttered.load_cluttered_mnist,
    "cluttered_digits": cluttered.load_cluttered_digits,
    "folder": folder.load,
    "street_numbers": street_numbers.load,
    "svhn": svhn.load,
}


def load_dataset(config: Config, architecture: Architecture) -> Dataset:
    """Returns the data set that the configuration names, or its fallback with a banner.

    Raises:
        UserError: the name is unknown, or the data is missing or wrong.
        DataUnavailableError: it can't be had, and there is no fallback or --nofallback was given.
    """
    for flag in ("dataset", "fallback_dataset"):
        name = getattr(config, flag)
        if name not in DATASETS and not (flag == "fallback_dataset" and name is None):
            raise UserError(f"--{flag} must be one of {', '.join(sorted(DATASETS))}. Received: {name!r}")
    try:
        return DATASETS[config.dataset](config, architecture)
    except DataUnavailableError as error:
        if not (config.fallback and config.fallback_dataset):
            raise
        line = "=" * 100
        log.warning(
            "\n%s\n%s\nGoing on with --fallback_dataset=%s, which is NOT %s. --nofallback stops instead.\n%s",
            line, error, config.fallback_dataset, config.dataset, line,
        )  # fmt: skip
    return DATASETS[config.fallback_dataset](config, architecture)
