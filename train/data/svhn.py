"""SVHN format 1, whole photographs. This version can't read it yet, and says so: a fallback takes its place."""

from dcn_tf.architecture import Architecture
from train.config import Config
from train.data.dataset import Dataset
from train.errors import DataUnavailableError


def load(config: Config, architecture: Architecture) -> Dataset:
    """Raises DataUnavailableError: photographs and digitStruct.mat are not read yet."""
    raise DataUnavailableError(
        "SVHN's own format (photographs and digitStruct.mat) can't be read by this version. For real house numbers, "
        "give images and annotations.json: --dataset=folder --data_dir=PATH"
    )
