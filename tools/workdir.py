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


@dataclass(frozen=True)
class Samples:
    """Images with labels, kept by the training for exporters.

    Attributes:
        images: [N, H, W, C] uint8, of the size that the training evaluates at; of photographs a list of N arrays.
        labels: [N, heads] integer; one column for classes, length minus one and symbols for sequences.
        label_names: class names, or symbols.
        dataset, split: where they are from.
    """

    images: np.ndarray | list
    labels: np.ndarray
    label_names: list
    dataset: str
    split: str

    def first(self, count: int | None) -> "Samples":
        """Returns the first `count` samples, all where None."""
        return Samples(self.images[:count], self.labels[:count], self.label_names, self.dataset, self.split)


@dataclass(frozen=True)
class Workdir:
    """A finished training.

    Attributes:
        directory: its folder.
        model: the trained `DynamicCapacityNetwork`.
        result: what `result.json` holds.
        calibration, test: samples.
    """

    directory: Path
    model: keras.Model
    result: dict
    calibration: Samples
    test: Samples

    @property
    def sample_shape(self) -> tuple:
        """(height, width, channels) of the images that the training evaluates, and of its samples."""
        return self.calibration.images.shape[1:]

    def validation(self) -> Samples:
        """Returns validation samples; UserError where the training was made by a version that did not keep them."""
        path = self.directory / "samples" / "validation.npz"
        if not path.is_file():
            raise UserError(
                f"{self.directory} has no samples/validation.npz; {AGAIN}, which only evaluates, and writes it"
            )
        return _read_samples(path, self.model.architecture, self.sample_shape)

    def photographs(self) -> Samples | None:
        """Returns test photographs of many sizes, where the training's test has some and they were kept; else None."""
        path = self.directory / "samples" / "photographs.npz"
        shape = (None, None, self.sample_shape[2])
        return _read_samples(path, self.model.architecture, shape) if path.is_file() else None


def load_workdir(directory) -> Workdir:
    """Reads a finished workdir.

    Raises:
        UserError: it is missing, unfinished, or one of its files is damaged.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise UserError(f"no such workdir: {directory}; name the --workdir of a training")
    for name in ("result.json", "model.keras", "samples/calibration.npz", "samples/test.npz"):
        if not (directory / name).is_file():
            raise UserError(f"{directory} has no {name}; finish the training first, with the command that began it")
    result = _read_result(directory / "result.json")
    trained = result.get("config", {}).get("model", "dcn")
    if trained != "dcn":
        raise UserError(f"{directory} holds a {trained} model alone; a bundle needs a training with --model=dcn")
    model = _read_model(directory / "model.keras")
    files = [directory / "samples" / f"{split}.npz" for split in ("calibration", "test")]
    shape = (*model.architecture.image_size, model.architecture.channels)
    samples = [_read_samples(file, model.architecture, shape) for file in files]
    return Workdir(directory, model, result, *samples)


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


def _read_samples(path: Path, architecture, shape) -> Samples:
    """Returns samples of images of `shape`, (height, width, channels), where None stands for any."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names = _class_names([str(name) for name in arrays["label_names"]], architecture)
            source = str(arrays["dataset"]), str(arrays["split"])
            images = arrays["images"] if "images" in arrays else _photographs(arrays["pixels"], arrays["sizes"])
            samples = Samples(images, arrays["labels"], names, *source)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path} cannot be read: {one_line(error)}; {AGAIN}") from error
    _check_samples(samples, architecture, shape, path)
    return samples


def _photographs(pixels, sizes) -> list:
    """Returns photographs, [H, W, C] each, of which the file holds pixel after pixel."""
    ends = np.cumsum(np.prod(sizes, axis=1))
    if not len(sizes) or ends[-1] != len(pixels):
        raise ValueError(f"sizes of {len(sizes)} photographs, which are not those of {len(pixels)} pixels")
    return [part.reshape(*size, -1) for part, size in zip(np.split(pixels, ends[:-1]), sizes)]


def _class_names(names: list, architecture) -> list:
    """Returns the names, with stand-ins for classes of a classifier that no training image had."""
    missing = range(len(names), 0 if architecture.task == SEQUENCE else architecture.top.classes)
    return names + [f"class {number}" for number in missing]


def _check_samples(samples: Samples, architecture, shape, path: Path):
    count, heads = len(samples.images), architecture.top.heads
    if not count:
        raise UserError(f"{path} holds no images; {AGAIN}")
    labels = architecture.top.symbols if architecture.task == SEQUENCE else heads[0]
    shapes = {tuple(n if m else m for n, m in zip(image.shape, shape)) for image in samples.images}
    facts = {
        "images' shape": (shapes, {shape}),
        "images' type": ({image.dtype.name for image in samples.images}, {"uint8"}),
        "labels' shape": (samples.labels.shape, (count, len(heads))),
        "number of label_names": (len(samples.label_names), labels),
    }
    for name, (found, wanted) in facts.items():
        if found != wanted:
            raise UserError(f"{path}: {name} must be {wanted}, received {found}; {AGAIN}")
