"""The places of SVHN's photographs: archives or unpacked folders, found on disk or fetched."""

import gzip
import hashlib
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from shutil import copyfileobj

from train import files
from train.data.svhn_format1.digit_struct import DigitStruct, read_digit_struct
from train.data.svhn_format1.download import fetch
from train.errors import UserError
from train.plain_files import read_plain, reason
from train.progress import Progress, log

URL = "http://ufldl.stanford.edu/housenumbers/"
CACHE = Path.home() / ".cache" / "dcn_tf" / "svhn"
ANNOTATION = "digitStruct.mat"


@dataclass(frozen=True)
class Archive:
    """A published archive: its size in bytes and its checksum."""

    size: int
    sha256: str


# As Hugging Face's `datasets` recorded them for "svhn/full_numbers"; docTR has the same for train and test.
ARCHIVES = {
    "train": Archive(404141560, "4b17bb33b6cd8f963493168f80143da956f28ec406cc12f8e5745a9f91a51898"),
    "test": Archive(276555967, "57ac9ceb530e4aa85b55d991be8fc49c695b3d71c6f6a88afea86549efde7fb5"),
    "extra": Archive(1955489752, "e857e27d1e65bd1e7d3959b094061777f6506bbc39889a0df3bba6a729d60f9c"),
}


@dataclass(frozen=True)
class Source:
    """Where the photographs of one split lie: an archive, or a folder with them and digitStruct.mat."""

    split: str
    path: Path

    @property
    def identity(self) -> str:
        """What changes when the photographs change: the archive's published checksum, or the folder's listing."""
        if not self.path.is_dir():
            return ARCHIVES[self.split].sha256
        with os.scandir(self.path) as entries:
            states = sorted((entry.name, entry.stat()) for entry in entries)
        listing = [(name, state.st_size, state.st_mtime_ns) for name, state in states]
        return hashlib.sha256(repr(listing).encode()).hexdigest()

    def annotation(self) -> DigitStruct:
        """Returns what digitStruct.mat says; UserError for a missing or damaged one, or a wrong archive."""
        if self.path.is_dir():
            return read_digit_struct(self.path / ANNOTATION)
        self._check_archive()
        log.info("looking for %s in %s", ANNOTATION, self.path)
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder, _readable(self.path):
            copy = Path(folder) / ANNOTATION
            for name, file in self._members():
                if name == ANNOTATION:
                    with open(copy, "wb") as out:
                        copyfileobj(file, out)
                    return read_digit_struct(copy)
        raise UserError(f"{self.path} holds no {ANNOTATION}; fetch {URL}{self.split}.tar.gz again")

    def photographs(self, names: list[str]) -> Iterator[tuple[str, bytes]]:
        """Yields (file name, PNG) of `names` as they are stored; UserError where some are missing or damaged."""
        missing = set(names)
        progress = Progress(f"reading {self.path.name}", len(names), "photographs")
        if self.path.is_dir():
            missing -= set(os.listdir(self.path))
            if not missing:
                for name in names:
                    yield name, self._plain(name)
                    progress.advance(1)
        else:
            with _readable(self.path):
                for name, file in self._members():
                    if name in missing:
                        missing.remove(name)
                        yield name, file.read()
                        progress.advance(1)
        if missing:
            raise UserError(
                f"{self.path}: {len(missing)} of the {len(names)} photographs that {ANNOTATION} names are missing, "
                f"{min(missing)} among them; unpack or fetch {URL}{self.split}.tar.gz again"
            )

    def _plain(self, name: str) -> bytes:
        try:
            return read_plain(self.path / name, within=self.path)
        except (OSError, ValueError) as error:
            raise UserError(
                f"{self.path / name} can't be read ({reason(error)}); unpack or fetch {URL}{self.split}.tar.gz again"
            ) from error

    def _check_archive(self):
        published, size = ARCHIVES[self.split], self.path.stat().st_size
        received = f"{size} bytes"
        if size == published.size:
            received = f"sha256 {files.sha256(self.path)}"
        if received != f"sha256 {published.sha256}":
            raise UserError(
                f"{self.path} is not SVHN's: {published.size} bytes, sha256 {published.sha256}. Received: {received}; "
                f"fetch {URL}{self.split}.tar.gz again, or remove it"
            )

    def _members(self) -> Iterator[tuple[str, object]]:
        """Yields (file name without folders, open file) of the archive's regular files; nothing is unpacked to disk."""
        with gzip.open(self.path) as plain, tarfile.open(fileobj=plain, mode="r|") as archive:
            for member in archive:
                if member.isfile():
                    yield PurePosixPath(member.name).name, archive.extractfile(member)


@contextmanager
def _readable(path: Path):
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path} can't be unpacked ({error}); fetch {URL}{path.name} again") from error


def find_source(split: str, data_dir: str | None) -> Source:
    """Returns where a split lies: in `data_dir`, else in the cache, else in the cache after it was fetched.

    In either folder `SPLIT/digitStruct.mat` with its photographs comes before `SPLIT.tar.gz`.

    Raises:
        UserError: `data_dir` does not exist, or holds photographs without digitStruct.mat.
        DataUnavailableError: nothing is there, and nothing can be fetched.
    """
    if data_dir is not None and not Path(data_dir).is_dir():
        raise UserError(
            f"--data_dir must be a folder for svhn. Received: {data_dir}; give one with train.tar.gz and test.tar.gz, "
            "or leave it out to fetch them"
        )
    for folder in filter(None, (data_dir and Path(data_dir), CACHE)):
        unpacked, archive = folder / split, folder / f"{split}.tar.gz"
        if (unpacked / ANNOTATION).is_file():
            return Source(split, unpacked)
        if archive.is_file():
            return Source(split, archive)
        if next(unpacked.glob("*.png"), None):
            raise UserError(f"{unpacked} holds photographs but no {ANNOTATION}; unpack {split}.tar.gz again")
    published, archive = ARCHIVES[split], CACHE / f"{split}.tar.gz"
    fetch(
        f"{URL}{split}.tar.gz",
        archive,
        published.size,
        published.sha256,
        remedy=f"get train.tar.gz and test.tar.gz (for --svhn_extra extra.tar.gz too) from {URL} another way, put them "
        "into a folder, as they are or unpacked, and give --data_dir=FOLDER",
    )
    return Source(split, archive)
