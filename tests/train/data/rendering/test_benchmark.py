import subprocess
import sys
from pathlib import Path

import joblib

from train.data.rendering import benchmark

ROOT = Path(__file__).parents[4]


def test_rates_belong_together(monkeypatch):
    monkeypatch.setattr(benchmark, "CHUNK", 5)
    monkeypatch.setattr(benchmark, "_warm_up", lambda: None)
    drawn = []
    render = benchmark.render_crop
    monkeypatch.setattr(
        benchmark, "render_crop", lambda *args, **kwargs: drawn.append(kwargs) or render(*args, **kwargs)
    )
    with joblib.Parallel(1) as parallel:
        assert benchmark.start_workers(parallel, 1) > 0
        result = benchmark.measure(parallel, 1, crops=11, looseness=2.0)
    assert drawn == [{"looseness": 2.0}] * 15
    assert 0 < result["crops_per_second"] == result["per_worker"]
    assert result["per_cpu_second"] > 0.9 * result["crops_per_second"]  # one worker can't use more than one core


def test_the_command_prints_a_line_for_what_was_asked():
    command = [sys.executable, "-m", "train.data.rendering.benchmark", "--crops=1", "--workers=1", "--looseness=1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    start, header, line = done.stdout.splitlines()
    assert start.startswith("1 workers, ready after ")
    assert header.split()[:2] == ["looseness", "crops/s"]
    assert line.split()[0] == "1.0"
    assert all(float(value) > 0 for value in line.split()[1:])


def test_wrong_input_is_one_line_and_status_2():
    command = [sys.executable, "-m", "train.data.rendering.benchmark", "--crops=0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--crops=0" in done.stderr
