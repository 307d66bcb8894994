"""A sweep over a stand-in for `train.main`, which begins in milliseconds."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stand_in_train

from edge.errors import UserError
from tools import sweep
from tools.sweeps import process
from tools.sweeps.declaration import read_sweep

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """The working folder: a project with the stand-in."""
    stand_in_train.install(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DCN_DATA_DIR", raising=False)
    monkeypatch.setattr(sweep, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(sweep, "SECONDS_BETWEEN", 0)
    return tmp_path


def declare(**variants):
    content = {"about": "x", "flags": [], "workdirs": "runs/s", "results": "results/s", "keep": ["curves.csv"]}
    variants = {name: {"seeds": [0, 1], "flags": flags} for name, flags in variants.items()}
    Path("s.json").write_text(json.dumps(content | {"variants": variants}))
    return "s.json"


def run(*arguments):
    return sweep.main([*arguments, "--nice=0"])


def states(capsys):
    capsys.readouterr()
    assert run("s.json", "--list") == 0
    return capsys.readouterr().out.splitlines()


def test_all_runs_are_trained_in_order_and_kept(capsys):
    file = declare(a=["--train_steps=3"], b=["--hint_weight=0.5"])
    assert run(file) == 0
    said = capsys.readouterr().out
    assert re.findall(r"(\w+): begun", said) == ["a_seed0", "a_seed1", "b_seed0", "b_seed1"]
    assert said.splitlines()[-1].endswith("4 of 4 runs are done")
    result = json.loads(Path("results/s/b_seed1/result.json").read_text())
    assert result["config"]["hint_weight"] == 0.5
    assert result["config"]["seed"] == 1
    kept = {path.name for path in Path("results/s/b_seed1").iterdir()}
    assert kept == {"result.json", "flags.txt", "log.txt", "curves.csv"}
    assert states(capsys)[-1] == "4 of 4 done"


def test_what_is_done_is_left_out_unless_its_flags_have_changed(capsys):
    run(declare(a=["--train_steps=3"], b=[]))
    Path("runs/s/a_seed0/result.json").unlink()
    assert run(declare(a=["--train_steps=3"], b=["--hint_weight=0.1"])) == 0
    assert re.findall(r"(\w+): begun", capsys.readouterr().out)[4:] == ["b_seed0", "b_seed1"]
    run(declare(a=["--train_steps=5"], b=["--hint_weight=0.1"]))
    said = capsys.readouterr().out
    assert re.findall(r"(\w+): begun", said) == ["a_seed0", "a_seed1"]
    assert json.loads(Path("results/s/a_seed1/result.json").read_text())["first"] == 3  # the stand-in went on


def test_a_failed_run_does_not_stop_the_others(capsys):
    assert run(declare(a=["--fail=1"], b=[])) == 1
    said = capsys.readouterr().out
    assert "a_seed0: FAILED with status 1: train.main: the loss is not finite" in said
    assert said.splitlines()[-1].endswith("2 of 4 runs are done; failed: a_seed0, a_seed1")
    assert not Path("results/s/a_seed0").exists()
    assert Path("results/s/b_seed1/result.json").exists()
    assert states(capsys)[0].split(maxsplit=1) == ["a_seed0", "step 4 of 4"]


def test_wrong_flags_are_found_before_anything_is_begun():
    with pytest.raises(UserError, match="the flags of b_seed0 are refused: train.main: --wrong must be right"):
        run(declare(a=[], b=["--wrong=1"]))
    assert not Path("runs").exists()


def test_only_what_is_asked_for_is_run(capsys):
    assert run(declare(a=[], b=[]), "--only=b,a_seed1") == 0
    assert re.findall(r"(\w+): begun", capsys.readouterr().out) == ["a_seed1", "b_seed0", "b_seed1"]
    assert states(capsys)[0].endswith("not begun")


def test_two_at_a_time_are_two_at_a_time(capsys):
    assert run(declare(a=["--step_seconds=0.2"]), "--jobs=2") == 0
    said = capsys.readouterr().out
    assert said.index("a_seed1: begun") < said.index("a_seed0: done")
    threads = max(1, len(os.sched_getaffinity(0)) // 2)
    assert f"{threads} threads" in Path("runs/s/a_seed0/log.txt").read_text()
    line = next(line for line in said.splitlines() if "to go in all" in line)
    assert re.search(r"run 1 of 2, 0 h 00 min of training to go in all  a_seed[01]: step \d/4", line)


def declare_two_parts(**flags):
    file = declare(a=[], other=[], on=[])
    content = json.loads(Path(file).read_text())
    for name, described in content["variants"].items():
        described |= {"flags": flags.get(name, [])} | ({"init_from": "a"} if name == "on" else {})
    Path(file).write_text(json.dumps(content))
    return file


def test_a_run_begins_when_the_one_that_it_begins_from_is_done(capsys):
    assert run(declare_two_parts(a=["--step_seconds=0.2"]), "--jobs=3") == 0
    said = capsys.readouterr().out
    assert said.index("other_seed0: begun") < said.index("a_seed0: done") < said.index("on_seed0: begun")


def test_a_run_whose_beginning_failed_is_left_out(capsys):
    assert run(declare_two_parts(a=["--fail=1"])) == 1
    said = capsys.readouterr().out
    assert "on_seed1: left out, runs/s/a_seed1, which it begins from, is not finished" in said
    assert said.splitlines()[-1].endswith("2 of 6 runs are done; failed: a_seed0, a_seed1, on_seed0, on_seed1")
    assert not Path("runs/s/on_seed0").exists()


def test_results_name_no_place_of_this_machine(tmp_path, capsys):
    data = tmp_path / "elsewhere"
    assert run(declare(a=[]), f"--data_dir={data}") == 0
    kept = Path("results/s/a_seed0")
    assert json.loads((kept / "result.json").read_text())["config"]["data_dir"] is None
    assert "data_dir" not in (kept / "flags.txt").read_text()
    assert (kept / "log.txt").read_text().startswith("reading DATA_DIR in x\n")
    assert all(str(tmp_path) not in path.read_text() for path in kept.iterdir())
    assert states(capsys)[-1] == "2 of 2 done"  # without --data_dir: where data lies makes no other run


def test_sigterm_stops_the_training_and_the_same_command_resumes_it():
    declare(a=["--step_seconds=0.3", "--train_steps=5"])
    command = [sys.executable, "-m", "tools.sweep", "s.json", "--only=a_seed0"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    sweeping = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    one = read_sweep("s.json")[0]
    while not process.last_progress(one.workdir / "log.txt"):
        assert sweeping.poll() is None
        time.sleep(0.05)
    assert process.is_running(one)
    with pytest.raises(process.BusyError):
        process.Training(one, None, 1)
    sweeping.send_signal(signal.SIGTERM)
    said, _ = sweeping.communicate(timeout=60)
    assert sweeping.returncode == 143
    assert "a_seed0: stopped; the same command resumes it" in said
    assert not process.is_running(one)
    assert not one.results.exists()
    assert run("s.json", "--only=a_seed0") == 0
    assert json.loads((one.results / "result.json").read_text())["first"] >= 1


def test_the_time_to_go_is_that_of_all_runs():
    runs = read_sweep(declare(a=["--train_steps=100"], b=["--train_steps=50"]))
    configs = sweep.read_configs(runs, None)
    assert sweep.seconds_to_go(runs, configs, 1) is None
    for name, line in (("a_seed0", "step 40/100  loss 1.0  20 images/s"), ("b_seed0", "step 50/50  x  5 images/s")):
        log = Path("runs/s", name, "log.txt")
        log.parent.mkdir(parents=True)
        log.write_text(f"12:00:00  {line}  00:00:01 to go\n")
    # Ten images a step: 60 and 100 steps of 0.5 s, and 50 of 2 s.
    assert sweep.seconds_to_go(runs, configs, 1) == pytest.approx(60 * 0.5 + 100 * 0.5 + 50 * 2)
    assert sweep.seconds_to_go(runs, configs, 2) == pytest.approx(90)


def test_progress_is_read_from_a_trainings_own_log():
    at = process.last_progress(ROOT / "results" / "cluttered_mnist" / "log.txt")
    assert (at.step, at.steps, at.images_per_second, at.text) == (6000, 6000, 801.0, "evaluating")


@pytest.mark.parametrize("arguments", [["--jobs=0"], ["--nice=20"], ["--bogus"]])
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(UserError):
        sweep.main(["s.json", *arguments])
