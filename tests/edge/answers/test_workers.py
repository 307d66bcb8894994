import io
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edge.answers import workers
from edge.errors import WorkError, run_main
from edge.run import main, parse_arguments

ROOT = Path(__file__).parents[3]
SHIPPED = f"--bundle={ROOT / 'models' / 'cluttered_mnist'}"
SAMPLES = ROOT / "models" / "samples"
PROGRAM = [sys.executable, "-m", "edge.run", SHIPPED, "--workers=2"]
PIPES = {"cwd": ROOT, "text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


@pytest.fixture(autouse=True)
def at_root(monkeypatch):
    monkeypatch.chdir(ROOT)  # where a process finds `edge`


def run(capsys, *arguments):
    """Returns the exit status, the lines of stdout and those of stderr."""
    with pytest.raises(SystemExit) as exit_info:
        run_main(main, [SHIPPED, *map(str, arguments)])
    captured = capsys.readouterr()
    return exit_info.value.code, captured.out.splitlines(), captured.err.splitlines()


def told(lines):
    """Returns what the lines say, without times."""
    return [{name: value for name, value in json.loads(line).items() if name != "milliseconds"} for line in lines]


def test_lines_and_errors_are_those_of_one_process_in_its_order(tmp_path, capsys):
    for number in range(40):
        (tmp_path / f"{number}.png").write_bytes((SAMPLES / f"{number % 8 + 1}.png").read_bytes())
    (tmp_path / "17.png").write_bytes(b"no image")
    arguments = tmp_path, "--json", "--cells", "--exit_entropy=0", "--num_patches=3"
    expected, found = run(capsys, *arguments), run(capsys, *arguments, "--workers=3")
    assert [Path(one["path"]).name for one in told(found[1])] == [f"{number}.png" for number in range(40)]
    assert (found[0], told(found[1]), found[2]) == (1, told(expected[1]), expected[2])
    assert "error" in told(found[1])[17]


def test_there_are_no_more_processes_than_cores(capsys, monkeypatch):
    started = []
    monkeypatch.setattr(workers, "_start", lambda start=workers._start: started.append(start()) or started[-1])
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 5})
    assert run(capsys, SAMPLES / "1.png", "--workers=4")[0] == 0
    assert len(started) == 2


def test_overlays_and_times_are_kept(tmp_path, capsys):
    arguments = SAMPLES / "1.png", SAMPLES / "2.png", f"--overlay={tmp_path}", "--timing", "--workers=2"
    status, lines, errors = run(capsys, *arguments)
    assert (status, len(lines), sorted(os.listdir(tmp_path))) == (0, 2, ["1.png", "2.png"])
    assert errors[0].startswith("loading: bundle ")
    assert ", workers " in errors[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x.png", "--workers=0"], "--workers: must be a whole number of at least 1, received 0"),
        (["--camera=auto", "--workers=2"], "--workers goes with PATH..., and a camera has one"),
        (["x.png", "--workers=2", "--num_patches=0"], "num_patches must be from 1 to the number of cells"),
        (["none.png", "--workers=2"], "no such file: none.png; check the path"),
        (["-", "--workers=2"], "a line of standard input has more than 65,536 bytes"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(arguments, message, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x" * 70_000)))
    status, lines, errors = run(capsys, *arguments)
    assert (status, lines, len(errors)) == (2, [], 1)
    assert message in errors[0]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_answers_come_while_paths_are_still_to_come_and_a_signal_ends_all_quietly(number, status):
    with subprocess.Popen([*PROGRAM, "-"], stdin=subprocess.PIPE, bufsize=1, **PIPES) as running:
        for name, digit in (("1", "7"), ("2", "3")):
            running.stdin.write(f"{SAMPLES / name}.png\n")
            assert f"{name}.png: {digit} " in running.stdout.readline()
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        running.send_signal(number)
        assert running.wait() == status
        assert (running.stdout.read(), running.stderr.read()) == ("", "")
    assert len(children) == min(2, len(os.sched_getaffinity(0)))
    assert not any(Path(f"/proc/{child}").exists() for child in children)


def test_a_reader_that_leaves_early_is_no_error():
    running = subprocess.Popen([*PROGRAM, *[SAMPLES] * 20], **PIPES)
    running.stdout.readline()
    running.stdout.close()
    assert running.stderr.read() == ""
    running.stderr.close()
    assert running.wait() == 0


def test_a_process_that_ends_is_told_behind_the_lines_before_it():
    first_is_told = threading.Event()
    pool = workers.Workers(1, parse_arguments([SHIPPED, "-"]))

    def paths():
        yield SAMPLES / "1.png"
        first_is_told.wait()
        pool._processes[0].kill()
        yield SAMPLES / "2.png"

    try:
        pool.wait()
        answers = pool.tell(paths())
        assert next(answers).line.split()[1] == "7"
        first_is_told.set()
        with pytest.raises(WorkError, match="a worker ended, with status -9"):
            list(answers)
    finally:
        pool.close()
