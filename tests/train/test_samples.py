import numpy as np

from train import samples
from train.data.dataset import Dataset, Split


def test_samples_are_the_first_test_images_of_one_size(tmp_path, monkeypatch):
    labels = np.array([[1, 2], [0, 1]], np.int32)
    crops = Split(np.full((2, 4, 6, 1), 7, np.uint8), labels)
    sizes = ((4, 6), (2, 3))
    images = [np.arange(h * w, dtype=np.uint8).reshape(h, w, 1) for h, w in (*sizes, (8, 9))]
    photographs = Split(images, np.concatenate([labels, labels[:1]]))
    validation = Split(np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1), np.zeros((4, 2), np.int32))
    dataset = Dataset("some", "", ("0", "1"), None, validation, photographs, crops.head(1), {"crops": crops})
    monkeypatch.setattr(samples, "VALIDATION_IMAGES", 3)
    monkeypatch.setattr(samples, "PHOTOGRAPHS", 2)
    samples.write_samples(tmp_path, dataset)
    with np.load(tmp_path / "validation.npz") as kept:
        assert (kept["images"].ravel().tolist(), str(kept["split"])) == ([0, 1, 2], "validation")
    with np.load(tmp_path / "test.npz") as test, np.load(tmp_path / "calibration.npz") as calibration:
        np.testing.assert_array_equal(test["images"], crops.images)
        np.testing.assert_array_equal(test["labels"], labels)
        assert test["label_names"].tolist() == ["0", "1"]
        assert (str(test["dataset"]), str(test["split"])) == ("some", "test")
        assert calibration["images"].shape == (1, 4, 6, 1)
    with np.load(tmp_path / "photographs.npz") as kept:
        assert (kept["sizes"].tolist(), str(kept["split"])) == ([list(size) for size in sizes], "photographs")
        np.testing.assert_array_equal(kept["pixels"], np.concatenate([image.reshape(-1, 1) for image in images[:2]]))
        np.testing.assert_array_equal(kept["labels"], labels)


def test_without_photographs_there_is_no_file_of_them(tmp_path):
    crops = Split(np.zeros((2, 4, 6, 1), np.uint8), np.zeros((2, 2), np.int32))
    samples.write_samples(tmp_path, Dataset("some", "", ("0", "1"), None, crops, crops, crops))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calibration.npz", "test.npz", "validation.npz"]
