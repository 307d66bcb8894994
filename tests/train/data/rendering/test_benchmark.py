import subprocess
import sys
from pathlib import Path

import joblib

from train.data.rendering import benchmark
from train.data.rendering.training_scenes import render_scene

ROOT = Path(__file__).parents[4]


def test_rates_belong_together(monkeypatch):
    monkeypatch.setattr(benchmark, "CHUNK", 5)
    monkeypatch.setattr(benchmark, "_warm_up", lambda: None)
    drawn = []

    def render(rng):
        drawn.append(rng.random())
        return render_scene(rng, (48, 96))

    with joblib.Parallel(1) as parallel:
        assert benchmark.start_workers(parallel, 1) > 0
        result = benchmark.measure(parallel, 1, pictures=11, render=render)
    assert len(set(drawn)) == 15
    assert 0 < result["per_second"] == result["per_worker"]
    assert result["per_cpu_second"] > 0.9 * result["per_second"]  # one worker can't use more than one core


def test_the_command_prints_a_line_for_what_was_asked():
    command = [sys.executable, "-m", "train.data.rendering.benchmark", "--crops=1", "--workers=1", "--looseness=1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    start, header, line = done.stdout.splitlines()
    assert start.startswith("1 workers, ready after ")
    assert header.split()[:2] == ["looseness", "crops/s"]
    assert line.split()[0] == "1.0"
    assert all(float(value) > 0 for value in line.split()[1:])


def test_scenes_are_measured_as_well():
    command = [sys.executable, "-m", "train.data.rendering.benchmark", "--kind=scenes", "--crops=1", "--workers=1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:2]] == [["looseness", "scenes/s"]]


def test_wrong_input_is_one_line_and_status_2():
    command = [sys.executable, "-m", "train.data.rendering.benchmark", "--crops=0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--crops=0" in done.stderr
