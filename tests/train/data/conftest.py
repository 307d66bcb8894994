import pytest
from file_server import serving
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
