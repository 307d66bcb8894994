"""The labels of images: from a file, or from the images' names.

A file of labels is `annotations.json` as training takes it, a list of {"file": "1.png", "label": 7}, or an object
{"1.png": 7}. Files are named by their path from the folder that the file of labels lies in; where the images lie
elsewhere, from the folder that they lie in together. A label is a number, a name, or a list of digits, empty where
there is nothing to read: 210, "210" and [2, 1, 0] are the same. Without such a file, names as `00012_7.png` tell it.
"""

import functools
import os
import posixpath
import re
from pathlib import Path

from edge.errors import UserError
from edge.files import read_json

FILES = ("annotations.json", "labels.json")
NAME_WITH_LABEL = re.compile(r"\d{5}_(.+)")  # as train.data.write_images writes them


def find_labels(paths, file=None) -> tuple[dict, str | None]:
    """Returns the labels of images, path -> text as a runner predicts it, and where they are from.

    Images without a label are left out; none has one, and the second is None, where nothing tells any.

    Args:
        file: of labels; where None, one of `FILES` is looked for beside each image, and in the folders around it up to
            the one that all images lie in; then in the images' names.

    Raises:
        UserError: the file cannot be read or is no file of labels, or it was named and tells no image's label.
    """
    together = _folder_of_all(paths)
    read = functools.cache(read_labels)
    found, sources = {}, {}
    for path in paths:
        source = file or _beside(Path(os.path.abspath(path)), together)
        label = source and _label(path, read(source), Path(os.path.abspath(source)).parent, together)
        if label is not None:
            found[path] = label
            sources[str(source)] = None
    if file and not found:
        raise UserError(f"{file} has a label of none of the {len(paths)} images ({paths[0]}...); name its images")
    if not found:
        found = {path: match[1] for path in paths if (match := NAME_WITH_LABEL.fullmatch(Path(path).stem))}
        return (found, "file names") if len(found) == len(paths) else ({}, None)
    first, *others = sources
    return found, f"{first} and {len(others)} more" if others else first


def _folder_of_all(paths) -> Path:
    """Returns the innermost folder that all images lie in."""
    return Path(os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in paths]))


def _beside(path: Path, together: Path) -> Path | None:
    """Returns the file of labels that is nearest to an image."""
    folders = (folder for folder in path.parents if folder == together or together in folder.parents)
    return next((at for folder in folders for at in (folder / name for name in FILES) if at.is_file()), None)


def _label(path, by_name: dict, folder: Path, together: Path) -> str | None:
    """Returns the label of the longest end of a path that has one.

    Ends begin no deeper than below the labels' folder, or else the images' own: an image of the same name in another
    folder is another image.
    """
    path = Path(os.path.abspath(path))
    folder = folder if folder in path.parents else together
    ends = (str(Path(*path.parts[start:])) for start in range(len(folder.parts) + 1))
    return next((by_name[end] for end in ends if end in by_name), None)


def read_labels(file) -> dict[str, str]:
    """Returns what a file of labels tells: file name -> label; UserError where it is not one."""
    content = read_json(file, "name a file of labels")
    if isinstance(content, list) and all(isinstance(entry, dict) for entry in content):
        named = [(entry.get("file"), entry.get("label")) for entry in content]
    elif isinstance(content, dict):
        named = list(content.items())
    else:
        raise _no_labels(file, content)
    labels = {}
    for name, label in named:
        if not isinstance(name, str):
            raise _no_labels(file, {"file": name, "label": label})
        text, name = _text(label, name, file), posixpath.normpath(name)
        if labels.setdefault(name, text) != text:
            raise UserError(f"{file} has two labels for {name}, {labels[name]} and {text}; take one of them out")
    return labels


def _no_labels(file, received) -> UserError:
    return UserError(
        f'{file} must be a list of {{"file": "1.png", "label": 7}} or an object {{"1.png": 7}}, '
        f"received {str(received)[:60]}; write it so"
    )


def _text(label, name, file) -> str:
    parts = label if isinstance(label, list) else [label]
    digits = isinstance(label, list) and len(label) > 1  # 12 in a list would be read as two of them
    for part in parts:
        number = isinstance(part, int) and not isinstance(part, bool) and 0 <= part < (10 if digits else 10**9)
        if not number and not (isinstance(part, str) and part.strip()):
            raise UserError(
                f"the label of {name} in {file} must be a number, a name or a list of digits, received {label!r}; "
                "mend it"
            )
    return "".join(map(str, parts))
