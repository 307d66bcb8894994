"""The content of a manifest's file: read strictly, checked, and written.

`manifest.schema.json` says what it must hold, and the checks here what a schema cannot say.
"""

import functools
import json
import math
from pathlib import Path

from edge.bundle import checksum
from edge.bundle.schema import first_error
from edge.bundle.tasks import TASKS
from edge.errors import UserError, one_line
from edge.files import fields_once

FORMAT_VERSION = 5
READABLE_VERSIONS = (3, 4, 5)
MOST_PATCHES = 32  # of an image of any size
OF_LEVELS = ("reading_threshold", "vote_lead", "patches_apart")  # null or absent in manifests without levels
MOST_PIXELS = 2**23  # of an input with all that patches reach beyond it
MOST_PATCH_PIXELS = 2**25  # of the patches of all cells
COLOURS = {"BT709": 1, "L": 1, "RGB": 3}  # and their channels; of those with as many, exporters take the first
SCHEMA_FILE = Path(__file__).with_name("manifest.schema.json")
EXPORT_AGAIN = "export the bundle again with tools.quantize"


@functools.cache
def schema() -> dict:
    """Returns the JSON Schema of manifests."""
    return json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


def parse_content(file: bytes, vouched: bool = False) -> dict:
    """Returns the content of a manifest's file, checked, without its checksum.

    Stricter than `json.loads`: no field twice, no NaN, no Infinity, no number that a float cannot hold.

    Args:
        vouched: somebody changed it, and says that it is right as it is: its checksum is not looked at.

    Raises:
        UserError: it is not JSON, or not as it was written, see `edge.bundle.checksum`, or see `check_content`.
    """
    try:
        text = file.decode("utf-8-sig")
        content = json.loads(text, object_pairs_hook=fields_once, parse_float=_number, parse_constant=_number)
        json.dumps(content, ensure_ascii=False).encode()  # fails on half a character, which nothing can print
    except (ValueError, RecursionError) as error:  # text that is not UTF-8 is a ValueError too
        raise UserError(f"manifest.json is not JSON: {one_line(error)}; copy or {EXPORT_AGAIN}") from None
    if isinstance(content, dict):
        if not vouched:
            checksum.check(file, content)
        content.pop("checksum", None)
    check_content(content)
    return content


def _number(text: str) -> int | float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return int(value) if value.is_integer() else value  # 2.0 is an integer to JSON Schema, and becomes one


def format_content(content: dict) -> bytes:
    """Returns the file that holds a manifest, with its checksum; UserError where it holds what JSON cannot."""
    try:
        return checksum.with_checksum(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False).encode())
    except ValueError as error:  # NaN or an infinity; half a character
        raise UserError(
            f"the manifest cannot be written: {one_line(error)}; look through the training's result"
        ) from None


def check_content(content) -> None:
    """Raises UserError where a manifest is of another version, breaks the schema, or contradicts itself."""
    version = content.get("format_version") if isinstance(content, dict) else None
    if type(version) is int and version not in READABLE_VERSIONS:
        advice = "update this program" if version > FORMAT_VERSION else EXPORT_AGAIN
        readable = ", ".join(map(str, READABLE_VERSIONS))
        raise UserError(f"the bundle has format version {version} and this program reads {readable}; {advice}")
    error = first_error(content, schema(), "manifest")
    if error:
        raise UserError(f"{error}; {EXPORT_AGAIN}")
    _check_consistency(content)


def _check_consistency(content):
    image, heads, levels = content["input"], content["heads"], content.get("levels")
    most, cells = (
        (MOST_PATCHES, MOST_PATCHES) if levels else (math.prod(content["cells"]["map"]), "the number of cells")
    )
    missing = [name for name in content["models"] if f"{name}.tflite" not in content["files"]]
    rules = (
        *TASKS[content["task"]].rules(content),
        (len(set(content["labels"])) == len(content["labels"]), "labels must differ from each other"),
        (all(i < len(heads) for i in content["saliency_heads"]), "saliency_heads must be indices of heads"),
        (_patches_touch_the_image(content), "every patch must touch the image"),
        (_reach(content) <= MOST_PIXELS, f"an input with what patches reach must have at most {MOST_PIXELS:,} pixels"),
        (
            most * math.prod(content["patch"]["size"]) <= MOST_PATCH_PIXELS,
            f"the patches of all cells must have at most {MOST_PATCH_PIXELS:,} pixels",
        ),
        (content["num_patches"] <= most, f"num_patches must be 1 to {cells}"),
        ((image["resize"] == "keep") == bool(levels), "input.resize must be keep with levels, and with them alone"),
        (
            bool(levels) or all(content.get(name) is None for name in OF_LEVELS),
            f"{', '.join(OF_LEVELS)} must be there with levels alone",
        ),
        (COLOURS[image["colour"]] == image["channels"], "input.channels must be those of input.colour"),
        (not missing, f"files must hold every model, and {', '.join(missing)} is missing"),
    )
    for holds, rule in rules:
        if not holds:
            raise UserError(f"the manifest contradicts itself: {rule}; {EXPORT_AGAIN}")


def _patches_touch_the_image(content) -> bool:
    patch, cells = content["patch"], content["cells"]
    sides = zip(content["input"]["size"], patch["size"], patch["origin"], cells["map"], cells["stride"])
    return all(-size < first and first + (count - 1) * step < n for n, size, first, count, step in sides)


def _reach(content) -> int:
    """Returns the pixels of an input with as much around it as patches can reach."""
    return math.prod(n + 2 * size for n, size in zip(content["input"]["size"], content["patch"]["size"]))
