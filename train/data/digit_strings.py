"""A stand-in for house numbers that needs nothing to be fetched: rows of scikit-learn's handwritten digits.

They are NOT house numbers: no type faces, no walls, no photographs. They are here so that the whole way from training
to a device can be walked on any machine.
"""

import numpy as np
from PIL import Image

from dcn_tf.architecture import SEQUENCE, Architecture
from dcn_tf.losses import sequence_labels
from train.config import Config
from train.data.arrays import dataset_of_arrays
from train.data.dataset import Dataset, Split
from train.data.digits import load_sklearn
from train.errors import UserError

COUNTS = {"train": 6000, "validation": 500, "test": 1000}
LENGTHS = (0.19, 0.65, 0.15, 0.01)  # shares of numbers of 1, 2, 3 and 4 digits, as among house numbers


def load(config: Config, architecture: Architecture) -> Dataset:
    """Returns rows of 1 to 4 digits on an uneven ground, at the architecture's size."""
    if architecture.task != SEQUENCE:
        raise UserError(
            f"--dataset=digit_strings is for sequences. Received: --preset={config.preset}; use --preset=svhn"
        )
    source = load_sklearn()
    splits = {}
    for seed, (name, count) in enumerate(COUNTS.items()):
        rng = np.random.default_rng([3, seed])
        rows = [_render(*getattr(source, name), architecture.image_size, rng) for _ in range(count)]
        labels = sequence_labels([label for _, label in rows], architecture.top.max_length, architecture.top.symbols)
        splits[name] = Split(np.stack([image for image, _ in rows]), np.array(labels, np.int32))
    counts = ", ".join(f"{count} {name}" for name, count in COUNTS.items())
    detail = f"rows of handwritten digits from scikit-learn, a stand-in that is NOT house numbers: {counts}"
    return dataset_of_arrays("digit_strings", detail, tuple("0123456789"), splits, config, architecture)


def _render(digit_images, digit_labels, size, rng) -> tuple[np.ndarray, list[int]]:
    """Returns a uint8 [H, W, 1] image and its digits."""
    chosen = rng.integers(len(digit_images), size=1 + rng.choice(len(LENGTHS), p=LENGTHS))
    row = np.concatenate([digit_images[i][2:26, 6 - rng.integers(3) : 22 + rng.integers(3)] for i in chosen], axis=1)
    height = int(size[0] * rng.uniform(0.6, 0.95))
    width = min(int(size[1] * 0.95), int(height * row.shape[1] / row.shape[0] * rng.uniform(0.9, 1.5)))
    ink = np.asarray(Image.fromarray(row).resize((width, height), Image.Resampling.BICUBIC), np.float32) / 255
    ground = rng.uniform(40, 215) + np.linspace(-1, 1, size[1])[None, :] * rng.uniform(-25, 25)
    image = np.broadcast_to(ground, size) + rng.normal(0, rng.uniform(2, 10), size)
    top, left = rng.integers(size[0] - height + 1), rng.integers(size[1] - width + 1)
    contrast = rng.choice([-1, 1]) * rng.uniform(50, 160)
    image[top : top + height, left : left + width] += ink * contrast
    return np.clip(image, 0, 255).astype(np.uint8)[..., None], digit_labels[chosen].tolist()
