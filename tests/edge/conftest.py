"""Bundles: of tiny networks, with what the networks themselves say, made by `edge_cases`; and the shipped one."""

import importlib.util
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from edge.bundle import Bundle, load_bundle

# Compared with the library's own functions; the rest of this folder runs where the device's programs run.
NEED_TENSORFLOW = [
    *("network/test_patches.py", "network/test_presence_gradient.py", "network/test_saliency_gradient.py"),
]
HAS_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None
collect_ignore = [] if HAS_TENSORFLOW else NEED_TENSORFLOW
SHIPPED = Path(__file__).parents[2] / "models" / "cluttered_mnist"


@dataclass(frozen=True)
class Case:
    """Bundles of a network with random weights, images, and the network's named outputs for them; see `edge_cases`."""

    images: np.ndarray
    references: dict
    float32: Bundle
    ptq: Bundle

    def at(self, num_patches: int) -> dict:
        """Returns the network's outputs for the images at 1, 3 or 8 patches."""
        prefix = f"{num_patches}/"
        return {name.removeprefix(prefix): v for name, v in self.references.items() if name.startswith(prefix)}

    @property
    def expected(self) -> dict:
        """The network's outputs at its own number of patches."""
        return self.at(3)

    @property
    def heads(self) -> tuple:
        """Number of categories of each softmax."""
        return self.float32.manifest.task.heads


@dataclass(frozen=True)
class PyramidCase:
    """Bundles of a network that reads images of any size, images, and the network's outputs for each of them."""

    images: list
    expected: list
    float32: Bundle
    ptq: Bundle


@pytest.fixture(autouse=True)
def interrupts_are_heard():
    """What is started in the background inherits that SIGINT is ignored, and hands it on to the programs it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def edge_cases(tmp_path_factory):
    """The folder that `tests/support/edge_cases.py` writes: made before, or here where there is TensorFlow."""
    if "DCN_EDGE_CASES" in os.environ:
        return Path(os.environ["DCN_EDGE_CASES"])
    if not HAS_TENSORFLOW:
        pytest.skip("needs what TensorFlow makes: set DCN_EDGE_CASES to the folder of tests/support/edge_cases.py")
    from edge_cases import write_cases

    directory = tmp_path_factory.mktemp("edge") / "cases"
    write_cases(directory)
    return directory


def _case(directory):
    with np.load(directory / "references.npz") as file:
        references = dict(file)
    bundles = {method: load_bundle(directory / method) for method in ("float32", "ptq")}
    return Case(references["images"], references, **bundles)


@pytest.fixture(scope="session")
def classifier_case(edge_cases):
    return _case(edge_cases / "classifier")


@pytest.fixture(scope="session")
def sequence_case(edge_cases):
    return _case(edge_cases / "sequence")


@pytest.fixture(scope="session")
def pyramid_case(edge_cases):
    with np.load(edge_cases / "pyramid" / "references.npz") as file:
        references = dict(file)
    count = len({name.partition("/")[0] for name in references})
    expected = [
        {name.removeprefix(f"{i}/"): value for name, value in references.items() if name.startswith(f"{i}/")}
        for i in range(count)
    ]
    bundles = {method: load_bundle(edge_cases / "pyramid" / method) for method in ("float32", "ptq")}
    return PyramidCase([of_one["image"] for of_one in expected], expected, **bundles)


@pytest.fixture(params=["classifier", "sequence"])
def case(request):
    return request.getfixturevalue(f"{request.param}_case")


@pytest.fixture
def bundle_copy(tmp_path):
    """A bundle of the test's own, which it may damage."""
    return load_bundle(shutil.copytree(SHIPPED, tmp_path / "bundle"))
