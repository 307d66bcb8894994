import io
import json
import zipfile

import numpy as np
import pytest
from file_server import serving
from PIL import Image
from tiny_svhn import packed, published, write_folder

from train.data.svhn_format1 import sources

LABELS = {
    "train": [[i % 10, (i * 7) % 10][: 1 + i % 2] for i in range(24)] + [[1, 2, 3, 4, 5, 6]],
    "test": [[9], [0, 1], [2, 3, 4], [6, 5, 4, 3, 2, 1]],
    "extra": [[i % 10] for i in range(6)],
}


@pytest.fixture
def labels():
    """Returns the numbers of a small SVHN, by split."""
    return LABELS


@pytest.fixture(scope="session")
def tiny_svhn(tmp_path_factory):
    """Returns a folder with train/, test/ and extra/; not to be changed."""
    folder = tmp_path_factory.mktemp("svhn")
    for split, numbers in LABELS.items():
        write_folder(folder / split, numbers)
    return folder


@pytest.fixture(scope="session")
def tiny_archives(tiny_svhn):
    """Returns {split: bytes of its .tar.gz}."""
    return {split: packed(tiny_svhn / split) for split in LABELS}


@pytest.fixture
def site(tiny_archives, monkeypatch):
    """Yields a server that stands in for SVHN's, with small archives under the published names."""
    monkeypatch.setattr(sources, "ARCHIVES", {split: published(data) for split, data in tiny_archives.items()})
    with serving() as server:
        server.files |= {f"/{split}.tar.gz": data for split, data in tiny_archives.items()}
        monkeypatch.setattr(sources, "URL", server.url)
        yield server


@pytest.fixture
def placed_numbers(tmp_path):
    """Returns the path of a zip of five pictures, which tells where in their photographs they lay."""
    rng, entries, path = np.random.default_rng(0), [], tmp_path / "placed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(5):
            buffer = io.BytesIO()
            Image.fromarray(rng.integers(256, size=(20, 24), dtype=np.uint8)).save(buffer, "PNG")
            archive.writestr(f"{i}.png", buffer.getvalue())
            place = {"frame_size": [120, 60], "frame_origin": [30 + i, 20], "scale": 1.0}
            boxes = [{"left": 6, "top": 1, "width": 12, "height": 18}]
            split = "test" if i == 4 else "train"
            entries.append({"file": f"{i}.png", "label": [i], "split": split, "boxes": boxes} | place)
        archive.writestr("annotations.json", json.dumps(entries))
    return path
