"""Weights are drawn alike in each run of the tests, and signals come as to a program of its own."""

import importlib.util
import signal

import pytest

HAS_KERAS = importlib.util.find_spec("keras") is not None


def pytest_configure():
    """Heeds SIGINT, which a shell has the programs ignore that it starts in the background, and they theirs."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Seeds before a test's fixtures are made, those of wider scope too."""
    if HAS_KERAS:
        import keras

        keras.utils.set_random_seed(0)
