"""Several devices and several processes, which take a minute: make test-distribute."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}", "TF_CPP_MIN_LOG_LEVEL": "3"}
PATIENCE = 1800  # seconds: the processes may have little of a processor
STEPS = 400
FLAGS = (
    *("--distribute=multiworker", f"--train_steps={STEPS}", "--checkpoint_every=100", "--log_every=50"),
    *("--hint_weight=0.05", "--batch_size=8"),
)

pytestmark = pytest.mark.skipif(
    not os.environ.get("DCN_DISTRIBUTE"), reason="starts nine processes, for a minute: make test-distribute"
)


def test_two_devices_give_the_losses_of_one():
    program = [sys.executable, "-m", "two_devices"]
    done = subprocess.run(program, env=ENVIRONMENT, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found["two"]["losses"]) == 6
    np.testing.assert_allclose(found["two"]["losses"], found["one"]["losses"], rtol=1e-4)
    assert found["two"]["error"] == found["one"]["error"]


@contextlib.contextmanager
def workers(workdir):
    """Two processes on the loopback address, which train together."""
    addresses = []
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            free = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            addresses.append(f"127.0.0.1:{free.getsockname()[1]}")
    processes = []
    for index in range(2):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = ENVIRONMENT | {"TF_CONFIG": json.dumps(config)}
        program = [sys.executable, "-m", "tiny_training", f"--workdir={workdir}", *FLAGS]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        processes.append(subprocess.Popen(program, env=environment, cwd=ROOT, **pipes))
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def finished(workdir):
    """Trains to the end, and returns the result and what the second worker printed."""
    with workers(workdir) as (chief, other):
        said = chief.communicate(timeout=PATIENCE)[1]
        printed = other.communicate(timeout=PATIENCE)[0]
        assert (chief.returncode, other.returncode) == (0, 0), said
    return json.loads((workdir / "result.json").read_text()), printed


def test_a_worker_is_killed_and_the_job_goes_on(tmp_path):
    whole, printed = finished(tmp_path / "whole")
    assert printed == ""
    assert whole["steps"] == STEPS
    with workers(tmp_path / "killed") as (chief, other):
        end = time.monotonic() + PATIENCE
        while not (tmp_path / "killed" / "checkpoints" / "ckpt-100.sha256").exists():
            assert chief.poll() is None, chief.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.05)
        other.kill()
        said = chief.communicate(timeout=PATIENCE)[1]
    assert chief.returncode == 1, said
    assert "another of the 2 workers is gone" in said.splitlines()[-1]
    assert "the checkpoint of step" in said.splitlines()[-1]
    assert "Traceback" not in said
    assert not (tmp_path / "killed" / "result.json").exists()

    resumed, _ = finished(tmp_path / "killed")
    assert resumed["steps"] == STEPS
    assert (resumed["error"], resumed["validation_error"]) == (whole["error"], whole["validation_error"])
    curves = [(tmp_path / name / "curves.csv").read_text().splitlines() for name in ("whole", "killed")]
    assert curves[0][-1] == curves[1][-1]
    losses = [[line for line in lines if ",train/loss," in line][-1] for lines in curves]
    np.testing.assert_allclose(*(float(line.split(",")[2]) for line in losses), rtol=1e-4)
