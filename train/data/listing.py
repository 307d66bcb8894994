"""Lists of images other than annotations.json: a CSV file with labels, or a folder for each class.

A CSV file `labels.csv` has the columns `file` and `label`, and may have `split` and `group`. Folders are named as the
classes; they may lie in folders that are named as the splits: `train/red/1.png`.
"""

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from train.data.files_of import plain_name
from train.errors import UserError
from train.plain_files import reason, text_of

CSV = "labels.csv"
COLUMNS = ("file", "label", "split", "group")
SPLIT_FOLDERS = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
}
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
MOST_FILES = 2_000_000


def listed(path: Path, read: Callable[[str], bytes]) -> list[dict] | None:
    """Returns the entries of a folder or zip without annotations.json; None where it lists no images either.

    Each has `file`, relative to `path`, `label`, and `split` and `group` where they are told.

    Args:
        read: name -> bytes, of names relative to `path`.

    Raises:
        UserError: the CSV file is wrong.
    """
    names = files_in(path)
    prefix = _common_folder(names)
    if f"{prefix}{CSV}" in names:
        try:
            data = read(f"{prefix}{CSV}")
        except (OSError, ValueError) as error:
            raise UserError(f"{CSV} in {path} can't be read: {reason(error)}") from error
        return _of_csv(data, prefix, path)
    return _of_folders(names, prefix) or None


def files_in(path: Path) -> list[str]:
    """Returns the names of all files in a folder or zip, relative to it, sorted; hidden ones are left out."""
    if path.is_dir():
        names = (file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    else:
        with zipfile.ZipFile(path) as archive:
            names = [plain_name(name) for name in archive.namelist() if not name.endswith(("/", "\\"))]
    names = sorted(name for name in names if not any(_is_hidden(part) for part in name.split("/")))
    if len(names) > MOST_FILES:
        raise UserError(f"{path} holds {len(names)} files, more than {MOST_FILES:,}; name a folder of images alone")
    return names


def _is_hidden(part: str) -> bool:
    return part.startswith((".", "__MACOSX")) or part == "Thumbs.db"


def _common_folder(names: list[str]) -> str:
    """Returns 'folder/' where all lies in one folder that itself holds folders or the CSV file; else nothing."""
    first = {name.split("/")[0] for name in names}
    if len(first) != 1 or any("/" not in name for name in names):
        return ""
    prefix = f"{first.pop()}/"
    return prefix if f"{prefix}{CSV}" in names or any(name.count("/") > 1 for name in names) else ""


def _of_csv(data: bytes, prefix: str, path: Path) -> list[dict]:
    where = f"{CSV} in {path}"
    try:
        text = text_of(data)
    except UnicodeDecodeError as error:
        raise UserError(f"{where} is not UTF-8 text: {error}; save it as UTF-8") from error
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    try:
        columns = [str(name).strip().lower() for name in reader.fieldnames or ()]
        rows = [dict(zip(columns, row.values())) for row in reader]
    except csv.Error as error:
        raise UserError(f"{where} can't be read: {error}") from error
    if not {"file", "label"} <= set(columns):
        raise UserError(
            f"{where} must begin with the line file,label or file,label,split. Received: {head.strip()[:80]!r}"
        )
    entries = []
    for number, row in enumerate(rows, start=2):
        values = {name: (row.get(name) or "").strip() for name in COLUMNS}
        if not values["file"] or not values["label"]:
            raise UserError(f"{where}, line {number}: a file and its label are needed. Received: {row}")
        entries.append({"file": prefix + values.pop("file")} | {name: value for name, value in values.items() if value})
    return entries


def _of_folders(names: list[str], prefix: str) -> list[dict]:
    """Returns an entry for every image that lies in the folder of a class."""
    entries = []
    for name in names:
        folders = PurePosixPath(name.removeprefix(prefix)).parts[:-1]
        if not folders or not name.lower().endswith(SUFFIXES):
            continue
        entry = {"file": name, "label": folders[0]}
        if folders[0].lower() in SPLIT_FOLDERS and len(folders) > 1:
            entry = {"file": name, "label": folders[1], "split": SPLIT_FOLDERS[folders[0].lower()]}
        entries.append(entry)
    return entries
