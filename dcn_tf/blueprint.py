"""An architecture as it is written down: a preset or a file, what is changed in it, and what the data shall decide.

A file is YAML or JSON and holds what `Architecture.to_dict` gives. It may begin from a preset, `preset: NAME`, and then
holds what differs. `channels` and, of a classifier's top, `classes` may be left out: they follow the data.
"""

import copy
import json
from dataclasses import dataclass

from dcn_tf.architecture import CLASSIFICATION, Architecture
from dcn_tf.presets import preset
from dcn_tf.stack_lists import lists

WORDS = {"None": None, "none": None, "True": True, "False": False}  # as Python has them; JSON has others
MOST_VALUES = 100_000  # in a file: a few aliases of YAML could say more than memory holds
ASSUMED = {"channels": 3, "classes": 10}  # until the data says it


@dataclass(frozen=True)
class Blueprint:
    """A description of a network, of which the data may decide a part.

    Attributes:
        description: as of `Architecture.to_dict`, with assumed values where the data decides.
        open: which of 'channels' and 'classes' the data decides.
    """

    description: dict
    open: tuple[str, ...] = ()

    def architecture(self, channels: int | None = None, classes: int | None = None) -> Architecture:
        """Returns the architecture, with `channels` and `classes` where open; ValueError where it can't work."""
        description = copy.deepcopy(self.description)
        if channels is not None and "channels" in self.open:
            description["channels"] = channels
        if classes is not None and "classes" in self.open:
            description["top"]["classes"] = classes
        return Architecture.from_dict(description)


def of_preset(name: str, changes=()) -> Blueprint:
    """Returns the blueprint of a preset; a classifier's channels and classes follow the data where nobody says them."""
    description = preset(name).to_dict()
    open_ = ("channels", "classes") if description["top"]["kind"] == CLASSIFICATION else ()
    return changed(Blueprint(description, open_), changes)


def of_text(text: str, name: str, changes=()) -> Blueprint:
    """Returns the blueprint of YAML or JSON, `name` where it has none; ValueError where it describes no network."""
    written = _parsed(text)
    if not _is_short(written):
        raise ValueError(f"it must hold at most {MOST_VALUES:,} values, those of aliases counted wherever they stand")
    if not isinstance(written, dict):
        raise ValueError(
            f"it must hold an object with the fields of an architecture. Received: {type(written).__name__}"
        )
    written = lists(written)
    if not isinstance(written.get("top", {}), dict):
        raise ValueError(f"top must be an object. Received: {written['top']!r}")
    base = preset(written.pop("preset")).to_dict() if "preset" in written else {}
    if base.get("top") and written.get("top"):
        written["top"] = base["top"] | written["top"]
    if "image_size" in written:
        _free_train_size(base)
    description = base | {"name": name} | written
    top = description.get("top", {})
    open_ = [field for field in ("channels",) if field not in written]
    if top.get("kind") == CLASSIFICATION and "classes" not in written.get("top", {}):
        open_.append("classes")
    if "channels" in open_:
        description.setdefault("channels", ASSUMED["channels"])
    if "classes" in open_:
        top.setdefault("classes", ASSUMED["classes"])
    if top.get("kind") != CLASSIFICATION and "channels" in open_ and not base:
        description["channels"], open_ = 1, []  # numbers are read in grey images
    return changed(Blueprint(description, tuple(open_)), changes)


def changed(blueprint: Blueprint, changes) -> Blueprint:
    """Returns a blueprint with some fields changed.

    Args:
        changes: 'path=value' each: `coarse.0.filters=24`, `image_size=64,96`, `top.classes=12`. A number in a path
            counts the layers of a stack from 0; a value is JSON, numbers joined by commas, or a word.

    Raises:
        ValueError: there is no such field, or the change is not of this form.
    """
    description, open_ = copy.deepcopy(blueprint.description), list(blueprint.open)
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not path.strip():
            raise ValueError(f"a change is PATH=VALUE, such as coarse.0.filters=24. Received: {change!r}")
        *parents, last = path.strip().split(".")
        place = description
        for part in parents:
            place = _inside(place, part, path)
        _inside(place, last, path)
        if path.strip() == "image_size":
            _free_train_size(description)
        place[int(last) if isinstance(place, list) else last] = _value(text.strip())
        if path.strip() in ("channels", "top.classes") and last in open_:
            open_.remove(last)
    return Blueprint(description, tuple(open_))


def _free_train_size(description: dict):
    """Lets training windows follow the image's size where they are whole images."""
    if description.get("train_size") == description.get("image_size"):
        description["train_size"] = None


def _inside(place, part: str, path: str):
    """Returns what a part of a path leads to."""
    if isinstance(place, list) and part.isdecimal() and int(part) < len(place):
        return place[int(part)]
    if isinstance(place, dict) and part in place:
        return place[part]
    if isinstance(place, list):
        raise ValueError(f"{path!r}: {part!r} must be a number from 0 to {len(place) - 1}")
    known = f"there are {', '.join(place)}" if isinstance(place, dict) else "there is nothing in it"
    raise ValueError(f"{path!r}: there is no {part!r}; {known}")


def _value(text: str):
    for candidate in (text, f"[{text}]" if "," in text else text):
        try:
            return json.loads(candidate)
        except ValueError:
            continue
    return WORDS.get(text, text)


def _is_short(written) -> bool:
    """Returns whether at most `MOST_VALUES` are in what was written; one that holds itself has no end."""
    left, count = [written], 0
    while left and count + len(left) <= MOST_VALUES:
        value = left.pop()
        count += 1
        if isinstance(value, dict | list):
            left += value.values() if isinstance(value, dict) else value
    return not left


def _parsed(text: str):
    """Returns what YAML or JSON says."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it nests too deeply") from None
    except ValueError:
        pass
    try:
        import yaml
    except ImportError:
        raise ValueError("it is no JSON, and YAML needs a package: pip install pyyaml") from None
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ValueError(f"it is neither JSON nor YAML: {' '.join(str(error).split())[:160]}") from None
