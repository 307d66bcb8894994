"""Single handwritten digits, 28 x 28: MNIST from files or tensorflow-datasets, and the small set of scikit-learn."""

import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from train.data.files_of import DAMAGED, check_arrays, unpacked
from train.errors import DataUnavailableError, UserError
from train.plain_files import read_plain, reason

SIDE = 28
MNIST_VALIDATION = 5000  # the last of the training digits
MOST_BYTES = 2**30  # of an IDX file, unpacked
MNIST_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"  # where tensorflow-datasets fetches it
IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


@dataclass(frozen=True)
class Digits:
    """Three splits, each (uint8 [n, 28, 28], int [n]), and where they came from."""

    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    detail: str


def load_mnist(data_dir: str | None) -> Digits:
    """Returns MNIST from `data_dir` (mnist.npz, or the IDX files, gzipped or not), else from tensorflow-datasets."""
    if data_dir is None:
        arrays, origin = _mnist_from_tfds(), "MNIST from tensorflow-datasets"
    else:
        arrays, origin = _mnist_from_files(Path(data_dir))
    _check_mnist(arrays, origin)
    images, labels = arrays["x_train"], arrays["y_train"].astype(np.int64)
    cut = max(1, len(images) - min(MNIST_VALIDATION, len(images) // 10))
    return Digits(
        train=(images[:cut], labels[:cut]),
        validation=(images[cut:], labels[cut:]),
        test=(arrays["x_test"], arrays["y_test"].astype(np.int64)),
        detail=origin,
    )


def load_sklearn() -> Digits:
    """Returns scikit-learn's 1,797 digits, scaled up from 8 x 8 to 20 x 20 and centred, as MNIST's are."""
    from PIL import Image
    from sklearn.datasets import load_digits

    data = load_digits()
    images = np.zeros((len(data.images), SIDE, SIDE), np.uint8)
    for image, small in zip(images, data.images):
        grey = Image.fromarray((small * (255 / 16)).round().astype(np.uint8))
        image[4:24, 4:24] = np.asarray(grey.resize((20, 20), Image.Resampling.BICUBIC))
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = images[order], data.target[order].astype(np.int64)
    parts = [(images[part], labels[part]) for part in np.split(np.arange(len(images)), [1197, 1397])]
    return Digits(*parts, detail="1,797 digits of scikit-learn")


def _mnist_from_files(folder: Path) -> tuple[dict, str]:
    npz = folder if folder.suffix == ".npz" else folder / "mnist.npz"
    if npz.is_file():
        try:
            check_arrays(npz)
            with np.load(npz) as data:
                return {key: data[key] for key in IDX_FILES}, f"MNIST from {npz.name}"
        except DAMAGED as error:
            raise UserError(f"{npz} is not a readable mnist.npz ({reason(error)}); fetch it again") from error
    files = {key: _find_idx(folder, name) for key, name in IDX_FILES.items()}
    if all(files.values()):
        return {key: _read_idx(path) for key, path in files.items()}, "MNIST from IDX files"
    raise UserError(
        f"no MNIST in --data_dir: neither mnist.npz nor the four IDX files ({', '.join(IDX_FILES.values())}). "
        f"Received: {folder}; give the folder that holds them, or leave --data_dir out to fetch MNIST"
    )


def _find_idx(folder: Path, name: str) -> Path | None:
    dotted = name.replace("-idx", ".idx")
    candidates = (folder / f"{stem}{end}" for stem in (name, dotted) for end in ("", ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def _read_idx(path: Path) -> np.ndarray:
    """Returns the array of an IDX file: two zero bytes, type 8 (uint8), rank, sizes as big-endian int32, data."""
    try:
        data = read_plain(path, most=MOST_BYTES)
        if path.suffix == ".gz":
            with gzip.open(io.BytesIO(data)) as file:
                data = unpacked(file, MOST_BYTES)
        rank = data[3]
        shape = np.frombuffer(data, ">u4", rank, 4).tolist()
        if data[:3] != b"\0\0\x08":
            raise ValueError("it does not begin as an IDX file of bytes does")
        return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise UserError(f"{path} is not a readable IDX file ({reason(error)}); fetch it again") from error


def _mnist_from_tfds() -> dict:
    try:
        import requests
        import tensorflow_datasets as tfds

        builder = tfds.builder("mnist")
        if not builder.is_prepared():
            requests.head(MNIST_URL, timeout=10)  # without a network the builder would retry for minutes
            builder.download_and_prepare()
        parts = tfds.as_numpy(builder.as_dataset(split=["train", "test"], batch_size=-1, as_supervised=True))
    except Exception as error:  # tensorflow-datasets raises whatever its transports raise
        raise DataUnavailableError(
            f"MNIST could not be fetched through tensorflow-datasets ({type(error).__name__}); "
            "give --data_dir a folder with mnist.npz or the IDX files, or use --dataset=cluttered_digits"
        ) from error
    (x_train, y_train), (x_test, y_test) = parts
    return {"x_train": x_train[..., 0], "y_train": y_train, "x_test": x_test[..., 0], "y_test": y_test}


def _check_mnist(arrays: dict, origin: str):
    for part in ("train", "test"):
        images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
        good = images.dtype == np.uint8 and images.ndim == 3 and images.shape[1:] == (SIDE, SIDE)
        good = good and labels.shape == images.shape[:1] and len(images) >= 10 and labels.dtype.kind in "iu"
        if not good or labels.min() < 0 or labels.max() > 9:
            raise UserError(
                f"{origin} must hold uint8 images [n, 28, 28], at least 10, and integer labels 0 to 9. Received: "
                f"{part} images {images.dtype} {images.shape}, labels {labels.dtype} {labels.shape}; fetch it again"
            )
