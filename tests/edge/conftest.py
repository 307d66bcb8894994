"""Bundles of tiny networks, made once per session, and what the networks themselves say."""

import shutil
from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tiny_bundles

from edge.bundle import Bundle, load_bundle


@dataclass(frozen=True)
class Case:
    """A network, images, the network's named outputs for them, and its bundles."""

    network: keras.Model
    images: np.ndarray
    expected: dict
    float32: Bundle
    ptq: Bundle


def _case(architecture, directory):
    network = tiny_bundles.make_network(architecture)
    images = tiny_bundles.make_images(architecture, seed=7)
    expected = {name: value.numpy() for name, value in network(images.astype(np.float32) / 255).items()}
    workdir = tiny_bundles.write_workdir(directory / "workdir", network)
    bundles = {m: tiny_bundles.make_bundle(directory / m, workdir, m) for m in ("float32", "ptq")}
    return Case(network, images, expected, **bundles)


@pytest.fixture(scope="session")
def classifier_case(tmp_path_factory):
    return _case(tiny_bundles.classifier_architecture(padding="same"), tmp_path_factory.mktemp("classifier"))


@pytest.fixture(scope="session")
def sequence_case(tmp_path_factory):
    return _case(tiny_bundles.sequence_architecture(), tmp_path_factory.mktemp("sequence"))


@pytest.fixture(params=["classifier", "sequence"])
def case(request):
    return request.getfixturevalue(f"{request.param}_case")


@pytest.fixture
def bundle_copy(classifier_case, tmp_path):
    """A bundle of the test's own, which it may damage."""
    return load_bundle(shutil.copytree(classifier_case.float32.path, tmp_path / "bundle"))
