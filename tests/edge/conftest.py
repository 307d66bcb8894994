"""Bundles: of tiny networks, made once per session, with what the networks themselves say; and the shipped one."""

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from edge.bundle import Bundle, load_bundle

# Compared with the network's own functions; the rest of this folder runs where the device's programs run.
NEED_TENSORFLOW = ["test_numbers.py", "test_patches.py", "test_runner.py", "test_saliency.py"]
collect_ignore = [] if importlib.util.find_spec("tensorflow") else NEED_TENSORFLOW
SHIPPED = Path(__file__).parents[2] / "models" / "cluttered_mnist"


@dataclass(frozen=True)
class Case:
    """A network, images, the network's named outputs for them, and its bundles."""

    network: object
    images: np.ndarray
    expected: dict
    float32: Bundle
    ptq: Bundle


def _case(name, directory, **options):
    pytest.importorskip("tensorflow", reason="needs TensorFlow, which makes the bundles of tiny networks")
    import tiny_bundles

    architecture = getattr(tiny_bundles, f"{name}_architecture")(**options)
    network = tiny_bundles.make_network(architecture)
    images = tiny_bundles.make_images(architecture, seed=7)
    expected = {name: value.numpy() for name, value in network(images.astype(np.float32) / 255).items()}
    workdir = tiny_bundles.write_workdir(directory / "workdir", network)
    bundles = {m: tiny_bundles.make_bundle(directory / m, workdir, m) for m in ("float32", "ptq")}
    return Case(network, images, expected, **bundles)


@pytest.fixture(scope="session")
def classifier_case(tmp_path_factory):
    return _case("classifier", tmp_path_factory.mktemp("classifier"), padding="same")


@pytest.fixture(scope="session")
def sequence_case(tmp_path_factory):
    return _case("sequence", tmp_path_factory.mktemp("sequence"))


@pytest.fixture(params=["classifier", "sequence"])
def case(request):
    return request.getfixturevalue(f"{request.param}_case")


@pytest.fixture
def bundle_copy(tmp_path):
    """A bundle of the test's own, which it may damage."""
    return load_bundle(shutil.copytree(SHIPPED, tmp_path / "bundle"))
