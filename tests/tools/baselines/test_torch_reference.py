import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = Path(__file__).with_name("torch_reference_checks.py")
# PyTorch loads Triton when an optimizer is made: after TensorFlow, Triton's LLVM ends the process.
TORCH_FIRST = "import sys, torch._dynamo, pytest; sys.exit(pytest.main(sys.argv[1:]))"


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is None,
    reason="compares with PyTorch, which is not installed (the extra 'torch')",
)
def test_the_reference_trains_as_our_network_does():
    command = [sys.executable, "-c", TORCH_FIRST, "--numprocesses=0", str(CHECKS)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKS.parents[3])
    assert done.returncode == 0, done.stdout + done.stderr
