import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy, of the extra dev, is not installed")
def test_typed_packages_have_no_type_errors():
    for package in ("dcn_tf", "edge"):
        assert (ROOT / package / "py.typed").is_file()
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
