"""Reads what a finished training left in its workdir: the model, the results and the samples."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.precision import use_float32
from edge.errors import UserError, one_line
from tools.files import DAMAGED, check_arrays, read_json

AGAIN = "run the training's command again"
NEEDED = ("result.json", "model.keras", "samples/calibration.npz", "samples/test.npz")  # by a bundle


@dataclass(frozen=True)
class Samples:
    """Images with labels, kept by the training for exporters.

    Attributes:
        images: [N, H, W, C] uint8, of the size that the training evaluates at; of photographs a list of N arrays.
        labels: [N, heads] integer; one column for classes, length minus one and symbols for sequences.
    """

    images: np.ndarray | list
    labels: np.ndarray
    label_names: list
    dataset: str
    split: str

    def first(self, count: int | None) -> "Samples":
        """Returns the first `count` samples, all where None."""
        return self.part(0, count)

    def part(self, start: int | None, end: int | None) -> "Samples":
        """Returns the samples from one to another, counted as slices are."""
        part = slice(start, end)
        return Samples(self.images[part], self.labels[part], self.label_names, self.dataset, self.split)


@dataclass(frozen=True)
class Training:
    """A finished training: its folder, the trained `DynamicCapacityNetwork`, and what `result.json` holds."""

    directory: Path
    model: keras.Model
    result: dict

    @property
    def sample_shape(self) -> tuple:
        """(height, width, channels) of its samples, but for photographs; None where any will do."""
        architecture = self.model.architecture
        if architecture.top.may_be_empty:  # which is trained on windows, and tested on photographs alone
            return None, None, architecture.channels
        return (*architecture.image_size, architecture.channels)

    def samples(self, split: str) -> Samples | None:
        """Returns what is kept of a split; None where nothing is.

        A training that is tested on photographs of many sizes keeps some of them as the split 'photographs'; a version
        that knew less kept less.
        """
        path = self.directory / "samples" / f"{split}.npz"
        return _read_samples(path, self.model.architecture, self.sample_shape) if path.is_file() else None


@dataclass(frozen=True)
class Workdir(Training):
    """A finished training of which a bundle can be made."""

    calibration: Samples
    test: Samples

    @property
    def sample_shape(self) -> tuple:
        """(height, width, channels) of its samples, which are of the training's size, whatever the model's is."""
        if self.model.architecture.top.may_be_empty:
            return super().sample_shape
        return self.calibration.images.shape[1:]

    def validation(self) -> Samples:
        """Returns validation samples; UserError where the training was made by a version that did not keep them."""
        found = self.samples("validation")
        if found is None:
            raise UserError(
                f"{self.directory} has no samples/validation.npz; {AGAIN}, which only evaluates, and writes it"
            )
        return found


def load_training(directory, needed=NEEDED[:2]) -> Training:
    """Reads a finished training of any model; UserError where it is missing, unfinished, or a file of it damaged."""
    use_float32()
    directory = Path(directory)
    if not directory.is_dir():
        raise UserError(f"no such workdir: {directory}; name the --workdir of a training")
    for name in needed:
        if not (directory / name).is_file():
            raise UserError(f"{directory} has no {name}; finish the training first, with the command that began it")
    return Training(directory, _read_model(directory / "model.keras"), _read_result(directory / "result.json"))


def load_workdir(directory) -> Workdir:
    """Reads a finished workdir, to make a bundle of; UserError as for `load_training`, and for another model."""
    training = load_training(directory, NEEDED)
    trained = training.result.get("config", {}).get("model", "dcn")
    if trained != "dcn":
        raise UserError(f"{directory} holds a {trained} model alone; a bundle needs a training with --model=dcn")
    samples = [training.samples(split) for split in ("calibration", "test")]
    return Workdir(training.directory, training.model, training.result, *samples)


def _read_result(path: Path) -> dict:
    try:
        result = read_json(path)
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
    """Returns samples, of images of `shape` (height, width, channels) or of photographs of any height and width."""
    try:
        check_arrays(path)
        with np.load(path, allow_pickle=False) as arrays:
            names = _class_names([str(name) for name in arrays["label_names"]], architecture)
            source = str(arrays["dataset"]), str(arrays["split"])
            if "images" in arrays:
                images = arrays["images"]
            else:
                images, shape = _photographs(arrays["pixels"], arrays["sizes"]), (None, None, shape[2])
            samples = Samples(images, arrays["labels"], names, *source)
    except DAMAGED as error:
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
    missing = range(len(names), getattr(architecture.top, "classes", 0))
    return names + [f"class {number}" for number in missing]


def _check_samples(samples: Samples, architecture, shape, path: Path):
    count, heads = len(samples.images), architecture.top.heads
    if not count:
        raise UserError(f"{path} holds no images; {AGAIN}")
    shapes = {tuple(n if m else m for n, m in zip(image.shape, shape)) for image in samples.images}
    facts = {
        "images' shape": (shapes, {shape}),
        "images' type": ({image.dtype.name for image in samples.images}, {"uint8"}),
        "labels' shape": (samples.labels.shape, (count, len(heads))),
        "number of label_names": (len(samples.label_names), architecture.top.num_labels),
    }
    for name, (found, wanted) in facts.items():
        if found != wanted:
            raise UserError(f"{path}: {name} must be {wanted}, received {found}; {AGAIN}")
