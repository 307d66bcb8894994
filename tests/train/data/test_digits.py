import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from train.data.digits import IDX_FILES, load_mnist, load_sklearn
from train.errors import DataUnavailableError, UserError

RNG = np.random.default_rng(0)
ARRAYS = {
    "x_train": RNG.integers(256, size=(50, 28, 28), dtype=np.uint8),
    "y_train": RNG.integers(10, size=50, dtype=np.uint8),
    "x_test": RNG.integers(256, size=(12, 28, 28), dtype=np.uint8),
    "y_test": RNG.integers(10, size=12, dtype=np.uint8),
}


def idx(array):
    return struct.pack(f">BBBB{array.ndim}i", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx(folder, zipped=False, dotted=False):
    for key, name in IDX_FILES.items():
        data, name = idx(ARRAYS[key]), name.replace("-idx", ".idx") if dotted else name
        (folder / (f"{name}.gz" if zipped else name)).write_bytes(gzip.compress(data) if zipped else data)


def check(digits):
    np.testing.assert_array_equal(np.concatenate([digits.train[0], digits.validation[0]]), ARRAYS["x_train"])
    np.testing.assert_array_equal(np.concatenate([digits.train[1], digits.validation[1]]), ARRAYS["y_train"])
    np.testing.assert_array_equal(digits.test[0], ARRAYS["x_test"])
    assert len(digits.validation[0]) == 5


def test_mnist_from_npz(tmp_path):
    np.savez(tmp_path / "mnist.npz", **ARRAYS)
    check(load_mnist(str(tmp_path)))
    check(load_mnist(str(tmp_path / "mnist.npz")))


@pytest.mark.parametrize("kind", [{}, {"zipped": True}, {"dotted": True}])
def test_mnist_from_idx_files(tmp_path, kind):
    write_idx(tmp_path, **kind)
    check(load_mnist(str(tmp_path)))


def test_a_folder_without_mnist_says_what_it_should_hold(tmp_path):
    with pytest.raises(UserError, match=r"neither mnist\.npz nor the four IDX files .* Received: "):
        load_mnist(str(tmp_path))


@pytest.mark.parametrize("end", [0, 7, 500])
def test_truncated_files_are_named(tmp_path, end):
    write_idx(tmp_path)
    path = tmp_path / IDX_FILES["x_train"]
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte is not a readable IDX file"):
        load_mnist(str(tmp_path))
    np.savez(tmp_path / "mnist.npz", **ARRAYS)
    (tmp_path / "mnist.npz").write_bytes((tmp_path / "mnist.npz").read_bytes()[:end])
    with pytest.raises(UserError, match=r"mnist\.npz is not a readable mnist\.npz"):
        load_mnist(str(tmp_path))


@pytest.mark.parametrize(("mark", "at", "bit"), [(b"PK\x01\x02", 8, 0), (b"\x93NUMPY", 8, 6)])
def test_an_npz_that_counts_as_encrypted_or_whose_header_never_ends_is_named(tmp_path, mark, at, bit):
    np.savez(tmp_path / "mnist.npz", **ARRAYS)
    data = bytearray((tmp_path / "mnist.npz").read_bytes())
    data[data.index(mark) + at] ^= 1 << bit
    (tmp_path / "mnist.npz").write_bytes(data)
    with pytest.raises(UserError, match=r"mnist.npz is not a readable mnist.npz \("):
        load_mnist(str(tmp_path))


def test_arrays_of_another_kind_are_refused(tmp_path):
    np.savez(tmp_path / "mnist.npz", **(ARRAYS | {"x_test": ARRAYS["x_test"][:, :27]}))
    with pytest.raises(UserError, match=r"Received: test images uint8 \(12, 27, 28\)"):
        load_mnist(str(tmp_path))


class Builder:
    """Stands for tensorflow-datasets' builder of MNIST."""

    def __init__(self, prepared):
        self.prepared = prepared

    def is_prepared(self):
        return self.prepared

    def download_and_prepare(self):
        self.prepared = True

    def as_dataset(self, split, batch_size, as_supervised):
        assert self.prepared
        assert (split, batch_size, as_supervised) == (["train", "test"], -1, True)
        return [(ARRAYS[f"x_{part}"][..., None], ARRAYS[f"y_{part}"].astype(np.int64)) for part in split]


@pytest.fixture
def tfds(monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets")
    monkeypatch.setattr(tfds, "as_numpy", lambda value: value)
    return tfds


def test_mnist_that_can_not_be_fetched_is_unavailable(tfds, monkeypatch):
    import requests

    def unreachable(url, timeout):
        raise requests.exceptions.ConnectionError("no route")

    monkeypatch.setattr(requests, "head", unreachable)
    monkeypatch.setattr(tfds, "builder", lambda name: Builder(prepared=False))
    with pytest.raises(
        DataUnavailableError, match=r"could not be fetched .*ConnectionError.*--data_dir.*cluttered_digits"
    ):
        load_mnist(None)


@pytest.mark.parametrize("prepared", [True, False])
def test_mnist_as_tensorflow_datasets_gives_it(tfds, monkeypatch, prepared):
    import requests

    asked = []
    monkeypatch.setattr(requests, "head", lambda url, timeout: asked.append(url))
    monkeypatch.setattr(tfds, "builder", lambda name: Builder(prepared))
    check(load_mnist(None))
    assert bool(asked) != prepared  # what lies on disk needs no network


def test_the_real_builder_answers_without_a_network(monkeypatch):
    """The genuine library up to the moment of fetching: it can be imported, and knows that nothing is prepared."""
    pytest.importorskip("tensorflow_datasets")
    import requests

    def unreachable(url, timeout):
        raise requests.exceptions.ConnectionError("no route")

    monkeypatch.setattr(requests, "head", unreachable)
    monkeypatch.setenv("TFDS_DATA_DIR", "/nonexistent")
    with pytest.raises(DataUnavailableError, match="ConnectionError"):
        load_mnist(None)


def test_sklearn_digits_are_split_without_overlap_and_centred():
    digits = load_sklearn()
    assert [len(part[0]) for part in (digits.train, digits.validation, digits.test)] == [1197, 200, 400]
    images = np.concatenate([part[0] for part in (digits.train, digits.validation, digits.test)])
    assert images.shape == (1797, 28, 28)
    assert images[:, :4].max() == images[:, 24:].max() == images[:, :, :4].max() == 0
    assert images.max() == 255
    labels = np.concatenate([part[1] for part in (digits.train, digits.validation, digits.test)])
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


@pytest.mark.skipif(
    not (Path(os.environ.get("DCN_DATA_DIR", "")) / "mnist.npz").is_file() or "DCN_DATA_DIR" not in os.environ,
    reason="needs the real MNIST: set DCN_DATA_DIR to a folder with mnist.npz",
)
def test_the_real_mnist():
    digits = load_mnist(os.environ["DCN_DATA_DIR"])
    assert [len(part[0]) for part in (digits.train, digits.validation, digits.test)] == [55000, 5000, 10000]
    assert digits.train[1][:5].tolist() == [5, 0, 4, 1, 9]
    assert digits.test[1][:5].tolist() == [7, 2, 1, 0, 4]
    assert round(float(digits.test[0].mean()), 2) == 33.79


def test_an_npz_is_bounded_before_it_is_read(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "mnist.npz", **ARRAYS | {"x_train": np.zeros((10**5, 28, 28), np.uint8)})
    monkeypatch.setattr("train.data.files_of.check_arrays.__defaults__", (10**6,))
    with pytest.raises(UserError, match=r"not a readable mnist\.npz \(it holds more than 1 MB"):
        load_mnist(str(tmp_path))


@pytest.mark.parametrize("labels", [np.full(50, 2.5), np.full(50, -1, np.int8), np.full(50, 10)])
def test_labels_are_integers_from_0_to_9(tmp_path, labels):
    np.savez(tmp_path / "mnist.npz", **ARRAYS | {"y_train": labels})
    with pytest.raises(UserError, match="integer labels 0 to 9"):
        load_mnist(str(tmp_path))


def test_a_packed_idx_file_is_bounded(tmp_path, monkeypatch):
    write_idx(tmp_path, zipped=True)
    monkeypatch.setattr("train.data.digits.MOST_BYTES", 30_000)
    with pytest.raises(UserError, match="not a readable IDX file .it holds more than 0 MB"):
        load_mnist(str(tmp_path))
