"""Runs what the project does for long, and kills it: the same answers, in the same memory, and nothing half written.

PYTHONPATH=tests/support:. python -m soak [--parts=runner,training,kills] [--calls=1000000] [--steps=20000] [--kills=50]

It takes hours. Each part prints one line; the status is 1 where one of them does not hold.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

BUNDLE = Path(__file__).parents[2] / "models" / "cluttered_mnist"
PARTS = ("runner", "training", "kills")
PROCESSES = 2
STEPS_KILLED, SAVING = 400, "--checkpoint_every=10"  # of trainings that are killed: often while they save
MOST_TRIES = 5  # to kill a program once before it ends
WARM = 0.1  # of the work; memory may grow until then
GROWTH = {"runner": 2.0, "training": 60.0}  # MB that it may grow by after that


def megabytes(process: int | str = "self") -> float:
    """Returns the memory that a process holds; 0 where it has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def run_runner(calls: int) -> float:
    """Calls a runner on images in turn; returns the MB that it grew by. AssertionError where an answer changes."""
    from edge.bundle import load_bundle
    from edge.network.runner import TwoStageRunner

    runner = TwoStageRunner(load_bundle(BUNDLE))
    rng = np.random.default_rng(0)
    images = [rng.integers(256, size=(100, 100, 1), dtype=np.uint8) for _ in range(20)]
    ways = [{}, {"num_patches": 1}, {"exit_entropy": -1.0}, {"saliency_level": 0.1}]
    first, before = {}, megabytes()
    for call in range(calls):
        at = call % len(images), call // len(images) % len(ways)
        result = runner.run(images[at[0]], **ways[at[1]])
        answer = result.prediction, result.probability, result.num_patches
        assert first.setdefault(at, answer) == answer, f"call {call}: {answer}, and {first[at]} before"
        if call == int(calls * WARM):
            before = megabytes()
    return megabytes() - before


def runner(calls: int) -> str:
    """Two processes call a runner each."""
    code = f"import soak; print(soak.run_runner({calls // PROCESSES}))"
    with_us = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(PROCESSES)]
    grown = [float(process.communicate()[0] or "nan") for process in with_us]
    assert max(grown) <= GROWTH["runner"], f"the runner grew by {grown} MB"
    return f"{calls:,} calls in {PROCESSES} processes: the same answers, {max(grown):.1f} MB more memory"


def training(steps: int, folder: Path) -> str:
    """Two processes train the same; their weights must be equal bit by bit, their memory flat."""
    trained = [_train(folder / name, steps) for name in ("one", "other")]
    seen = [[] for _ in trained]
    while any(process.poll() is None for process in trained):
        for process, memory in zip(trained, seen):
            memory.append(megabytes(process.pid))
        time.sleep(0.2)
    assert all(process.returncode == 0 for process in trained), "a training failed"
    assert _weights(folder / "one") == _weights(folder / "other"), "two trainings of one seed differ"
    held = [[value for value in memory if value] for memory in seen]
    middles = [(max(h[len(h) // 3 : len(h) // 2]), max(h[len(h) // 2 : -len(h) // 10])) for h in held]
    grown = max(after - before for before, after in middles)
    assert grown <= GROWTH["training"], f"training grew by {grown:.0f} MB"
    return f"{steps:,} steps in {PROCESSES} processes: equal weights, {grown:.0f} MB more memory"


def kills(count: int, folder: Path) -> str:
    """Kills trainings, `bundle pack` and `tools.quantize` at random moments, and looks at what they leave."""
    rng = random.Random(0)
    begun = time.monotonic()
    assert _train(folder / "whole", STEPS_KILLED, SAVING).wait() == 0, "a training failed"
    lasts = time.monotonic() - begun
    trained, repeated = _killed_trainings(folder, count * 2 // 5, lasts, rng)
    packed = _killed_writers(count * 2 // 5, folder / "packed.zip", rng, *_pack(folder / "packed.zip"))
    quantize = "tools.quantize", f"--workdir={folder / 'whole'}", f"--bundle={folder / 'made'}", "--method=float32"
    made = _killed_writers(count // 5, folder / "made", rng, *quantize)
    left = [path.name for path in folder.iterdir() if path.name.startswith(".")]
    return (
        f"{trained} trainings, {packed} packs and {made} exports killed: all whole or not there; {repeated} trainings "
        f"ended with equal weights; {len(left)} left over"
    )


def _pack(destination: Path) -> tuple:
    return "edge.bundle", "pack", str(BUNDLE), str(destination)


def _train(workdir: Path, steps: int, *more: str) -> subprocess.Popen:
    arguments = f"--workdir={workdir}", f"--train_steps={steps}", *more
    command = [sys.executable, "-m", "tiny_training", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _weights(workdir: Path) -> str:
    """Returns a checksum of the weights that a run ended with."""
    import zipfile

    with zipfile.ZipFile(workdir / "model.keras") as archive:
        return hashlib.sha256(archive.read("model.weights.h5")).hexdigest()


def _killed_trainings(folder: Path, count: int, lasts: float, rng) -> tuple[int, int]:
    """Kills a training again and again, and lets it end at last; one that ended makes room for another.

    Returns how often one was killed, and how many ended, all of them with the weights of one that never was.
    """
    killed = ended = 0
    while killed < count or not ended:
        process = _train(folder / "killed", STEPS_KILLED, SAVING)
        if killed < count and _kill_after(process, rng.uniform(0.1, 1.0) * lasts):
            killed += 1
            continue
        assert process.wait() == 0, "a training that was killed can't go on"
        assert _weights(folder / "whole") == _weights(folder / "killed"), "a training that was killed differs"
        shutil.rmtree(folder / "killed")
        ended += 1
    return killed, ended


def _killed_writers(count: int, destination: Path, rng, module: str, *arguments) -> int:
    """Kills a program that writes a bundle; after each the bundle is whole, or not there."""
    from edge.bundle import load_bundle

    command = [sys.executable, "-m", module, *arguments]
    begun = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lasts, killed = time.monotonic() - begun, 0
    for _ in range(MOST_TRIES * count):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        killed += _kill_after(process, rng.uniform(0.3, 1.0) * lasts)
        if destination.exists():
            load_bundle(destination)
        if killed == count:
            break
    return killed


def _kill_after(process: subprocess.Popen, seconds: float) -> bool:
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True


def main() -> int:
    """Runs the parts."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", default=",".join(PARTS))
    for name, default in (("calls", 10**6), ("steps", 20_000), ("kills", 50)):
        parser.add_argument(f"--{name}", type=int, default=default)
    values = parser.parse_args()
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        work = {
            "runner": lambda: runner(values.calls),
            "training": lambda: training(values.steps, Path(folder)),
            "kills": lambda: kills(values.kills, Path(folder)),
        }
        for part in values.parts.split(","):
            begun = time.monotonic()
            try:
                said = work[part]()
            except AssertionError as error:
                said, status = f"NOT KEPT: {error}", 1
            print(f"{part}: {said} ({time.monotonic() - begun:.0f} s)", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
