from pathlib import Path

import numpy as np
import pytest

from edge.bundle import load_bundle
from edge.network.runner import NEVER, TwoStageRunner
from edge.sight.images import expand, load_image
from tools.pi import plain

MODELS = Path(__file__).parents[3] / "models"


@pytest.mark.parametrize(
    ("savings", "windows"),
    [
        ([], None),
        (["closed_form"], None),
        (["changed_windows"], 100),
        (["compiled"], None),
        (["in_place"], None),
        (plain.SAVINGS, 100),
    ],
)
def test_savings_that_are_left_out_change_no_answer(savings, windows):
    bundle = load_bundle(MODELS / "cluttered_mnist")
    saving = TwoStageRunner(bundle)
    other = TwoStageRunner(bundle, kernels=plain.without(savings))
    for path in expand([str(MODELS / "samples")]):
        image = load_image(path, bundle.manifest.input)
        wanted, found = (runner.run(image, exit_entropy=NEVER) for runner in (saving, other))
        np.testing.assert_allclose(found.log_probabilities, wanted.log_probabilities, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(found.cells, wanted.cells)
        np.testing.assert_allclose(found.saliency, wanted.saliency, rtol=1e-4, atol=1e-6 * wanted.saliency.max())
        assert found.top_inputs == (windows or wanted.top_inputs) >= wanted.top_inputs
