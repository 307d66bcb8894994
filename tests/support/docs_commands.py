"""Runs the commands of the documents, in a copy of the tracked files, with small data and few steps.

python -m docs_commands [PAGE.md...]

Exit status 1 where a command fails. What can't run here is listed with the reason.
"""

import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import docs_data
from documents import ROOT, SHELL, blocks, commands, documents, inline_commands, module_and_flags

WORK = ROOT / "build" / "docs"
LONGEST = 1800  # seconds of a command, by the clock: other work may share the machine
TRAINING = (
    "--train_steps=2 --warmup_steps=0 --batch_size=16 --train_images=64 --validation_images=16 --test_images=16 "
    "--log_every=1 --eval_num_patches=1 --eval_scales=1 --selectors="
)
SHORT = {  # flags that come last, and make a long command short
    "train.main": TRAINING,
    "train.benchmark": "--rounds=1 --steps_per_round=1 --validation_images=16 --test_images=16",
    "train.mine_negatives": "--photographs=8",
    "train.data.write_images": "--count=24",
    "train.data.rendering.benchmark": "--crops=100 --workers=2",
    "tools.quantize": "--calibration_images=16 --test_images=8 --qat_steps=2",
    "tools.baselines.ram": "--train_steps=2 --batch_size=16 --validation_images=16 --test_images=16",
    "tools.baselines.draw": "--train_steps=2 --batch_size=16 --validation_images=16 --test_images=16",
    "tools.baselines.cluttered_bundle": "--test_images=100",
    "tools.baselines.framework_benchmark": "--rounds=1 --steps_per_round=1 --validation_images=16 --test_images=16",
    "edge.benchmark": "--starts=1 --repetitions=1",
    "edge.startup": "--runs=2",
    "pytest": "--collect-only --quiet",
}
SKIPPED = (
    (r"~/dcn/|/opt/dcn|pi@|journalctl|sudo (apt|cp|systemctl|python3)", "it is for a Raspberry Pi; make pi-test"),
    (r"sudo", "it needs root"),
    (r"edge\.serve\b|127\.0\.0\.1|openssl", "it is or needs a service that runs until it is stopped"),
    (r"--camera", "it needs a camera"),
    (r"edge\.replay", "it needs a meter's trace"),
    (r"pi-test|emulated_pi|tools\.pi\.", "it needs an emulated Raspberry Pi; make pi-test"),
    (r"-m venv|\bpip install|activate|make (test-edge|test-pythons)|PYENV", "it makes or changes an environment"),
    (r"make lock", "it needs the newest versions of everything"),
    (r"make audit", "it needs the advisory base"),
    (r"make (fuzz|soak)", "it takes hours"),
    (r"make (test|test-distribute|docs-test)|^make$", "it is the tests themselves"),
    (r"--format=onnx", "it needs the extra onnx"),
    (r"TF_CONFIG|--distribute=multiworker", "it needs several machines; make test-distribute"),
    (r"tensorboard", "it runs until it is stopped"),
)


@dataclass(frozen=True)
class Command:
    """A command of a document, as it is written there, and what is run for it: words of a shell, or Python."""

    where: str
    written: str
    run: list[str]


def found_in(path: Path, places: dict[str, str]) -> list[Command]:
    """Returns the commands of a document, made short, and with data in place of placeholders."""
    markdown, found = path.read_text(encoding="utf-8"), []
    for block in blocks(markdown):
        where = f"{path.name}:{block.line}"
        if block.language == "python":
            found.append(
                Command(where, block.text.strip().splitlines()[0] + " ...", [sys.executable, "-c", block.text])
            )
        elif block.language in SHELL:
            found += [_command(f"{path.name}:{line}", written, places) for line, written in commands(block)]
    return found + [_command(path.name, written, places) for written in inline_commands(markdown)]


def _command(where: str, written: str, places: dict[str, str]) -> Command:
    line = re.sub(r"\b[A-Z]{4,}\d?\b", lambda word: places.get(word.group(), word.group()), written)
    line = re.sub(r"\.(venv|edge)/bin/python|\bpython3 -m", lambda p: "python" + " -m" * ("-m" in p.group()), line)
    module, flags = module_and_flags(line) or (None, [])
    if module in SHORT and "help" not in flags:
        line += " " + SHORT[module]
    if line.startswith("make "):
        venv = shlex.quote(sys.prefix)
        line = f"make VENV={venv} -o {venv}/installed ARGS={shlex.quote(TRAINING)} {line.removeprefix('make ')}"
    return Command(where, written, ["bash", "-e", "-o", "pipefail", "-c", line])


def reason_to_skip(command: Command) -> str | None:
    """Returns why a command can't run here, or None."""
    if "framework_benchmark" in command.written and not _has("torch"):
        return "it needs PyTorch, pip install '.[torch]'"
    if "tools.baselines.ocr" in command.written and not _has("rapidocr_onnxruntime"):
        return "it needs RapidOCR, pip install '.[ocr]'"
    return next((reason for pattern, reason in SKIPPED if re.search(pattern, command.written)), None)


def _has(module: str) -> bool:
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode == 0


def prepare() -> tuple[Path, dict[str, str]]:
    """Returns a fresh copy of the tracked files, with short sweeps, and what stands for the placeholders."""
    shutil.rmtree(WORK, ignore_errors=True)
    copy, data = WORK / "repository", WORK / "data"
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    compiled = [path.relative_to(ROOT) for path in (ROOT / "edge" / "network").glob("*.so")]
    for name in [*map(Path, listed.stdout.decode().splitlines()), *compiled]:
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    docs_data.shorten_sweeps(copy / "sweeps", TRAINING.split())
    real = os.environ.get("DCN_DATA_DIR")
    places = {
        "MNIST": docs_data.mnist(data / "mnist", Path(real) if real else None),
        "SVHN": docs_data.svhn(data / "svhn"),
        "PATH": docs_data.numbers(data / "numbers"),
        "CLASSES": docs_data.classes(data / "classes"),
        "BUNDLE": "models/cluttered_mnist",
        "IMAGES": "models/samples",
    }
    return copy, {name: str(place) for name, place in places.items()}


def main(names: list[str]) -> int:
    """Runs the commands of the named documents, or of all; returns the exit status."""
    copy, places = prepare()
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(copy),
        "DCN_DATA_DIR": places["SVHN"],
    }
    chosen = [path for path in documents() if not names or path.name in names]
    done, failed, skipped = set(), 0, []
    for command in (command for path in chosen for command in found_in(path, places)):
        reason = reason_to_skip(command)
        if reason:
            skipped.append(f"{command.where}: {command.written}: {reason}")
        elif tuple(command.run) not in done:
            done.add(tuple(command.run))
            failed += not _run(command, copy, environment)
    print(f"\n{len(skipped)} were skipped:", *skipped, f"\n{len(done)} ran, {failed} failed", sep="\n", flush=True)
    return 1 if failed else 0


def _run(command: Command, folder: Path, environment: dict[str, str]) -> bool:
    """Runs a command, prints a line, and where it fails what it said; returns whether it did what it should."""
    begun, before = time.monotonic(), _processor_seconds()
    process = subprocess.Popen(
        command.run,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=LONGEST)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # what it has started too
        output, _ = process.communicate()
        status = f"none after {LONGEST} s"
    word = "ok    " if status == 0 else "FAILED"
    wall, processor = time.monotonic() - begun, _processor_seconds() - before
    print(f"{word} {wall:5.0f} s ({processor:4.0f} of a core)  {command.where}: {command.written}", flush=True)
    if status != 0:
        print(f"status {status}\n{command.run[-1]}\n{output.decode(errors='replace')[-3000:]}", flush=True)
    return status == 0


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
