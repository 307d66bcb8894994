"""A user's own images: a folder or a zip with `annotations.json`, or with what `train.data.listing` reads.

`annotations.json` is a list of objects: `file` (the image's path beside it), `label` (a list of digits, or for a
classifier one number or name), and, where the split is to be the user's own, `split` (train, validation or test). Of an
image that was cut out of a photograph it may tell where it lay there (`frame_size`, `frame_origin`, `scale`, `boxes`,
see `train.data.rendering.real_patches`): its test images are then read in rendered surroundings as well.
Everything is read before training begins, so that a mistake in the last entry is told at once.
"""

import dataclasses
import zlib
from pathlib import Path

import numpy as np

from dcn_tf.architecture import CLASSIFICATION, Architecture
from dcn_tf.labels import sequence_labels
from train.config import Config
from train.data.annotations import ANNOTATIONS, SPLITS, annotations, contradictions
from train.data.arrays import dataset_of_arrays, window_split
from train.data.bad_images import BadImages
from train.data.classes import Fitting, class_names, warn_of_missing, without_colour
from train.data.dataset import Dataset, Split
from train.data.files_of import check_exists
from train.data.images import read_image
from train.data.rendering.real_patches import digit_boxes
from train.data.room import check_room
from train.data.semi_real import has_place, semi_real_split
from train.data.svhn_format1 import crops
from train.data.windows import SCENE, scene_window
from train.errors import DataUnavailableError, UserError
from train.progress import log

LEAST_SIDE = 4  # pixels
INSET = 0.04  # of an image's sides, around a number of which nobody says where it is


def load(config: Config, architecture: Architecture) -> Dataset:
    """Returns the data set under `--data_dir`; UserError for what is missing or wrong in it."""
    check(config, architecture)
    path = Path(config.data_dir)
    read, entries, too_long, bad = _checked(path, architecture, config.skip_bad)
    labels, label_names = _labels(entries, architecture, path, "classes" in config.blueprint.open)
    chosen = {split: _of_split(entries, labels, split, path) for split in SPLITS}
    if architecture.top.may_be_empty:
        splits = _scene_splits(read, chosen, architecture, bad)
    else:
        check_room(len(entries), (*architecture.image_size, architecture.channels), f"leave some out of {ANNOTATIONS}")
        splits = _fitted_splits(read, chosen, architecture, bad, "channels" in config.blueprint.open)
        if architecture.task == CLASSIFICATION:
            warn_of_missing(label_names, {split: labels for split, (_, labels) in chosen.items()})
    bad.settle()
    counts = ", ".join(f"{len(splits[split])} {split}" for split in SPLITS)
    detail = f"{path.name}: {counts}" + (
        f"; {too_long} left out, longer than {architecture.top.max_length}" if too_long else ""
    )
    dataset = dataset_of_arrays("folder", detail, label_names, splits, config, architecture)
    if config.eval == "quick":
        return dataset
    return dataclasses.replace(dataset, more_tests=_photographs(read, bad.without(chosen["test"][0]), architecture))


def check(config: Config, architecture: Architecture):
    """Raises DataUnavailableError where nobody says where the data lies, UserError where nothing lies there."""
    if config.data_dir is None:
        raise DataUnavailableError(
            "--dataset=folder needs --data_dir: a folder or zip with images, and annotations.json, labels.csv, or a "
            "folder for each class"
        )
    check_exists(Path(config.data_dir), ANNOTATIONS, "--data_dir")


def load_tests(data_dir: str, architecture: Architecture, semi_real: bool = True) -> dict[str, Split]:
    """Returns the test images under a folder or zip, for a model for numbers that was trained on something else.

    Args:
        data_dir: the folder or zip.
        architecture: of the model.
        semi_real: whether semi-real photographs are made of those whose place in their photograph is known.

    Raises:
        UserError: something is missing or wrong, or there is no test image.
    """
    path = Path(data_dir)
    read, entries, too_long, bad = _checked(path, architecture, 0.0, "--eval_data_dir")
    if too_long:
        log.warning(
            "%d numbers in %s have more than %d digits, and are left out",
            too_long,
            path,
            architecture.top.max_length,
        )
    if not any(entry["split"] == "test" for entry in entries):
        raise UserError(f"--eval_data_dir needs images of the split 'test'. Received: {path}, which has none")
    entries, labels = _of_split(entries, _labels(entries, architecture, path)[0], "test", path)
    if architecture.top.may_be_empty:
        tests = {"images": _as_they_are(read, entries, labels, architecture, bad)}
    else:
        tests = {"crops": _resized(read, entries, labels, Fitting(architecture.image_size, architecture.channels), bad)}
    bad.settle()
    if semi_real:
        tests |= _photographs(read, entries, architecture)
    return {f"{path.stem} {name}": split for name, split in tests.items()}


def _of_split(entries, labels, split: str, path: Path) -> tuple[list[dict], np.ndarray]:
    """Returns a split's entries and their labels; UserError where there is none."""
    chosen = [i for i, entry in enumerate(entries) if entry["split"] == split]
    if not chosen:
        raise UserError(
            f"{path}: every one of {', '.join(SPLITS)} needs images. Received: none for {split}; leave 'split' "
            "out of annotations.json and a tenth of the images becomes validation and a tenth test"
        )
    return [entries[i] for i in chosen], labels[chosen]


def _fitted_splits(read, chosen, architecture: Architecture, bad: BadImages, any_channels: bool) -> dict[str, Split]:
    """Returns the splits at the architecture's size, and tells how images are fitted to it.

    Where `any_channels`, they are of three channels, or of one where no image has colour.
    """
    fitting = Fitting(architecture.image_size, 3 if any_channels else architecture.channels)
    splits = {split: _resized(read, *chosen[split], fitting, bad) for split in SPLITS}
    log.info("fit: %s", fitting.line())
    if any_channels and without_colour([split.images for split in splits.values()]):
        splits = {name: Split(split.images[..., :1].copy(), split.labels) for name, split in splits.items()}
    return splits


def _resized(read, entries, labels, fitting: Fitting, bad: BadImages) -> Split:
    """Returns the images at the size that `fitting` gives them."""
    images, labels = bad.made(
        lambda entry: bad.unlike_others(entry, fitting.image(read, entry["file"])), entries, labels
    )
    return Split(np.stack(images), np.stack(labels))


def _scene_splits(read, chosen, architecture: Architecture, bad: BadImages) -> dict[str, Split]:
    """Returns the splits of a reader: windows around the numbers for validation, the test images as they are."""
    scenes = {split: _scenes(read, *chosen[split], architecture, bad) for split in ("train", "validation")}
    return {
        "train": scenes["train"],
        "validation": window_split(scenes["validation"], architecture),
        "test": _as_they_are(read, *chosen["test"], architecture, bad),
    }


def _scenes(read, entries, labels, architecture: Architecture, bad: BadImages) -> Split:
    """Returns pictures of the size `SCENE` around the numbers; where an image ends its border is repeated."""
    made, labels = bad.made(
        lambda entry: _scene(entry, bad.unlike_others(entry, _picture(read, entry, architecture))), entries, labels
    )
    images, boxes = zip(*made)
    return Split(np.stack(images), np.stack(labels), np.array(boxes, np.float32))


def _scene(entry: dict, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns a picture uint8 [*SCENE, 1] around an entry's number, and the number's box in it."""
    box = _box(entry, picture.shape)
    window = scene_window(box, np.random.default_rng(zlib.crc32(entry["file"].encode())))
    image = crops.cut(picture, window, SCENE)[..., None]
    return image, (box - (window[:2] * 2)) * (SCENE[1] / (window[2] - window[0]))


def _as_they_are(read, entries, labels, architecture: Architecture, bad: BadImages) -> Split:
    """Returns the images in their own sizes, and their boxes where all tell them."""
    known = all(entry.get("boxes") for entry in entries)

    def make(entry):
        picture = bad.unlike_others(entry, _picture(read, entry, architecture))
        return picture[..., None], _box(entry, picture.shape)

    made, labels = bad.made(make, entries, labels)
    pictures, boxes = zip(*made)
    return Split(list(pictures), np.stack(labels), np.array(boxes, np.float32) if known else None)


def _picture(read, entry: dict, architecture: Architecture) -> np.ndarray:
    """Returns an entry's image, uint8 [h, w]; UserError where the network reads colour, or the image is tiny."""
    if architecture.channels != 1:
        raise UserError(f"numbers are read in grey images. Received: a network of {architecture.channels} channels")
    picture = np.asarray(read_image(read, entry["file"], 1))
    if min(picture.shape) < LEAST_SIDE:
        raise UserError(
            f"{entry['file']}: an image must be at least {LEAST_SIDE} pixels high and wide. "
            f"Received: {picture.shape[1]} x {picture.shape[0]}; take it out of {ANNOTATIONS}"
        )
    return picture


def _box(entry: dict, shape) -> np.ndarray:
    """Returns (left, top, right, bottom) of an entry's number: of its digits' boxes, else nearly the whole image."""
    if entry.get("boxes"):
        boxes = digit_boxes(entry)
        return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
    inset = np.array([shape[1], shape[0]]) * INSET
    return np.concatenate([inset, np.array([shape[1], shape[0]]) - inset])


def _photographs(read, entries, architecture: Architecture) -> dict[str, Split]:
    """Returns the images whose place in their photograph is known, as semi-real photographs, if there are any."""
    placed = [entry for entry in entries if has_place(entry)]
    if not placed or architecture.task == CLASSIFICATION or architecture.channels != 1:
        return {}
    log.info("rendering the surroundings of %d numbers", len(placed))
    return {"semi-real photographs": semi_real_split(read, placed, architecture)}


def _checked(path: Path, architecture: Architecture, skip_bad: float, flag: str = "--data_dir"):
    """Returns a reader, the annotations but for numbers that are too long, how many of these there were, bad images."""
    read, entries = annotations(path, architecture.task != CLASSIFICATION, flag)
    bad = BadImages(len(entries), skip_bad)
    for file, mistake in contradictions(entries).items():
        bad.add(file, f"{file} {mistake}; list it once, in one split")
    if architecture.task == CLASSIFICATION:
        return read, entries, 0, bad
    kept = [entry for entry in entries if len(entry["label"]) <= architecture.top.max_length]
    return read, kept, len(entries) - len(kept), bad


def _labels(
    entries, architecture: Architecture, path: Path, any_classes: bool = False
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Returns int32 [n, heads] and the names of classes or symbols."""
    top = architecture.top
    if architecture.task == CLASSIFICATION:
        longer = next((entry for entry in entries if len(entry["label"]) > 1), None)
        if longer:
            raise UserError(
                f"{path}: a classifier needs one label per image. Received: {longer['label']} for {longer['file']}; "
                "for sequences use --preset=svhn"
            )
        labels = [entry["label"][0] for entry in entries]
        names = class_names(labels, None if any_classes else top.classes, path)
        return np.array([[names.index(str(label))] for label in labels], np.int32), names
    for entry in entries:
        if any(not isinstance(digit, int) or not 0 <= digit < top.symbols for digit in entry["label"]):
            raise UserError(
                f"{path}: a label must be digits of 0 to {top.symbols - 1}. "
                f"Received: {entry['label']} for {entry['file']}"
            )
    labels = sequence_labels([entry["label"] for entry in entries], top.max_length, top.symbols, top.min_length)
    return np.array(labels, np.int32), tuple(str(i) for i in range(top.symbols))
