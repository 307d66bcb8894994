import dataclasses

import kept_results
import numpy as np
import pytest
import tiny_bundles

WIDE = dataclasses.replace(tiny_bundles.pyramid_architecture(), image_size=(40, 40))


@pytest.fixture(scope="session")
def classifier():
    return tiny_bundles.make_network(tiny_bundles.classifier_architecture())


@pytest.fixture(scope="session")
def sequence():
    return tiny_bundles.make_network(tiny_bundles.sequence_architecture())


@pytest.fixture(scope="session")
def sequence_workdir(sequence, tmp_path_factory):
    """A finished workdir; tests must not change it."""
    return tiny_bundles.write_workdir(tmp_path_factory.mktemp("sequence"), sequence)


@pytest.fixture(scope="session")
def pyramid():
    return tiny_bundles.make_network(tiny_bundles.pyramid_architecture())


@pytest.fixture(scope="session")
def pyramid_workdir(pyramid, tmp_path_factory):
    """A finished workdir that keeps photographs too; tests must not change it."""
    return write_with_photographs(tmp_path_factory.mktemp("pyramid"), pyramid)


@pytest.fixture(scope="session")
def counting_workdir(tmp_path_factory):
    """The same of a network that counts symbols along a row; tests must not change it."""
    network = tiny_bundles.make_network(tiny_bundles.counting_architecture())
    return write_with_photographs(tmp_path_factory.mktemp("counting"), network)


def write_with_photographs(folder, network):
    workdir = tiny_bundles.write_workdir(folder, network)
    images = [image[: 40 - i, : 28 + i] for i, image in enumerate(tiny_bundles.make_images(WIDE, 12, seed=3))]
    facts = {"label_names": np.array(list("0123456789")), "dataset": "tiny", "split": "photographs"}
    np.savez(
        workdir / "samples" / "photographs.npz",
        pixels=np.concatenate([image.reshape(-1, 1) for image in images]),
        sizes=np.array([image.shape[:2] for image in images], np.int32),
        labels=np.tile(np.array([0, 10, 10, 10], np.int32), (12, 1)),
        **facts,
    )
    return workdir


@pytest.fixture
def classifier_workdir(classifier, tmp_path):
    """A finished workdir of the test's own."""
    return tiny_bundles.write_workdir(tmp_path / "workdir", classifier)


@pytest.fixture
def results(tmp_path):
    """A small folder of results of the test's own."""
    return kept_results.keep_all(tmp_path / "results")
