"""The list of a data set's images, their labels and their splits, checked: `annotations.json`, or `listing`'s."""

import hashlib
import json
import posixpath
import re
import zlib
from collections import defaultdict
from pathlib import Path

from train.data.files_of import opened
from train.data.listing import CSV, listed
from train.errors import UserError
from train.plain_files import reason, text_of

SPLITS = ("train", "validation", "test")
ANNOTATIONS = "annotations.json"
MOST_BYTES = 2**26  # of annotations.json: some hundred thousand images
NAMED = 20  # mistakes of one kind that a message names


def annotations(path: Path, sequences: bool = True, flag: str = "--data_dir"):
    """Returns a reader (name -> bytes) of a folder or zip, and its checked annotations with all that they hold.

    Each has `file`, `label`, a list, `split`, and `original`: the first file of the list that holds the same bytes.
    A split that is not told is that of the entry's `group`, such as photographs of one thing, or of an equal file; else
    the names decide. Where no entry tells a split, every split has an image at least. What is wrong with the data set
    as a whole is told by `contradictions`.

    Args:
        sequences: labels are numbers: 210, "210" and [2, 1, 0] are the digits 2, 1, 0.

    Raises:
        UserError: something is missing or wrong.
    """
    read = opened(path, ANNOTATIONS, flag)
    entries = _entries(read, path)
    for i, entry in enumerate(entries):
        _check(entry, f"{ANNOTATIONS} in {path}, entry {i}")
        entry["label"] = as_list(entry["label"], sequences)
    _find_originals(entries, read)
    _give_splits(entries, path)
    return read, entries


def as_list(label, sequences: bool) -> list:
    """Returns a label as a list: of its digits where labels are numbers, else of the label alone.

    What is no number is left as it is, for the data set to say that. A name that is a plain number, "7", is 7.
    """
    parts = label if isinstance(label, list) else [label]
    if sequences and not isinstance(label, list) and re.fullmatch("[0-9]+", str(label)):
        return [int(digit) for digit in str(label)]
    return [int(part) if re.fullmatch("0|[1-9][0-9]{0,17}", str(part)) else part for part in parts]


def contradictions(entries: list[dict]) -> dict[str, str]:
    """Returns which files, equal ones or groups have several labels or splits: file -> what is wrong."""
    listed = defaultdict(list)
    for entry in entries:
        listed[entry["original"]].append(entry)
    found = {}
    for group in filter(lambda group: len(group) > 1, listed.values()):
        mistake = differences(group)
        if mistake:
            found |= {entry["file"]: _equals(entry, group) + mistake for entry in group}
    return _torn_groups(entries) | found


def _torn_groups(entries: list[dict]) -> dict[str, str]:
    """Returns which files are of a group that has several splits: file -> what is wrong."""
    splits = defaultdict(set)
    for entry in entries:
        splits[_group(entry)].add(entry["split"])
    return {
        entry["file"]: f"is of the group {_in_words(_group(entry))}, which is in {' and '.join(sorted(split))}"
        for entry in entries
        if _group(entry) is not None and len(split := splits[_group(entry)]) > 1
    }


def differences(group: list[dict]) -> str | None:
    """Returns which labels, or else splits, entries of one image have, in words; None where they have the same."""
    for key in ("label", "split"):
        values = list(dict.fromkeys(_in_words(entry[key]) for entry in group))
        if len(values) > 1:
            return f"has the {key}s {' and '.join(values[:3])}"
    return None


def _equals(entry: dict, group: list[dict]) -> str:
    other = next((one["file"] for one in group if _plain(one["file"]) != _plain(entry["file"])), None)
    return "" if other is None else f"is the same image as {other}, which "


def _in_words(value) -> str:
    parts = value if isinstance(value, list) else [value]
    return repr("".join(map(str, parts))[:30])


def shown(value, most: int = 80) -> str:
    """Returns a value of a JSON file as a message shows it."""
    try:
        return repr(value)[:most]
    except RecursionError:
        return f"{type(value).__name__} in too many others"


def named(mistakes: list[str]) -> str:
    """Returns the first mistakes, joined, and how many there are besides."""
    more = len(mistakes) - NAMED
    return ", ".join(mistakes[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _entries(read, path: Path) -> list[dict]:
    """Returns copies of the objects in the list that the file holds."""
    try:
        data = read(ANNOTATIONS)
        if len(data) > MOST_BYTES:
            raise ValueError(f"it holds more than {MOST_BYTES / 1e6:.0f} MB, the most that is read")
        entries = json.loads(text_of(data), object_pairs_hook=_object)
    except FileNotFoundError as error:
        entries = listed(path, read)
        if entries is None:
            raise UserError(
                f"{path} holds no {ANNOTATIONS}, no {CSV} and no folder of images for each class; see docs/your_data.md"
            ) from error
    except RecursionError as error:
        raise UserError(f"{ANNOTATIONS} in {path} is not readable JSON: lists within too many lists") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{ANNOTATIONS} in {path} is not readable JSON: {reason(error)}") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{ANNOTATIONS} in {path} can't be read: {reason(error)}") from error
    if not isinstance(entries, list) or not entries:
        raise UserError(
            f"{ANNOTATIONS} in {path} must be a list of objects. Received: {type(entries).__name__}, empty or no list"
        )
    return [dict(entry) if isinstance(entry, dict) else entry for entry in entries]


def _object(pairs) -> dict:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{max(names, key=names.count)[:80]!r} is there twice in one object")
    return fields


def _check(entry, where: str):
    """Raises UserError where an entry is not what it should be."""
    if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
        raise UserError(f"{where}: an object with 'file' and 'label' is needed. Received: {shown(entry)}")
    label = entry.setdefault("label", None)
    parts = label if isinstance(label, list) else [label]
    if not parts or any(isinstance(part, bool) or not isinstance(part, int | str) or part == "" for part in parts):
        raise UserError(
            f"{where} ({shown(entry['file'])[1:-1]}): 'label' must be a number, a name or a list of digits. "
            f"Received: {shown(label)}"
        )
    for text in (entry["file"], *(part for part in parts if isinstance(part, str))):
        if any(0xD800 <= ord(character) <= 0xDFFF or character == "\0" for character in text):
            raise UserError(
                f"{where}: a name must be text. Received: {ascii(text)[:80]}, which holds half a character or none"
            )
    if (entry.get("split") or "train") not in SPLITS:
        raise UserError(
            f"{where} ({entry['file']}): 'split' must be one of {', '.join(SPLITS)}. Received: {shown(entry['split'])}"
        )
    group = entry.get("group")
    if group is not None and (isinstance(group, bool) or not isinstance(group, int | str)):
        raise UserError(f"{where} ({entry['file']}): 'group' must be a name or a number. Received: {shown(group)}")
    if entry.get("boxes") and not _are_boxes(entry["boxes"]):
        raise UserError(
            f"{where} ({entry['file']}): 'boxes' must be a list of objects with the numbers left, top, width and "
            f"height, the last two above 0. Received: {shown(entry['boxes'])}"
        )


def _find_originals(entries: list[dict], read):
    """Notes for each entry which file was the first to hold the same bytes: itself where it can't be read."""
    first = {}
    for entry in entries:
        try:
            content = hashlib.sha256(read(entry["file"])).digest()
        except (OSError, ValueError):  # told when the image is wanted
            content = _plain(entry["file"])
        entry["original"] = first.setdefault(content, entry["file"])


def _plain(file: str) -> str:
    return posixpath.normpath(file.replace("\\", "/"))


def _are_boxes(boxes) -> bool:
    if not isinstance(boxes, list):
        return False
    for box in boxes:
        sides = [box.get(key) for key in ("left", "top", "width", "height")] if isinstance(box, dict) else [None]
        if not all(isinstance(side, int | float) and abs(side) < 1e9 for side in sides) or min(sides[2:]) <= 0:
            return False
    return True


def _give_splits(entries: list[dict], path: Path):
    """Gives each entry a split that has none: that of its group or of an equal file, where it is told; else by name.

    By their names' checksums a tenth becomes validation and a tenth test. Where that leaves a split without an image
    although nobody chose that, it is given the next in order of the checksums, from the training images.
    """
    units = _units(entries)
    told = {unit: entry["split"] for unit, entry in zip(units, entries) if entry.get("split")}
    keys = {unit: zlib.crc32(unit.encode()) for unit in units if unit not in told}
    by_name = {unit: {0: "validation", 1: "test"}.get(key % 10, "train") for unit, key in keys.items()}
    if not told:
        if len(keys) < len(SPLITS):
            of_what = "groups" if any(_group(entry) is not None for entry in entries) else "images"
            raise UserError(
                f"{path}: too few: {len(keys)}; {len(SPLITS)} {of_what} are the least, one for each of "
                f"{', '.join(SPLITS)}"
            )
        for split in SPLITS:
            if split not in by_name.values():
                most = max(SPLITS, key=list(by_name.values()).count)
                by_name[min((keys[unit], unit) for unit in keys if by_name[unit] == most)[1]] = split
    splits = told | by_name
    for unit, entry in zip(units, entries):
        entry["split"] = entry.get("split") or splits[unit]


def _units(entries: list[dict]) -> list[str]:
    """Returns for each entry the name of what must be in one split: a group, or a file with those that equal it."""
    groups = {entry["original"]: _group(entry) for entry in reversed(entries) if _group(entry) is not None}
    return [_group(entry) or groups.get(entry["original"], entry["original"]) for entry in entries]


def _group(entry: dict) -> str | None:
    group = entry.get("group")
    return None if group in (None, "") else str(group)
