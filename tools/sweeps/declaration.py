"""The declaration of a sweep: variants of one training, and the seeds that each is run with.

A sweep is a JSON file, `sweeps/NAME.json`:

    {
     "about": "what it is for",
     "flags": ["--flagfile=cluttered_mnist.flags", "--train_steps=8000"],
     "workdirs": "runs/NAME",
     "results": "results/NAME",
     "keep": ["curves.csv"],
     "variants": {
      "dcn_hint": {"seeds": [0, 1, 2], "flags": []},
      "coarse": {"seeds": [0, 1], "flags": ["--model=coarse"]},
      "coarse_on": {"seeds": [10, 11], "init_from": "coarse", "flags": ["--model=coarse", "--train_steps=4000"]}
     }
    }

`flags` are those of `train.main`, each as it is typed there; a variant's come after those of all, and win. `init_from`
names a variant before this one with as many seeds: each run begins from the weights of its run in the same place of the
list. Or it lists for each seed the runs before it that are begun from, joined by commas, as `["a_seed0,b_seed1"]`: the
mean of their weights. `keep` names files of a workdir that are kept beside its `result.json`, `flags.txt` and log.
Paths are relative to the folder that the command is given in. Runs are made in the order of the file.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from edge.bundle.storage import is_plain
from edge.errors import UserError, one_line
from tools.files import read_json

KEYS = {"about": str, "flags": list, "workdirs": str, "results": str, "keep": list, "variants": dict}
VARIANT_KEYS = {"seeds": list, "flags": list}
OPTIONAL_KEYS = {"init_from": (str, list)}  # of a variant
OWN_FLAGS = ("workdir", "seed", "data_dir")  # which the sweep gives itself


@dataclass(frozen=True)
class Run:
    """One training of a sweep: its flags without those that the sweep gives, and files to keep in its results."""

    variant: str
    seed: int
    flags: tuple[str, ...]
    workdir: Path
    results: Path
    keep: tuple[str, ...]
    bases: tuple[Path, ...] = ()  # the workdirs whose weights, or their mean, it begins from

    @property
    def name(self) -> str:
        """The variant and the seed."""
        return f"{self.variant}_seed{self.seed}"


def read_sweep(path) -> list[Run]:
    """Returns the runs that a sweep's file declares, in its order; UserError where it can't be read."""
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} cannot be read: {one_line(error)}; name a sweep, for instance sweeps/cluttered_mnist.json"
        ) from None
    _check_keys(content, KEYS, str(path))
    _check_flags(content["flags"], str(path))
    _check_kept(content["keep"], str(path))
    runs = []
    for variant, described in content["variants"].items():
        where = f"{path}, variant {variant!r}"
        if not re.fullmatch(r"[\w.]+", variant, re.ASCII):
            raise UserError(f"{where}: a variant's name must be of letters, digits, _ and dots; rename it")
        _check_keys(described, VARIANT_KEYS, where, OPTIONAL_KEYS)
        _check_flags(described["flags"], where)
        seeds = _checked_seeds(described["seeds"], where)
        for seed, bases in zip(seeds, _bases(described, runs, where)):
            name = f"{variant}_seed{seed}"
            folders = (Path(content[folder], name) for folder in ("workdirs", "results"))
            start = [f"--init_from={','.join(base.as_posix() for base in bases)}"] if bases else []
            flags = (*content["flags"], *start, *described["flags"])
            runs.append(Run(variant, seed, flags, *folders, tuple(content["keep"]), bases))
    if not runs:
        raise UserError(f"{path} declares no run; add a variant")
    return runs


def _bases(described: dict, runs: list[Run], where: str) -> list[tuple[Path, ...]]:
    """Returns for each seed of a variant the workdirs with the weights that its run begins from, if any.

    runs: of the variants before it.
    """
    named, count = described.get("init_from"), len(described["seeds"])
    if named is None:
        return [()] * count
    if isinstance(named, list):
        return _bases_by_seed(named, count, runs, where)
    workdirs = [(run.workdir,) for run in runs if run.variant == named]
    if len(workdirs) != count:
        raise UserError(
            f"{where}: init_from must be a variant before it with as many seeds, {count}. Received: {named!r}, of "
            f"which there are {len(workdirs)}"
        )
    return workdirs


def _bases_by_seed(named: list, count: int, runs: list[Run], where: str) -> list[tuple[Path, ...]]:
    workdirs = {run.name: run.workdir for run in runs}
    bases = []
    for text in named:
        names = text.split(",") if isinstance(text, str) else [text]
        for name in names:
            if not isinstance(name, str) or name not in workdirs:
                raise UserError(f"{where}: init_from must list names of runs before it. Received: {name!r}; change it")
        bases.append(tuple(workdirs[name] for name in names))
    if len(bases) != count:
        raise UserError(
            f"{where}: init_from must list as many as there are seeds, {count}. Received: {len(bases)}; change it"
        )
    return bases


def select(runs: list[Run], names) -> list[Run]:
    """Returns the runs of these names, of variants or their own; all for no name, UserError for an unknown one."""
    known = {run.variant for run in runs} | {run.name for run in runs}
    for name in names:
        if name not in known:
            variants = ", ".join(dict.fromkeys(run.variant for run in runs))
            raise UserError(f"--only names a variant ({variants}) or a run ({runs[0].name}, ...), received {name!r}")
    return [run for run in runs if not names or {run.variant, run.name} & set(names)]


def _check_keys(content, keys: dict, where: str, optional: dict | None = None):
    if not isinstance(content, dict) or set(content) - set(optional or ()) != set(keys):
        found = sorted(content) if isinstance(content, dict) else type(content).__name__
        raise UserError(
            f"{where} must be an object of {', '.join(keys)}, received {found}; see tools/sweeps/declaration.py"
        )
    for key, kind in (keys | {key: kind for key, kind in (optional or {}).items() if key in content}).items():
        if not isinstance(content[key], kind):
            names = " or ".join(one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,)))
            raise UserError(f"{where}: {key} must be of type {names}, received {content[key]!r}; change it")


def _check_flags(flags: list, where: str):
    for flag in flags:
        if not isinstance(flag, str) or not flag.startswith("--"):
            raise UserError(f"{where}: a flag is written as '--name=value', received {flag!r}; change it")
        name = flag[2:].partition("=")[0]
        if name in OWN_FLAGS:
            raise UserError(f"{where}: --{name} is given by the sweep itself, received {flag!r}; leave it out")


def _check_kept(names: list, where: str):
    for name in names:
        if not isinstance(name, str) or not is_plain(name):
            raise UserError(f"{where}: keep must hold names of files, received {name!r}; change it")


def _checked_seeds(seeds: list, where: str) -> list[int]:
    good = all(type(seed) is int and seed >= 0 for seed in seeds)
    if not seeds or not good or len(set(seeds)) < len(seeds):
        raise UserError(f"{where}: seeds must be different integers of at least 0, received {seeds!r}; change them")
    return seeds
