"""Signals, sent to a process that stands for a training: a step is a tenth of a second of sleep."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from train import signals

PROGRAM = """
import hashlib, sys, time
from train import signals

print("ready", flush=True)
try:
    with signals.handling(), signals.after_step() as asked:
        for step in range(100):
            {step}
            print("step", flush=True)
            if asked.number:
                raise signals.Stopped(asked.number, "saved")
except signals.Stopped as error:
    print(error, flush=True)
    sys.exit(128 + error.number)
"""
STEP = "print('in', flush=True); time.sleep(0.1)"
NATIVE = "print('in', flush=True); hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)"  # minutes, without Python


@pytest.fixture
def begun():
    """Returns what begins a process, which does not outlive the test."""
    processes = []

    def begin(step, **options):
        command = [sys.executable, "-c", PROGRAM.format(step=step)]
        folder = Path(__file__).parents[2]
        processes.append(subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, **options))
        return processes[-1]

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def wait_for(process, line):
    for said in process.stdout:
        if said.strip() == line:
            return
    raise AssertionError(f"{line} was not said")


def test_a_signal_that_came_while_a_step_was_saved_is_obeyed_before_what_follows():
    with signals.after_step() as asked:
        signal.raise_signal(signal.SIGINT)  # noted
        with pytest.raises(signals.Stopped, match="stopped by SIGINT"), asked.at_once():
            raise AssertionError("minutes of evaluation")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_the_first_signal_lets_the_step_be_finished(begun, number, status):
    process = begun(STEP, stderr=subprocess.PIPE)
    wait_for(process, "in")
    process.send_signal(number)
    said, errors = process.communicate(timeout=20)
    assert said == "step\nsaved\n"
    assert process.returncode == status
    assert errors == f"\n{number.name}: stopping after this step; a second signal stops at once\n"


def test_the_second_signal_stops_at_once_also_in_native_code(begun):
    process = begun(NATIVE, stderr=subprocess.DEVNULL)
    wait_for(process, "in")
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 143


def test_what_is_ignored_stays_ignored(begun):
    process = begun(STEP, stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    wait_for(process, "in")
    process.send_signal(signal.SIGHUP)  # as nohup asks for
    wait_for(process, "step")
    wait_for(process, "step")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 143
