"""Weights are drawn alike in each run of the tests, whatever ran before in the same process."""

import importlib.util

import pytest

HAS_KERAS = importlib.util.find_spec("keras") is not None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Seeds before a test's fixtures are made, those of wider scope too."""
    if HAS_KERAS:
        import keras

        keras.utils.set_random_seed(0)
