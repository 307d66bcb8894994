from pathlib import Path
from types import SimpleNamespace

import pytest

from edge.bundle import load_bundle
from edge.comparison import work
from edge.comparison.race import Outcome
from edge.comparison.variants import VARIANTS
from edge.comparison.work import mean_multiplications, shares
from edge.energy.operations import Quantity
from edge.errors import UserError

SHIPPED = Path(__file__).parents[3] / "models" / "cluttered_mnist"

# out_h * out_w * k_h * k_w * in * out of every convolution, and in * out of the dense layer, see dcn_tf.presets
# Of the first layer two places of a row see 7 x 9 pixels, which are laid out together; 24 such pairs make 47 places.
WINDOW = 4 * 4 * 24 * 96
COARSE = 47 * 24 * 7 * 9 * 1 * 24 + 23 * 23 * 3 * 3 * 12 * 24 + 10 * 10 * WINDOW


@pytest.fixture(scope="module")
def bundle():
    return load_bundle(SHIPPED)


def outcomes(*patches, saliency=True):
    return [Outcome("7", count, saliency) for count in patches]


def test_shares_of_the_work():
    assert shares(VARIANTS["fine_int8"], outcomes(0, 0, saliency=False)) == {(("whole_fine",), 0, False, None): 1.0}
    mixed = [*outcomes(8, 2, 8), *outcomes(0, saliency=False)]
    assert shares(VARIANTS["dcn_int8_exit"], mixed) == {
        (("coarse", "fine", "top"), 8, True, None): 0.5,
        (("coarse", "fine", "top"), 2, True, None): 0.25,
        (("coarse",), 0, False, None): 0.25,
    }


def test_multiplications_are_those_of_the_layers_and_of_the_saliency(bundle):
    def count(patches, saliency=True, name="dcn_int8"):
        return mean_multiplications(bundle, shares(VARIANTS[name], outcomes(*patches, saliency=saliency)))

    per_patch = (count([8]) - count([4])) // 4 - 4 * WINDOW
    assert count([0], saliency=False) == COARSE
    assert count([0]) == COARSE + WINDOW
    assert count([8]) == COARSE + WINDOW + 8 * (per_patch + 4 * WINDOW)
    assert count([8, 0]) == round((count([8]) + count([0])) / 2)
    fine = (
        12 * 6 * 3 * 4 * 48 + (12 * 12 + 6 * 6 + 6 * 6 + 1) * 3 * 3 * 24 * 24
    )  # of the first, two places share 4 pixels
    assert per_patch == fine
    assert round(count([0], saliency=False, name="fine_int8") / 1e6, 1) == 83.6


def test_for_sequences_the_saliency_is_a_pass_over_all_cells(sequence_case):
    bundle = sequence_case.ptq
    rows, columns = bundle.manifest.cells.map
    depth, logits = 8, sum(bundle.manifest.task.heads)
    with_saliency = mean_multiplications(bundle, {(("coarse",), 0, True): 1.0})
    assert (
        with_saliency - mean_multiplications(bundle, {(("coarse",), 0, False): 1.0}) == rows * columns * depth * logits
    )


@pytest.mark.parametrize("unknown", ["not read", "not understood"])
def test_what_is_not_known_is_none(bundle, monkeypatch, unknown):
    def operations(bundle, num_patches, size, stretch):
        if unknown == "not read":
            raise UserError("nothing is installed")
        return {"coarse": SimpleNamespace(multiply_accumulates=Quantity(5, at_least=True))}

    monkeypatch.setattr(work, "bundle_operations", operations)
    assert mean_multiplications(bundle, {(("coarse",), 0, False): 1.0}) is None
