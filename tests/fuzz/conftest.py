"""The number of cases that each test of this folder makes: 40, and DCN_FUZZ where it is set (`make fuzz`)."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

CASES = int(os.environ.get("DCN_FUZZ", "40"))

settings.register_profile(
    "dcn",
    max_examples=CASES,
    deadline=None,
    database=None,
    derandomize=CASES == 40,  # the tests are the same every time, `make fuzz` is another every time
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("dcn")


@pytest.fixture(scope="module")
def place():
    """Returns a folder that all cases of a module write into, in memory where there is such a place."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)
