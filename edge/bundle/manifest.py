"""What a bundle's manifest must hold: `manifest.schema.json` says it, and the checks here say what a schema cannot."""

import functools
import json
import math
from pathlib import Path

from edge.bundle.schema import first_error
from edge.errors import UserError, one_line

FORMAT_VERSION = 3
CLASSIFICATION, SEQUENCE = "classification", "sequence"
COLOURS = {"L": 1, "RGB": 3}
SCHEMA_FILE = Path(__file__).with_name("manifest.schema.json")
EXPORT_AGAIN = "export the bundle again with tools.quantize"


@functools.cache
def schema() -> dict:
    """Returns the JSON Schema of manifests."""
    return json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


def parse_manifest(content: bytes) -> dict:
    """Returns the manifest that a file holds, checked.

    Stricter than `json.loads`: no field twice, no NaN, no Infinity, no number that a float cannot hold.

    Raises:
        UserError: it is not JSON, or see `check_manifest`.
    """
    try:
        text = content.decode("utf-8")
        manifest = json.loads(text, object_pairs_hook=_object, parse_float=_number, parse_constant=_number)
        json.dumps(manifest, ensure_ascii=False).encode()  # fails on half a character, which nothing can print
    except (ValueError, RecursionError) as error:  # text that is not UTF-8 is a ValueError too
        raise UserError(f"manifest.json is not JSON: {one_line(error)}; copy or {EXPORT_AGAIN}") from None
    check_manifest(manifest)
    return manifest


def _object(pairs) -> dict:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the field {max(names, key=names.count)!r} is there twice")
    return fields


def _number(text: str) -> int | float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return int(value) if value.is_integer() else value  # 2.0 is an integer to JSON Schema, and becomes one


def format_manifest(manifest: dict) -> bytes:
    """Returns the file that holds a manifest; UserError where it holds what JSON cannot."""
    try:
        return (json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
    except ValueError as error:  # NaN or an infinity; half a character
        raise UserError(
            f"the manifest cannot be written: {one_line(error)}; look through the training's result"
        ) from None


def check_manifest(manifest) -> None:
    """Raises UserError where a manifest is of another version, breaks the schema, or contradicts itself."""
    version = manifest.get("format_version") if isinstance(manifest, dict) else None
    if type(version) is int and version != FORMAT_VERSION:
        advice = "update this program" if version > FORMAT_VERSION else EXPORT_AGAIN
        raise UserError(f"the bundle has format version {version} and this program reads {FORMAT_VERSION}; {advice}")
    error = first_error(manifest, schema(), "manifest")
    if error:
        raise UserError(f"{error}; {EXPORT_AGAIN}")
    _check_consistency(manifest)


def _check_consistency(manifest):
    classification = manifest["task"] == CLASSIFICATION
    map_height, map_width = manifest["cells"]["map"]
    image, names = manifest["input"], manifest["labels"]
    length, symbols = manifest["max_length"] or 0, len(names)
    heads = [symbols] if classification else [length] + [symbols + 1] * length
    missing = [name for name in manifest["models"] if f"{name}.tflite" not in manifest["files"]]
    demands = (
        (classification == (manifest["max_length"] is None), "max_length must be there for sequences, and them alone"),
        (manifest["heads"] == heads, "heads must follow from labels and max_length"),
        (all(i < len(heads) for i in manifest["saliency_heads"]), "saliency_heads must be indices of heads"),
        (_patches_touch_the_image(manifest), "every patch must touch the image"),
        (manifest["num_patches"] <= map_height * map_width, "num_patches must be 1 to the number of cells"),
        (COLOURS[image["colour"]] == image["channels"], "input.channels must be those of input.colour"),
        (manifest["refined"] == ("swap" if classification else "pool"), "refined must be the task's own"),
        (manifest["convolution" if classification else "pooling"] is not None, "the top's description must be there"),
        (not missing, f"files must hold every model, and {', '.join(missing)} is missing"),
    )
    for holds, rule in demands:
        if not holds:
            raise UserError(f"the manifest contradicts itself: {rule}; {EXPORT_AGAIN}")


def _patches_touch_the_image(manifest) -> bool:
    patch, cells = manifest["patch"], manifest["cells"]
    sides = zip(manifest["input"]["size"], patch["size"], patch["origin"], cells["map"], cells["stride"])
    return all(-size < first and first + (count - 1) * step < n for n, size, first, count, step in sides)
