"""SVHN format 1, whole photographs: trained on crops around the number, tested on photographs as they are.

The protocol is that of the paper's section 4.2, after Goodfellow et al., arXiv 1312.6082: train and extra together,
less 5,000 for validation; greyscale; numbers of up to five digits. Longer ones are left out of training. Of the test
split none is left out: a number that is too long for the model counts as wrong, since no answer of it can be right.
"""

import contextlib
import dataclasses
import hashlib
import io
import json
from pathlib import Path

import absl.logging
import numpy as np

from dcn_tf.architecture import SEQUENCE, Architecture, SequenceTopSpec
from dcn_tf.labels import nothing_labels, sequence_labels
from train import files
from train.config import Config
from train.data.arrays import background_count, dataset_of_arrays, window_split, with_backgrounds
from train.data.dataset import Dataset, Split
from train.data.svhn_format1 import crops, sources
from train.data.windows import SCENE
from train.errors import TrainingError, UserError
from train.progress import log

VALIDATION = 5000
NEVER = -2  # the length of a number that the model has no answer for


def load(config: Config, architecture: Architecture) -> Dataset:
    """Returns SVHN: from `--data_dir`, else from where it was fetched before, else fetched.

    `test` holds the whole photographs, of many sizes; `more_tests["crops"]` the same numbers, tightly cut.

    A network that can answer that there is no number is trained on windows around numbers and beside them, out of
    pictures with as much around a number as rendered scenes have.

    Raises:
        UserError: see `check`; or what was found is damaged.
        DataUnavailableError: it is neither on disk nor reachable.
        TrainingError: there is no room for it.
    """
    check(config, architecture)
    longest, scenes = architecture.top.max_length, architecture.top.may_be_empty
    found = {split: sources.find_source(split, config.data_dir) for split in ("train", "test")}
    if config.svhn_extra:
        found["extra"] = sources.find_source("extra", config.data_dir)
    size, around = (SCENE, crops.SCENES) if scenes else (architecture.image_size, config.looseness)
    numbers = {
        split: load_numbers(source, size, None if split == "test" else around) for split, source in found.items()
    }
    test = numbers.pop("test")
    train, validation, left_out = _hold_out(list(numbers.values()), architecture.top)
    train_count, count = len(train), background_count(len(train), config.background_share)
    if count:
        backgrounds = np.concatenate([part.backgrounds for part in numbers.values()])[:count]
        train = with_backgrounds(train, backgrounds, nothing_labels(architecture.top))
    test_labels = _labels(test.sequences, architecture.top)
    too_long = int((test_labels[:, 0] == NEVER).sum())
    splits = {
        "train": train,
        "validation": window_split(validation, architecture) if scenes else validation,
        "test": Split([image[..., None] for image in test.photographs], test_labels, test.boxes),
    }
    detail = (
        f"SVHN format 1, {' and '.join(numbers)}: {train_count} train crops, "
        f"{len(train) - train_count} windows without a number, {len(validation)} validation crops, "
        f"{left_out} left out, longer than {longest} digits; {len(test_labels)} test photographs, {too_long} of them "
        "longer, which count as wrong"
    )
    dataset = dataset_of_arrays("svhn", detail, tuple("0123456789"), splits, config, architecture)
    if scenes:
        return dataset
    tight = Split(np.asarray(test.crops)[..., None], test_labels, test.crop_boxes)
    return dataclasses.replace(dataset, more_tests={"crops": tight})


def check(config: Config, architecture: Architecture):
    """Raises UserError where the architecture is for something else."""
    if architecture.task != SEQUENCE or architecture.channels != 1 or architecture.top.symbols != 10:
        raise UserError(
            f"--dataset=svhn holds grey photographs of numbers. Received: --preset={config.preset}; use --preset=svhn"
        )


def load_numbers(source: sources.Source, size, looseness: float | str | None) -> crops.Numbers:
    """Returns the numbers of a split, cut before or now.

    Args:
        source: where its photographs lie.
        size: (height, width) of the crops.
        looseness: see `crops.write_numbers`.
    """
    facts = [crops.VERSION, source.split, source.identity, *size, looseness]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    folder = sources.CACHE / f"{source.split}_{key}"
    with files.locked(folder):
        numbers = crops.load_numbers(folder)
        if numbers is None:
            log.info("preparing SVHN's %s from %s; the next run finds it in %s", source.split, source.path, folder)
            _prepare(source, folder, size, looseness)
            numbers = crops.load_numbers(folder)
    return numbers


def _prepare(source: sources.Source, folder: Path, size, looseness: float | str | None):
    """Writes a split's numbers into `folder`, by way of tensorflow-datasets."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    from train.data.svhn_format1.builder import SvhnFullNumbers

    root = sources.CACHE / "tensorflow_datasets" / source.identity[:16]
    try:
        with _quiet_tfds():
            builder = SvhnFullNumbers(config="numbers", sources=[source], data_dir=root)
            with files.locked(root):  # which crops of all sizes are cut from, each with a lock of its own
                builder.download_and_prepare()
            undecoded = {"image": tfds.decode.SkipDecoding()}
            examples = tfds.as_numpy(builder.as_dataset(source.split, decoders=undecoded))
            count = builder.info.splits[source.split].num_examples
            crops.write_numbers(folder, examples, count, size, looseness, photographs=source.split == "test")
    except (OSError, tf.errors.OpError, RuntimeError) as error:  # tensorflow-datasets wraps errors in the last
        reason = " ".join(str(error).split())
        raise TrainingError(
            f"SVHN's {source.split} can't be prepared in {sources.CACHE} ({reason}); make room or mend its "
            "permissions, and give the same command again"
        ) from error


@contextlib.contextmanager
def _quiet_tfds():
    """Leaves the screen to `log`: tensorflow-datasets prints, logs and draws bars, with sizes that it does not know."""
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    verbosity = absl.logging.get_verbosity()
    absl.logging.set_verbosity(absl.logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        absl.logging.set_verbosity(verbosity)


def _hold_out(parts: list[crops.Numbers], top: SequenceTopSpec) -> tuple[Split, Split, int]:
    """Returns the training split, the validation split and how many numbers of `parts` are too long for either."""
    names = np.concatenate([part.names for part in parts])
    lengths = np.concatenate([(part.digits != crops.EMPTY).sum(axis=1) for part in parts])
    usable = np.flatnonzero(lengths <= top.max_length)
    usable = usable[np.argsort(names[usable])]
    held_out = np.random.default_rng(0).permutation(len(usable))[: max(1, min(VALIDATION, len(usable) // 10))]
    validation = np.zeros(len(names), bool)
    validation[usable[held_out]] = True
    train = (lengths <= top.max_length) & ~validation
    return _chosen(parts, train, top), _chosen(parts, validation, top), len(names) - len(usable)


def _chosen(parts: list[crops.Numbers], chosen: np.ndarray, top: SequenceTopSpec) -> Split:
    """Returns the numbers of which `chosen` [n] is true. Their crops are copied once, out of the files."""
    masks = np.split(chosen, np.cumsum([len(part.names) for part in parts])[:-1])
    images = np.empty((chosen.sum(), *parts[0].crops.shape[1:], 1), np.uint8)
    start = 0
    for part, mask in zip(parts, masks):
        np.compress(mask, part.crops, axis=0, out=images[start : start + mask.sum(), ..., 0])
        start += mask.sum()
    sequences = [sequence for part, mask in zip(parts, masks) for sequence, keep in zip(part.sequences, mask) if keep]
    boxes = np.concatenate([part.crop_boxes[mask] for part, mask in zip(parts, masks)])
    return Split(images, _labels(sequences, top), boxes)


def _labels(sequences: list[list[int]], top: SequenceTopSpec) -> np.ndarray:
    """Returns int32 [n, heads]; a number that is too long has the length `NEVER`, which no answer has."""
    longest = top.max_length
    fitting = [sequence if len(sequence) <= longest else sequence[:longest] for sequence in sequences]
    labels = np.array(sequence_labels(fitting, longest, 10, top.min_length), np.int32).reshape(-1, 1 + longest)
    labels[[len(sequence) > longest for sequence in sequences], 0] = NEVER
    return labels
