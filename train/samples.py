"""The images that a workdir keeps for the tools: for calibration, validation and tests."""

import io
from pathlib import Path

import numpy as np

from train.data.dataset import Dataset, Split
from train.files import write_bytes

VALIDATION_IMAGES = 5000
TEST_IMAGES = 10_000
PHOTOGRAPHS = 500


def write_samples(folder: Path, dataset: Dataset):
    """Writes `calibration.npz`, `validation.npz` and `test.npz`: what a bundle needs, so that it needs no data set.

    `validation` holds at most `VALIDATION_IMAGES`. `test` holds the first `TEST_IMAGES` of the data set's first
    test whose images are of one size, and validation images where there is none. Each holds `images` uint8 [n, H,
    W, C], `labels` int32 [n, heads], `label_names`, `dataset` and `split`. Where the data set's test is on
    photographs of many sizes, `photographs.npz` holds the first `PHOTOGRAPHS` of them: in place of `images`,
    `sizes` int32 [n, 2] and `pixels` uint8 [pixels of all, C], one photograph after the other.
    """
    validation = dataset.validation.head(VALIDATION_IMAGES)
    tests = (dataset.test, *dataset.more_tests.values())
    test = next((split for split in tests if split.of_one_size), validation)
    splits = {"calibration": dataset.calibration, "validation": validation, "test": test.head(TEST_IMAGES)}
    if not dataset.test.of_one_size:
        splits["photographs"] = dataset.test.head(PHOTOGRAPHS)
    for name, split in splits.items():
        write_bytes(folder / f"{name}.npz", _npz(split, dataset, name))


def _npz(split: Split, dataset: Dataset, name: str) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        **_pixels(split),
        labels=split.labels,
        label_names=np.array(dataset.label_names),
        dataset=np.array(dataset.name),
        split=np.array(name),
    )
    return buffer.getvalue()


def _pixels(split: Split) -> dict:
    if split.of_one_size:
        return {"images": split.images}
    pixels = [image.reshape(-1, image.shape[-1]) for image in split.images]
    return {"pixels": np.concatenate(pixels), "sizes": split.sizes().astype(np.int32)}
