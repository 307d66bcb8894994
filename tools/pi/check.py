"""Follows docs/raspberry_pi.md on an emulated Raspberry Pi, and compares its answers with this machine's.

python -m tools.pi.check --images=FOLDER --environment=edge=.venv-edge [--environment=edge-tflite=.venv-edge-tflite]
                         [--work=build/pi] [--bundle=models/cluttered_mnist]

Exit status: 0 where everything is identical, 1 where something differs or fails, 2 where something is missing.
"""

import os
import shutil
import sys
import time
from pathlib import Path

from edge.errors import EXIT_FAILED, UserError
from tools import command
from tools.pi import machine
from tools.pi.answers import format_rows, read_lines, same
from tools.pi.guide import commands

ROOT = Path(__file__).parents[2]
GUIDE = "docs/raspberry_pi.md"
SECTION = "On a Raspberry Pi"
WORKSTATION, DEVICE = "On the workstation", "On the Raspberry Pi"
EXTRA_OF_GUIDE = "edge"  # what the guide installs, into ~/dcn
# `scp -r FILE... pi@raspberrypi.local:` with the emulated machine's home folder behind the colon.
SCP = 'scp() { shift; cp -r "${@:1:$#-1}" "$PI_HOME"; }\n'


def follow_guide(home: Path) -> None:
    """Runs the guide's commands, on this machine and then in the emulated one; prints what they print."""
    markdown = (ROOT / GUIDE).read_text()
    python = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PI_HOME": str(home.resolve())}
    here = SCP + commands(markdown, SECTION, WORKSTATION)
    _step(f"{GUIDE}, on the workstation")
    machine.output_of(["bash", "-e", "-c", here], cwd=ROOT, env=os.environ | python)
    _step(f"{GUIDE}, on the Raspberry Pi")
    print(machine.run("a72", home, "bash", "-e", "-c", commands(markdown, SECTION, DEVICE)), end="", flush=True)


def install(home: Path, extra: str) -> str:
    """Installs another extra into an environment of its own; returns the environment's name in the home folder."""
    if extra == EXTRA_OF_GUIDE:
        return "dcn"
    name, lock = f"dcn-{extra}", f"requirements-{extra}.lock"
    shutil.copy(ROOT / lock, home)
    _step(f"installing {extra}")
    lines = (
        f"python3 -m venv {name}",
        f"{name}/bin/pip install -r {lock}",
        f"{name}/bin/pip install --no-deps dcn_tf-*.tar.gz",
    )
    machine.run("a72", home, "bash", "-e", "-c", "\n".join(lines))
    return name


def answers(python, bundle, images, run) -> str:
    """Returns the lines of `edge.run` by a Python and by a function that runs a command."""
    return run(python, "-m", "edge.run", f"--bundle={bundle}", images, "--json", "--cells")


def check(images: Path, environments: dict[str, Path], work: Path, bundle: Path) -> dict:
    """Returns how far the emulated machine agrees with this one: (extra, core) -> Sameness.

    Args:
        environments: for each extra of `pyproject.toml`, an environment of this machine that has it.
        work: a folder to work in; `work/home` is replaced.
    """
    home = work / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    follow_guide(home)
    shutil.copytree(images, home / "images")
    shutil.copytree(bundle, home / "bundle")
    rows = {}
    for extra, environment in environments.items():
        name = install(home, extra)
        outputs = {"x86": answers(environment / "bin" / "python", bundle, images, _run_here)}
        for core in machine.CORES:
            _step(f"{extra} on {core}")
            outputs[core] = answers(
                f"{name}/bin/python", "bundle", "images", lambda *c, core=core: machine.run(core, home, *c)
            )
            rows[extra, core] = same(read_lines(outputs["x86"]), read_lines(outputs[core]))
        for where, output in outputs.items():
            (work / f"{extra}_{where}.jsonl").write_text(output)
    return rows


def _run_here(*command):
    return machine.output_of(command, cwd=ROOT)


def _step(name):
    print(f"[{time.strftime('%H:%M:%S')}] {name}", flush=True)


def _environments(pairs):
    environments = {}
    for pair in pairs:
        extra, _, folder = pair.partition("=")
        if not (Path(folder) / "bin" / "python").exists():
            raise UserError(
                f"--environment must be EXTRA=FOLDER with a Python environment, received {pair!r}; make one"
            )
        environments[extra] = Path(folder)
    return environments


def main(arguments) -> int:
    """Runs the command; returns its exit status."""
    parser = command.make_parser("tools.pi.check", __doc__)
    add = parser.add_argument
    add("--images", required=True, metavar="FOLDER", help="images to read")
    add("--environment", required=True, action="append", metavar="EXTRA=FOLDER", help="what to compare with")
    add("--work", default="build/pi", metavar="FOLDER", help="where to work (default build/pi)")
    add(
        "--bundle",
        default=str(ROOT / "models" / "cluttered_mnist"),
        metavar="BUNDLE",
        help="the shipped one by default",
    )
    parsed = parser.parse_args(arguments)
    environments = _environments(parsed.environment)
    if not Path(parsed.images).is_dir():
        raise UserError(f"--images must be a folder of images, received {parsed.images}; see train.data.write_images")
    rows = check(Path(parsed.images), environments, Path(parsed.work), Path(parsed.bundle))
    print(format_rows(rows))
    return 0 if all(row.identical for row in rows.values()) else EXIT_FAILED


if __name__ == "__main__":
    command.run(main)
