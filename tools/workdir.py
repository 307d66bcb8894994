"""Reads what a finished training left in its workdir: the model, the results and the samples."""

import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from dcn_tf.architecture import SEQUENCE
from dcn_tf.model import DynamicCapacityNetwork
from edge.errors import UserError, one_line

AGAIN = "run the training's command again"
NEEDED = ("result.json", "model.keras", "samples/calibration.npz", "samples/test.npz")  # by a bundle


@dataclass(frozen=True)
class Samples:
    """Images with labels, kept by the training for exporters.

    Attributes:
        images: [N, H, W, C] uint8, of the architecture's image size.
        labels: [N, heads] integer; one column for classes, length minus one and symbols for sequences.
        label_names: class names, or symbols.
        dataset, split: where they are from.
    """

    images: np.ndarray
    labels: np.ndarray
    label_names: list
    dataset: str
    split: str

    def first(self, count: int | None) -> "Samples":
        """Returns the first `count` samples, all where None."""
        return Samples(self.images[:count], self.labels[:count], self.label_names, self.dataset, self.split)


@dataclass(frozen=True)
class Training:
    """A finished training.

    Attributes:
        directory: its folder.
        model: the trained `DynamicCapacityNetwork`.
        result: what `result.json` holds.
    """

    directory: Path
    model: keras.Model
    result: dict

    def samples(self, split: str) -> Samples | None:
        """Returns what is kept of a split; None where the training was made by a version that kept nothing of it."""
        path = self.directory / "samples" / f"{split}.npz"
        return _read_samples(path, self.model.architecture) if path.is_file() else None


@dataclass(frozen=True)
class Workdir(Training):
    """A finished training of which a bundle can be made.

    Attributes:
        calibration, test: samples.
    """

    calibration: Samples
    test: Samples

    def validation(self) -> Samples:
        """Returns validation samples; UserError where the training was made by a version that did not keep them."""
        found = self.samples("validation")
        if found is None:
            raise UserError(
                f"{self.directory} has no samples/validation.npz; {AGAIN}, which only evaluates, and writes it"
            )
        return found


def load_training(directory, needed=NEEDED[:2]) -> Training:
    """Reads a finished training of any model.

    Args:
        directory: its workdir.
        needed: files that must be there.

    Raises:
        UserError: it is missing, unfinished, or one of its files is damaged.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise UserError(f"no such workdir: {directory}; name the --workdir of a training")
    for name in needed:
        if not (directory / name).is_file():
            raise UserError(f"{directory} has no {name}; finish the training first, with the command that began it")
    return Training(directory, _read_model(directory / "model.keras"), _read_result(directory / "result.json"))


def load_workdir(directory) -> Workdir:
    """Reads a finished workdir, of which a bundle is to be made.

    Raises:
        UserError: it is missing, unfinished, or of another model, or one of its files is damaged.
    """
    training = load_training(directory, NEEDED)
    trained = training.result.get("config", {}).get("model", "dcn")
    if trained != "dcn":
        raise UserError(f"{directory} holds a {trained} model alone; a bundle needs a training with --model=dcn")
    samples = [training.samples(split) for split in ("calibration", "test")]
    return Workdir(training.directory, training.model, training.result, *samples)


def _read_result(path: Path) -> dict:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(result, dict):
            raise ValueError(f"an object is expected, found {type(result).__name__}")
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {one_line(error)}; {AGAIN}") from None
    return result


def _read_model(path: Path):
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:  # keras raises many kinds for a damaged file
        raise UserError(f"{path} cannot be read: {one_line(error)}; {AGAIN}") from error
    if not isinstance(model, DynamicCapacityNetwork):
        raise UserError(
            f"{path} holds a {type(model).__name__}, not a DynamicCapacityNetwork; name a training's workdir"
        )
    return model


def _read_samples(path: Path, architecture) -> Samples:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names = _class_names([str(name) for name in arrays["label_names"]], architecture)
            source = str(arrays["dataset"]), str(arrays["split"])
            samples = Samples(arrays["images"], arrays["labels"], names, *source)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path} cannot be read: {one_line(error)}; {AGAIN}") from error
    _check_samples(samples, architecture, path)
    return samples


def _class_names(names: list, architecture) -> list:
    """Returns the names, with stand-ins for classes of a classifier that no training image had."""
    missing = range(len(names), 0 if architecture.task == SEQUENCE else architecture.top.classes)
    return names + [f"class {number}" for number in missing]


def _check_samples(samples: Samples, architecture, path: Path):
    count, heads = len(samples.images), architecture.top.heads
    labels = architecture.top.symbols if architecture.task == SEQUENCE else heads[0]
    facts = {
        "images' shape": (samples.images.shape, (count, *architecture.image_size, architecture.channels)),
        "images' type": (samples.images.dtype, np.uint8),
        "labels' shape": (samples.labels.shape, (count, len(heads))),
        "number of label_names": (len(samples.label_names), labels),
    }
    for name, (found, wanted) in facts.items():
        if found != wanted:
            raise UserError(f"{path}: {name} must be {wanted}, received {found}; {AGAIN}")
    if not count:
        raise UserError(f"{path} holds no images; {AGAIN}")
