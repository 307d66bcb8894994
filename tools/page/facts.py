"""Facts of a finished training, in words: its figures, its command, and whether its files agree."""

import hashlib
import math
import shlex

import numpy as np

from edge.errors import UserError, one_line
from tools.findings.house_number_tables import by_scales, labelled
from tools.findings.runs import inside
from tools.page.readings import Readings
from tools.workdir import AGAIN, Training

MODELS = {"dcn": "Dynamic Capacity Network", "coarse": "coarse model alone", "fine": "fine model alone"}
# What the page needs of a result.json, and of its config; every version writes it.
RESULT = {
    "dataset": str,
    "dataset_detail": str,
    "seed": int,
    "steps": int,
    "seconds": (int, float),
    "error": dict,
    "multiplications": dict,
    "validation_error": dict,
}
CONFIG = {"model": str, "preset": str, "batch_size": int, "workdir": str}
Z = 1.96  # standard deviations to either side that hold 95 % of a normal distribution


def check_format(training: Training) -> None:
    """Raises UserError where `result.json` is not what a training writes, as far as the page needs it."""
    try:
        wrong = _first_wrong(training.result)
    except (AttributeError, KeyError, TypeError) as error:
        wrong = one_line(error)
    if wrong:
        raise UserError(
            f"{training.directory / 'result.json'} is not what a training writes: its {wrong} is missing or of another "
            f"kind; {AGAIN}"
        )


def _first_wrong(result: dict) -> str | None:
    config = result["config"]
    for part, kinds in ((result, RESULT), (config, CONFIG)):
        wrong = [name for name, kind in kinds.items() if not isinstance(part.get(name), kind)]
        if wrong:
            return wrong[0]
    if config["model"] not in MODELS:
        return "model"
    for name, test in tests(result).items():
        if not isinstance(test["test_images"], int) or test["test_images"] < 1:
            return f"test_images of {name}"
        for at in by_scales(test):
            for place, *keys in labelled(at["error"]):
                if not all(_is_figure(inside(at[kind], keys)) for kind in ("error", "multiplications")):
                    return f"figure of {place}, {name},"
    errors = result["validation_error"]
    return next(
        (f"validation error of {p}" for p, *keys in labelled(errors) if not _is_figure(inside(errors, keys))), None
    )


def _is_figure(value) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def tests(result: dict) -> dict[str, dict]:
    """Returns the result of each test, the main one first."""
    return {"test": result} | result.get("more_tests", {})


def num_patches(training: Training) -> int:
    """Returns the number of patches that the page is about: the network's own, or the next smaller that was tested."""
    tested = sorted(map(int, training.result["error"].get("dcn", {})))
    own = training.model.architecture.num_patches
    wanted = max([k for k in tested if k <= own], default=min(tested, default=own))
    return min(wanted, training.model.num_cells())


def own_place(training: Training) -> tuple[str, ...]:
    """Returns where the trained model's own figure stands in errors: ("dcn", "8"), ("coarse",) or ("fine",)."""
    model = training.result["config"]["model"]
    return ("dcn", str(num_patches(training))) if model == "dcn" else (model,)


def figures(training: Training, place) -> list[tuple[str, str, str]]:
    """Returns the figures that stand out: what it is, the figure, and what goes with it."""
    result = training.result
    error, cost = (inside(result[kind], place) for kind in ("error", "multiplications"))
    images = result["test_images"]
    found = []
    if error is not None:
        low, high = inside(result.get("interval"), place) or interval(error, images)
        found.append(
            (f"test error, {label(place)}", f"{error:.2f} %", f"{low:.2f} to {high:.2f} % with 95 % confidence")
        )
    if cost is not None:
        fine = result["multiplications"].get("fine")
        share = (
            f"{cost / fine:.2f} of the fine model's {fine / 1e6:,.1f} million" if fine and place != ("fine",) else ""
        )
        found.append(("multiplications of an image", f"{cost / 1e6:,.1f} million", share))
    detail = ", ".join(f"{name} {test['test_images']:,}" for name, test in tests(result).items() if test is not result)
    found.append(("test images", f"{images:,}", detail))
    return found


def lead(result: dict) -> str:
    """Returns what was trained, and how long."""
    config, seconds = result["config"], result["seconds"]
    time = f"{seconds:,.0f} seconds" if seconds < 120 else f"{seconds / 60:,.0f} minutes"
    return (
        f"Preset {config['preset']}, {config.get('training', 'end_to_end').replace('_', ' ')}, seed {result['seed']}, "
        f"{result['steps']:,} steps of {config['batch_size']} images "
        f"({result['steps'] * config['batch_size']:,} in all), {time}."
    )


def label(place) -> str:
    """Returns a place in words."""
    return f"{place[1]} patch{'es' * (place[1] != '1')}" if place[0] == "dcn" else place[0]


def interval(error: float, images: int) -> tuple[float, float]:
    """Returns the 95 % confidence interval (Wilson's) of an error in percent that was found on so many images."""
    share, spread = error / 100, Z**2 / images
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)


def remarks(training: Training, readings: Readings | None) -> list[tuple[str, str | None, bool]]:
    """Returns what a reader should know before believing the figures: text, a verdict, and whether that is good."""
    result = training.result
    asked = result["config"].get("dataset", result["dataset"])
    found = []
    if asked != result["dataset"]:
        text = f"{asked} was asked for and not to be had: this was trained and tested on {result['dataset']}."
        found.append((text, None, False))
    if readings:
        found.append(_again(training, readings))
    return found


def _again(training: Training, readings: Readings) -> tuple[str, str | None, bool]:
    """Returns whether the kept model makes the kept images' error what `result.json` says it is."""
    result, place = training.result, own_place(training)
    images, error = len(readings.samples.images), readings.error
    validation = training.samples("validation")
    if validation and np.array_equal(validation.images, readings.samples.images):  # all tests are on photographs
        split = "validation"
        errors = {split: result["validation_error"]} if result.get("validation_images") == images else {}
    else:
        split = "test"
        errors = {name: test["error"] for name, test in tests(result).items() if test["test_images"] == images}
    told = {name: inside(found, place) for name, found in errors.items()}
    told = {name: value for name, value in told.items() if value is not None}
    again = f"Read again for this page: {images:,} kept {split} images, {label(place)}: error {error:.2f} %."
    if not told:
        return f"{again} result.json has no test of so many images to compare it with.", None, False
    name = min(told, key=lambda name: abs(told[name] - error))
    differing = round(abs(told[name] - error) * images / 100)
    verdict = "the same" if not differing else f"different by {differing:,} images"
    return f"{again} result.json says {told[name]:.2f} % ({name}): ", verdict, not differing


def command(config: dict) -> str:
    """Returns the command that repeats a training, in another workdir."""
    workdir = config["workdir"].rstrip("/")
    options = (f"--flagfile={workdir}/flags.txt", f"--workdir={workdir}_again")
    return " ".join(["python -m train.main", *map(shlex.quote, options)])


def given_flags(result: dict) -> list[tuple[str, str, bool]]:
    """Returns the flags that have a value: name, value, and whether it is known to differ from the default.

    Those that differ come first.
    """
    config, changed = result["config"], result.get("changed_flags", ())
    names = sorted((name for name, value in config.items() if value not in (None, [])), key=lambda n: n not in changed)
    return [(name, _option(config[name]), name in changed) for name in names]


def _option(value) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def model_file(training: Training) -> str:
    """Returns which model this is about."""
    content = (training.directory / "model.keras").read_bytes()
    return f"model.keras has {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}."
