import kept_results
import pytest
import tiny_bundles


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


@pytest.fixture
def classifier_workdir(classifier, tmp_path):
    """A finished workdir of the test's own."""
    return tiny_bundles.write_workdir(tmp_path / "workdir", classifier)


@pytest.fixture
def results(tmp_path):
    """A small folder of results of the test's own."""
    return kept_results.keep_all(tmp_path / "results")
