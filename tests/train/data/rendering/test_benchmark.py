import subprocess
import sys
from pathlib import Path

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
    result = benchmark.measure(11, 2.0, workers=1)
    assert drawn == [{"looseness": 2.0}] * 15
    assert result["start_seconds"] > 0
    assert 0 < result["crops_per_second"] == result["per_worker"]
    assert result["per_cpu_second"] > 0.9 * result["crops_per_second"]  # one worker can't use more than one core


def test_the_command_prints_a_line_for_what_was_asked():
    command = [sys.executable, "-m", "train.data.rendering.benchmark", "--crops=1", "--workers=1", "--looseness=1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    header, line = done.stdout.splitlines()
    assert header.split()[0] == "looseness"
    assert line.split()[:2] == ["1.0", "1"]
    assert float(line.split()[3]) > 0


def test_wrong_input_is_one_line_and_status_2():
    command = [sys.executable, "-m", "train.data.rendering.benchmark", "--crops=0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--crops=0" in done.stderr
