"""The data sets by name, several of them mixed, and what happens where one can't be had."""

import dataclasses
from pathlib import Path

import numpy as np

from dcn_tf.architecture import SEQUENCE, Architecture
from train.config import Config
from train.data import cluttered, digit_windows, folder, street_numbers, svhn
from train.data.annotations import ANNOTATIONS
from train.data.dataset import Dataset, Split
from train.data.files_of import check_exists
from train.errors import DataUnavailableError, UserError
from train.progress import log

DATASETS = {
    "cluttered_mnist": cluttered.load_cluttered_mnist,
    "cluttered_mnist_windows": digit_windows.load,
    "cluttered_digits": cluttered.load_cluttered_digits,
    "folder": folder.load,
    "street_numbers": street_numbers.load,
    "svhn": svhn.load,
}
CHECKS = {
    "cluttered_mnist": cluttered.check,
    "cluttered_mnist_windows": digit_windows.check,
    "cluttered_digits": cluttered.check,
    "folder": folder.check,
    "street_numbers": street_numbers.check,
    "svhn": svhn.check,
}


def check_dataset(config: Config, architecture: Architecture):
    """Raises UserError, or DataUnavailableError, for what the flags alone say wrong of the data; nothing is read."""
    names = config.dataset.split(",")
    for flag, named in (("dataset", names), ("fallback_dataset", filter(None, [config.fallback_dataset]))):
        for name in named:
            if name not in DATASETS:
                raise UserError(f"--{flag} must be one of {', '.join(sorted(DATASETS))}. Received: {name!r}")
    if len(set(names)) < len(names):
        raise UserError(f"--dataset must name a data set once. Received: {config.dataset}; drop the second")
    for part in _parts(config):
        try:
            CHECKS[part.dataset](part, architecture)
        except DataUnavailableError:
            if not _may_fall_back(config):
                raise
    if config.eval_data_dir:
        if architecture.task != SEQUENCE:
            raise UserError(
                f"--eval_data_dir is for numbers. Received: --preset={config.preset}; leave it out, or use svhn"
            )
        check_exists(Path(config.eval_data_dir), ANNOTATIONS, "--eval_data_dir")


def load_dataset(config: Config, architecture: Architecture) -> Dataset:
    """Returns the data set that the configuration names: one, its fallback with a banner, or a mixture of several.

    Raises:
        UserError: a name is unknown, or the data is missing or wrong.
        DataUnavailableError: it can't be had, and there is no fallback or --nofallback was given.
    """
    check_dataset(config, architecture)
    configs = _parts(config)
    parts = [_load_or_fall_back(part, architecture) for part in configs]
    dataset = parts[0] if len(parts) == 1 else mixture(parts, [part.batch_size for part in configs])
    if config.eval_data_dir:
        tests = folder.load_tests(config.eval_data_dir, architecture, semi_real=config.eval == "full")
        dataset = dataclasses.replace(dataset, more_tests=dataset.more_tests | tests)
    return dataset


def _parts(config: Config) -> list[Config]:
    """Returns the configuration of each data set alone, with its share of the batch."""
    names = config.dataset.split(",")
    sizes = batch_sizes(config.batch_size, config.dataset_weights or (1.0,) * len(names))
    return [
        dataclasses.replace(config, dataset=name, dataset_weights=None, batch_size=size, replicas=1)
        for name, size in zip(names, sizes)
    ]


def batch_sizes(batch_size: int, weights) -> list[int]:
    """Returns how many images of each data set a batch holds, at least one; UserError where the batch is too small."""
    if len(weights) > batch_size:
        raise UserError(f"--batch_size must be at least {len(weights)}, one for each --dataset. Received: {batch_size}")
    bounds = np.round(np.cumsum([0.0, *weights]) / sum(weights) * (batch_size - len(weights))).astype(int)
    return (np.diff(bounds) + 1).tolist()


def mixture(parts: list[Dataset], sizes: list[int]) -> Dataset:
    """Returns one data set out of several, whose batches hold a fixed number of images of each.

    It is validated and tested on the first. Tests of the others stand under their names.

    Raises:
        UserError: they are labelled differently.
    """
    first = parts[0]
    for part in parts[1:]:
        if part.label_names != first.label_names:
            raise UserError(
                f"data sets must have the same labels to be mixed. Received: {first.name} with "
                f"{','.join(first.label_names)[:40]}, {part.name} with {','.join(part.label_names)[:40]}"
            )
        if part.channels != first.channels:
            raise UserError(
                f"data sets must have the same channels to be mixed. Received: {first.name} with {first.channels}, "
                f"{part.name} with {part.channels}; give --set=channels={min(first.channels, part.channels)}"
            )

    # Spread evenly, so that every equal part of a batch, which replicas take, has its share of each data set.
    order = np.argsort(np.concatenate([(np.arange(size) + 0.5) / size for size in sizes]), kind="stable")

    def train_batch(step):
        return tuple(np.concatenate(arrays)[order] for arrays in zip(*(part.train_batch(step) for part in parts)))

    more_tests = dict(first.more_tests)
    for part in parts[1:]:
        more_tests |= {part.name: part.test} | {f"{part.name} {name}": test for name, test in part.more_tests.items()}
    return Dataset(
        name=",".join(part.name for part in parts),
        detail="; ".join(f"{size} of {sum(sizes)} from {part.name}: {part.detail}" for part, size in zip(parts, sizes)),
        label_names=first.label_names,
        train_batch=train_batch,
        validation=first.validation,
        test=first.test,
        calibration=_interleaved([part.calibration for part in parts]),
        more_tests=more_tests,
        more_validation=first.more_validation,
    )


def _interleaved(splits: list[Split]) -> Split:
    """Returns images of each split in turn, as long as all have some."""
    count = min(map(len, splits))
    images = np.stack([split.images[:count] for split in splits], axis=1)
    labels = np.stack([split.labels[:count] for split in splits], axis=1)
    return Split(images.reshape(-1, *images.shape[2:]), labels.reshape(-1, labels.shape[-1]))


def _load_or_fall_back(config: Config, architecture: Architecture) -> Dataset:
    try:
        return DATASETS[config.dataset](config, architecture)
    except DataUnavailableError as error:
        if not _may_fall_back(config):
            raise
        line = "=" * 100
        log.warning(
            "\n%s\n%s\nGoing on with --fallback_dataset=%s, which is NOT %s. --nofallback stops instead.\n%s",
            line, error, config.fallback_dataset, config.dataset, line,
        )  # fmt: skip
    fallback = dataclasses.replace(config, dataset=config.fallback_dataset)
    return DATASETS[fallback.dataset](fallback, architecture)


def _may_fall_back(config: Config) -> bool:
    return bool(config.fallback and config.fallback_dataset)
