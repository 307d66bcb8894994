"""The labels of images: from a file, or from the images' names.

A file of labels is `annotations.json` as training takes it, a list of {"file": "1.png", "label": 7}, or an object
{"1.png": 7}. A label is a number, a name, or a list of digits, empty where there is nothing to read. Without such a
file, names as `00012_7.png` tell it.
"""

import json
import re
from pathlib import Path

from edge.errors import UserError, one_line

FILES = ("annotations.json", "labels.json")
NAME_WITH_LABEL = re.compile(r"\d{5}_(.+)")  # as train.data.write_images writes them


def find_labels(paths, file=None) -> tuple[dict, str | None]:
    """Returns the labels of images, path -> text as a runner predicts it, and where they are from.

    Images without a label are left out; none has one, and the second is None, where nothing tells any.

    Args:
        paths: of the images.
        file: of labels; where None, one of `FILES` beside the images is looked for, then their names.

    Raises:
        UserError: the file cannot be read or is no file of labels, or it was named and tells no image's label.
    """
    source = file or next((at for at in (Path(paths[0]).parent / name for name in FILES) if at.is_file()), None)
    if source is None:
        found = {path: match[1] for path in paths if (match := NAME_WITH_LABEL.fullmatch(Path(path).stem))}
        return (found, "file names") if len(found) == len(paths) else ({}, None)
    by_name = read_labels(source)
    found = {path: label for path in paths if (label := _label(Path(path), by_name)) is not None}
    if file and not found:
        raise UserError(f"{file} has a label of none of the {len(paths)} images ({paths[0]}...); name its images")
    return found, str(source) if found else None


def _label(path: Path, by_name: dict) -> str | None:
    """Returns the label of the longest end of a path that has one."""
    ends = ("/".join(path.parts[start:]) for start in range(len(path.parts)))
    return next((by_name[end] for end in ends if end in by_name), None)


def read_labels(file) -> dict[str, str]:
    """Returns what a file of labels tells: file name -> label; UserError where it is not one."""
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{file} cannot be read as JSON: {one_line(error)}; name a file of labels") from None
    if isinstance(content, list) and all(isinstance(entry, dict) for entry in content):
        content = {entry.get("file"): entry.get("label") for entry in content}
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise UserError(
            f'{file} must be a list of {{"file": "1.png", "label": 7}} or an object {{"1.png": 7}}, '
            f"received {str(content)[:60]}; write it so"
        )
    return {name.removeprefix("./"): _text(label, name, file) for name, label in content.items()}


def _text(label, name, file) -> str:
    parts = label if isinstance(label, list) else [label]
    if not all(isinstance(part, int | str) and not isinstance(part, bool) for part in parts):
        raise UserError(
            f"the label of {name} in {file} must be a number, a name or a list of digits, received {label!r}; mend it"
        )
    return "".join(map(str, parts))
