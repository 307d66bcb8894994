"""The environment that `make test-edge` makes by pip from an extra of pyproject.toml, and names in DCN_EXTRA."""

import importlib.util
import os

import numpy as np
import pytest

from edge.network import interpreter

EXTRA = os.environ.get("DCN_EXTRA")
# What each extra installs: the runtime's module, and numpy's major version.
INSTALLED = {"edge": ("ai_edge_litert.interpreter", "2"), "edge-tflite": ("tflite_runtime.interpreter", "1")}

pytestmark = pytest.mark.skipif(EXTRA is None, reason="only in the environments of make test-edge")


def test_an_extra_for_the_device_brings_no_tensorflow():
    for name in ("tensorflow", "keras", "tf_keras", "tensorflow_datasets", "tensorflow_model_optimization"):
        assert importlib.util.find_spec(name) is None, name


def test_models_run_on_the_runtime_of_the_extra():
    runtime, numpy = INSTALLED[EXTRA]
    assert interpreter._runtime().__name__ == runtime
    assert np.__version__.partition(".")[0] == numpy
