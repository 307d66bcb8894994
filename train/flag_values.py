"""Values of flags as a frozen configuration: checked, written as a flagfile, compared with those of a begun run."""

import dataclasses
import json
from pathlib import Path

from train import files
from train.errors import UserError
from train.progress import log

REPEATED = ("set",)  # flags that are given once for each of their values

# What may differ between a run and its resumption: where things lie, how long, how often and how loud.
FREE_ON_RESUME = (
    *(
        "workdir",
        "data_dir",
        "eval_data_dir",
        "init_from",
        "architecture_file",  # the file may move; what it says may not change (`train.network`)
        "patches_apart",  # nor may the network's; a run that was begun before there was the flag has 0
        "train_steps",
        "eval_num_patches",
        "eval_scales",
        "test_trajectories",  # of the attention models for comparison
        "selectors",
        "eval",
    ),
    *("log_every", "checkpoint_every", "fallback", "distribute"),
)


def flag_of(name: str) -> str:
    """Returns the flag of an attribute of `Config`: the same name, but for the file of an architecture."""
    return "architecture" if name == "architecture_file" else name


class FlagValues:
    """What the frozen dataclasses have in common whose attributes are the values of flags of the same names."""

    def _require(self, name: str, holds: bool, rule: str):
        if not holds:
            raise UserError(f"--{name} must be {rule}. Received: {getattr(self, name)!r}")

    def _require_ranges(self, *ranges: dict):
        """Raises UserError for a flag that is not None and not within its (least, most)."""
        for name, (least, most) in (item for some in ranges for item in some.items()):
            value = getattr(self, name, None)
            if value is None or least <= value <= most:
                continue
            self._require(name, False, f"at most {most:,.0f}" if value > most else f"at least {least}")

    def to_dict(self) -> dict:
        """Returns plain values, as they stand in `result.json`."""
        return dataclasses.asdict(self)

    def changed(self) -> list[str]:
        """Returns the names of the flags that are not at their defaults."""
        fields = dataclasses.fields(self)
        return [field.name for field in fields if getattr(self, field.name) != field.default]

    def to_flags(self) -> str:
        """Returns a flagfile that repeats the run."""
        lines = []
        for name, value in self.to_dict().items():
            if isinstance(value, bool):
                lines.append(f"--{'' if value else 'no'}{name}")
            elif name in REPEATED:
                lines += [f"--{name}={item}" for item in value]
            elif value is not None:
                lines.append(f"--{flag_of(name)}={in_words(value)}")
        return "\n".join(lines) + "\n"

    @classmethod
    def defaults(cls) -> dict:
        """Returns the defaults, by name; a flag that must be given has none.

        A flag that is added has a default that leaves everything as it was: the value it had in every run before.
        """
        fields = dataclasses.fields(cls)
        return {field.name: field.default for field in fields if field.default is not dataclasses.MISSING}


def write_config(config: FlagValues, remarks=()):
    """Writes into the workdir what the run is: `config.json` for its resumption, `flags.txt` to repeat it.

    Args:
        config: of the run.
        remarks: lines that the flagfile opens with, as comments.
    """
    workdir = Path(config.workdir)
    files.write_text(workdir / "config.json", json.dumps(config.to_dict(), indent=1) + "\n")
    comments = "".join(f"# {remark}\n" for remark in remarks)
    files.write_text(workdir / "flags.txt", comments + config.to_flags())


def check_same_run(config: FlagValues):
    """Raises UserError where the workdir was begun with values that make another run of it."""
    workdir = Path(config.workdir)
    begun = begun_with(workdir)
    if begun is None:
        return
    begun = json.loads(json.dumps(config.defaults())) | begun
    asked = json.loads(json.dumps(config.to_dict()))  # lists where there were tuples
    names = (begun.keys() | asked.keys()) - set(FREE_ON_RESUME)
    differing = sorted(name for name in names if begun.get(name) != asked.get(name))
    if differing:
        name = differing[0]
        raise UserError(
            f"the workdir {workdir} was begun with other flags: --{name}={in_words(begun.get(name))}. "
            f"Received: --{name}={in_words(asked.get(name))}; resume with the flags of {workdir / 'flags.txt'}, "
            "choose another --workdir, or give --restart, which begins again and keeps what was trained aside"
        )


def begun_with(workdir: Path) -> dict | None:
    """Returns the values that a workdir was begun with; None where it was not begun, or does not say.

    A workdir of a version before `config.json` says it in its result, if it has one.

    Raises:
        UserError: the file that says it is damaged.
    """
    config, result = workdir / "config.json", workdir / "result.json"
    try:
        if config.exists():
            return dict(json.loads(config.read_text()))
        if result.exists():
            return dict(json.loads(result.read_text())["config"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{workdir} is damaged ({error}); mend config.json or choose another --workdir") from error
    if (workdir / "flags.txt").exists():
        log.warning("%s has no config.json: that it is the same run is not checked", workdir)
    return None


def in_words(value) -> str:
    """Returns a flag's value as it is typed."""
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
