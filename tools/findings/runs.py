"""Results of trainings under `results/`: `NAME/result.json`, or `NAME/VARIANT_seedN/result.json`."""

import csv
import math
import re
import statistics
from dataclasses import dataclass
from pathlib import Path

from edge.errors import UserError, one_line
from tools.files import read_json

# The curves of how far coarse vectors are from fine ones: where the hint is relative, it is another than the hint's.
DISTANCES = ("train/loss/distance", "train/loss/hint")
SEED = re.compile(r"_seed\d+")
SEED_FOLDER = re.compile(r"(.+)_seed(\d+)")
# Options in which runs may differ and still be the same: where things lie, and how often something is said.
FREE = ("workdir", "data_dir", "eval_data_dir", "log_every", "checkpoint_every", "fallback")
PARTS = {"config": dict, "steps": int, "error": dict}  # of every `result.json`


@dataclass(frozen=True)
class Figure:
    """A mean over seeds, and the standard deviation of a sample; None of one run."""

    mean: float
    spread: float | None

    def text(self, digits: int = 2) -> str:
        """Returns it as a table has it."""
        spread = "" if self.spread is None else f" ± {self.spread:.{digits}f}"
        return f"{self.mean:,.{digits}f}{spread}"


@dataclass(frozen=True)
class Variant:
    """Runs that differ in their seed alone: what each `result.json` holds, and the folders of their files."""

    name: str
    folders: tuple[Path, ...]
    runs: tuple[dict, ...]

    @property
    def config(self) -> dict:
        """The configuration that all of them have."""
        return self.runs[0]["config"]

    @property
    def images(self) -> int:
        """Number of training images that each run saw."""
        return self.runs[0]["steps"] * self.config["batch_size"]

    def group(self, *keys: str) -> dict:
        """Returns a part of the first run's result, {} where there is none."""
        return inside(self.runs[0], keys) or {}

    def figure(self, *keys: str) -> Figure | None:
        """Returns the mean of one number, as ("error", "dcn", "8"), over the runs; None where there is none."""
        values = [inside(run, keys) for run in self.runs]
        if any(value is None for value in values):
            return None
        return Figure(statistics.mean(values), statistics.stdev(values) if len(values) > 1 else None)

    def curve(self, name: str) -> tuple[tuple[int, float], ...]:
        """Returns (step, mean over runs) of one name in `curves.csv`; empty where a run has none."""
        curves = [read_curves(folder / "curves.csv").get(name, {}) for folder in self.folders]
        steps = sorted(set.intersection(*map(set, curves)))
        return tuple((step, statistics.mean(curve[step] for curve in curves)) for step in steps)


def read_sweep(folder: Path) -> dict[str, Variant]:
    """Returns a sweep's variants by name, {} where there are none; UserError where runs of one differ."""
    found = {}
    for path in sorted(folder.glob("*/result.json"), key=_seed_order):
        match = SEED_FOLDER.fullmatch(path.parent.name)
        if match:
            found.setdefault(match[1], []).append(path.parent)
    return {name: _variant(name, folders) for name, folders in found.items()}


def read_runs(results: Path) -> dict[str, Variant]:
    """Returns the runs that belong to no sweep, each as a variant of one run, by folder name."""
    folders = [path.parent for path in sorted(results.glob("*/result.json"))]
    return {folder.name: _variant(folder.name, [folder]) for folder in folders}


def read_kept(path: Path) -> dict:
    """Returns what a JSON file holds; UserError where it cannot be read."""
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {one_line(error)}; restore it") from None


def read_curves(path: Path) -> dict[str, dict[int, float]]:
    """Returns name -> step -> value of a `curves.csv`, {} where there is none; UserError where it is damaged."""
    found = {}
    if path.exists():
        try:
            with open(path, newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    value = float(row["value"])
                    if not math.isfinite(value):
                        raise ValueError(f"{row['name']} is {value} at step {row['step']}")
                    found.setdefault(row["name"], {})[int(row["step"])] = value
        except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
            raise UserError(f"{path} cannot be read: {one_line(error)}; restore it, or remove it") from None
    return found


def shared_options(configs: list[dict]) -> set[str]:
    """Returns the options that all configurations have: others came, or went, with another version of `train`."""
    return set(configs[0]).intersection(*configs)


def _variant(name: str, folders: list[Path]) -> Variant:
    runs = [read_kept(folder / "result.json") for folder in folders]
    for folder, run in zip(folders, runs):
        for key, kind in PARTS.items():
            if not isinstance(inside(run, (key,)), kind) or not run[key]:
                raise UserError(f"{folder / 'result.json'} has no {key} of a finished run; restore it, or remove it")
        ours, first = ({**_without_seed(result["config"]), "steps": result["steps"]} for result in (run, runs[0]))
        differing = sorted(
            key for key in shared_options([ours, first]) if ours[key] != first[key] and key not in ("seed", *FREE)
        )
        if differing:
            raise UserError(
                f"{folder} and {folders[0]} are of one variant, but differ in {differing[0]}: "
                f"{ours.get(differing[0])!r} and {first.get(differing[0])!r}; finish the sweep, or remove one"
            )
    return Variant(name, tuple(folders), tuple(runs))


def _without_seed(config: dict) -> dict:
    """Returns a configuration as it is for every seed: each run begins with that one of another variant's."""
    begun = config.get("init_from")
    return config | {"init_from": SEED.sub("", begun)} if begun else config


def _seed_order(path: Path):
    match = SEED_FOLDER.fullmatch(path.parent.name)
    return (match[1], int(match[2])) if match else (path.parent.name, 0)


def inside(value, keys):
    """Returns what stands under keys in nested dictionaries; None where one of them is not there."""
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value
