"""A user's own images: a folder or a zip with `annotations.json`.

`annotations.json` is a list of objects: `file` (the image's path beside it), `label` (a list of digits, or for a
classifier one number or name), and, where the split is to be the user's own, `split` (train, validation or test). Of an
image that was cut out of a photograph it may tell where it lay there (`frame_size`, `frame_origin`, `scale`, `boxes`,
see `train.data.rendering.real_patches`): its test images are then read in rendered surroundings as well.
Everything is read before training begins, so that a mistake in the last entry is told at once.
"""

import dataclasses
import json
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from dcn_tf.architecture import CLASSIFICATION, Architecture
from dcn_tf.losses import sequence_labels
from train.config import Config
from train.data.arrays import dataset_of_arrays, window_split
from train.data.dataset import Dataset, Split
from train.data.images import read_image
from train.data.rendering.real_patches import digit_boxes
from train.data.semi_real import has_place, semi_real_split
from train.data.svhn_format1 import crops
from train.data.windows import SCENE, scene_window
from train.errors import DataUnavailableError, UserError
from train.progress import log

SPLITS = ("train", "validation", "test")
ANNOTATIONS = "annotations.json"
LEAST_SIDE = 4  # pixels
INSET = 0.04  # of an image's sides, around a number of which nobody says where it is


def load(config: Config, architecture: Architecture) -> Dataset:
    """Returns the data set under `--data_dir`; UserError for what is missing or wrong in it."""
    if config.data_dir is None:
        raise DataUnavailableError(
            "--dataset=folder needs --data_dir: a folder or zip with images and annotations.json"
        )
    path = Path(config.data_dir)
    read, entries, too_long = _checked(path, architecture)
    labels, label_names = _labels(entries, architecture, path)
    parts = np.array([entry["split"] for entry in entries])
    missing = [split for split in SPLITS if split not in parts]
    if missing:
        raise UserError(
            f"{path}: every one of {', '.join(SPLITS)} needs images. Received: none for {missing[0]}; leave 'split' "
            "out of annotations.json and a tenth of the images becomes validation and a tenth test"
        )
    if is_reader(architecture):
        splits = _scene_splits(read, entries, labels, parts, architecture)
    else:
        images = np.stack([_image(read, entry["file"], architecture) for entry in entries])
        splits = {split: Split(images[parts == split], labels[parts == split]) for split in SPLITS}
    counts = ", ".join(f"{len(splits[split])} {split}" for split in SPLITS)
    detail = f"{path.name}: {counts}" + (
        f"; {too_long} left out, longer than {architecture.top.max_length}" if too_long else ""
    )
    dataset = dataset_of_arrays("folder", detail, label_names, splits, config, architecture)
    tests = [entry for entry in entries if entry["split"] == "test"]
    return dataclasses.replace(dataset, more_tests=_photographs(read, tests, architecture))


def annotations(path: Path):
    """Returns a reader (name -> bytes) of a folder or zip, and its checked annotations with all that they hold.

    Raises:
        UserError: something is missing or wrong.
    """
    read = _reader(path)
    return read, _entries(read, path)


def load_tests(data_dir: str, architecture: Architecture) -> dict[str, Split]:
    """Returns the test images under a folder or zip, for a model for numbers that was trained on something else.

    Raises:
        UserError: something is missing or wrong, or there is no test image.
    """
    path = Path(data_dir)
    read, entries, _ = _checked(path, architecture)
    entries = [entry for entry in entries if entry["split"] == "test"]
    if not entries:
        raise UserError(f"--eval_data_dir needs images of the split 'test'. Received: {path}, which has none")
    labels, _ = _labels(entries, architecture, path)
    if is_reader(architecture):
        tests = {"images": _as_they_are(read, entries, labels, architecture)}
    else:
        images = np.stack([_image(read, entry["file"], architecture) for entry in entries])
        tests = {"crops": Split(images, labels)}
    tests |= _photographs(read, entries, architecture)
    return {f"{path.stem} {name}": split for name, split in tests.items()}


def is_reader(architecture: Architecture) -> bool:
    """Whether a network reads images of any size as they are, and can answer that there is nothing in them."""
    return architecture.task != CLASSIFICATION and architecture.top.min_length == 0


def _scene_splits(read, entries, labels, parts, architecture: Architecture) -> dict[str, Split]:
    """Returns the splits of a reader: windows around the numbers for validation, the test images as they are."""
    entries = np.array(entries, object)
    chosen = {split: (entries[parts == split], labels[parts == split]) for split in SPLITS}
    scenes = {split: _scenes(read, *chosen[split], architecture) for split in ("train", "validation")}
    return {
        "train": scenes["train"],
        "validation": window_split(scenes["validation"], architecture),
        "test": _as_they_are(read, *chosen["test"], architecture),
    }


def _scenes(read, entries, labels, architecture: Architecture) -> Split:
    """Returns pictures of the size `SCENE` around the numbers; where an image ends its border is repeated."""
    images, boxes = [], []
    for entry in entries:
        picture = _picture(read, entry, architecture)
        box = _box(entry, picture.shape)
        window = scene_window(box, np.random.default_rng(zlib.crc32(entry["file"].encode())))
        images.append(crops.cut(picture, window, SCENE)[..., None])
        boxes.append((box - (window[:2] * 2)) * (SCENE[1] / (window[2] - window[0])))
    return Split(np.stack(images), labels, np.array(boxes, np.float32))


def _as_they_are(read, entries, labels, architecture: Architecture) -> Split:
    """Returns the images in their own sizes, and their boxes where all tell them."""
    pictures = [_picture(read, entry, architecture) for entry in entries]
    known = all("boxes" in entry for entry in entries)
    boxes = [_box(entry, picture.shape) for entry, picture in zip(entries, pictures)]
    return Split([picture[..., None] for picture in pictures], labels, np.array(boxes, np.float32) if known else None)


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
    if "boxes" in entry:
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


def _checked(path: Path, architecture: Architecture):
    """Returns a reader, the checked annotations but for numbers that are too long, and how many of these there were."""
    read, entries = annotations(path)
    if architecture.task == CLASSIFICATION:
        return read, entries, 0
    kept = [entry for entry in entries if len(entry["label"]) <= architecture.top.max_length]
    return read, kept, len(entries) - len(kept)


def _reader(path: Path):
    """Returns a function: name -> bytes of that file in the folder or zip."""
    if path.is_dir():
        return lambda name: (path / name).read_bytes()
    if not path.exists():
        raise UserError(
            f"--data_dir does not exist. Received: {path}; give a folder or zip with images and {ANNOTATIONS}"
        )
    try:
        return zipfile.ZipFile(path).read
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(f"--data_dir must be a folder or a zip. Received: {path} ({error})") from error


def _entries(read, path: Path) -> list[dict]:
    """Returns the checked annotations, each with file, label (a list) and split, and what else they tell."""
    try:
        entries = json.loads(read(ANNOTATIONS))
    except (OSError, KeyError) as error:
        raise UserError(f"{path} holds no {ANNOTATIONS}; see docs/your_data.md") from error
    except (ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{ANNOTATIONS} in {path} is not readable JSON: {error}") from error
    if not isinstance(entries, list) or not entries:
        raise UserError(
            f"{ANNOTATIONS} in {path} must be a list of objects. Received: {type(entries).__name__}, empty or no list"
        )
    checked = []
    for i, entry in enumerate(entries):
        where = f"{ANNOTATIONS} in {path}, entry {i}"
        if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
            raise UserError(f"{where}: an object with 'file' and 'label' is needed. Received: {str(entry)[:80]}")
        label = entry.get("label")
        label = label if isinstance(label, list) else [label]
        if not label or any(isinstance(part, bool) or not isinstance(part, int | str) for part in label):
            raise UserError(
                f"{where} ({entry['file']}): 'label' must be a number, a name or a list of digits. "
                f"Received: {entry.get('label')!r}"
            )
        split = entry.get("split") or _split_by_name(entry["file"])
        if split not in SPLITS:
            raise UserError(
                f"{where} ({entry['file']}): 'split' must be one of {', '.join(SPLITS)}. Received: {split!r}"
            )
        checked.append(entry | {"label": label, "split": split})
    return checked


def _split_by_name(file: str) -> str:
    """Returns a split that depends on the file's name alone: a tenth validation, a tenth test."""
    return {0: "validation", 1: "test"}.get(zlib.crc32(file.encode()) % 10, "train")


def _labels(entries, architecture: Architecture, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
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
        numbers = all(isinstance(label, int) and 0 <= label < top.classes for label in labels)
        names = [str(i) for i in range(top.classes)] if numbers else sorted({str(label) for label in labels})
        if len(names) > top.classes:
            raise UserError(f"{path}: the preset has {top.classes} classes. Received: {len(names)} different labels")
        return np.array([[names.index(str(label))] for label in labels], np.int32), tuple(names)
    for entry in entries:
        if any(not isinstance(digit, int) or not 0 <= digit < top.symbols for digit in entry["label"]):
            raise UserError(
                f"{path}: a label must be digits of 0 to {top.symbols - 1}. "
                f"Received: {entry['label']} for {entry['file']}"
            )
    labels = sequence_labels([entry["label"] for entry in entries], top.max_length, top.symbols, top.min_length)
    return np.array(labels, np.int32), tuple(str(i) for i in range(top.symbols))


def _image(read, name: str, architecture: Architecture) -> np.ndarray:
    """Returns one image at the architecture's size: uint8 [H, W, C]."""
    height, width = architecture.image_size
    picture = read_image(read, name, architecture.channels).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(picture).reshape(height, width, -1)
