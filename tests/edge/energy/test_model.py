from pathlib import Path

import pytest

from edge.bundle import load_bundle
from edge.energy.arithmetic import ADD, MAC
from edge.energy.model import energy_of, mixture, modelled_energy
from edge.energy.operations import ModelOperations, Operation, Quantity
from edge.energy.table import EnergyTable, Level
from edge.errors import UserError

SHIPPED = Path(__file__).parents[3] / "models" / "cluttered_mnist"
TABLE = EnergyTable(
    "test", "nowhere", {"int8": 1, "int32": 2}, {"int8": 10}, (Level("near", 100, 1.0), Level("far", None, 50.0))
)


def operation(arithmetic, weight_bytes, activation_bytes):
    return Operation("ANY", "int8", (1,), arithmetic, weight_bytes, activation_bytes)


def test_two_models_by_hand():
    first = ModelOperations("a", (operation({(MAC, "int8"): 1000}, 60, 100), operation({(ADD, "int8"): 40}, 0, 101)))
    second = ModelOperations("b", (operation({(MAC, "int8"): 500}, 41, 10),))
    found = energy_of([first, second], TABLE)
    assert found.multiply_accumulates == Quantity(1500)
    assert found.other_arithmetic == Quantity(40)
    # 60 and 41 bytes of weights do not fit into 100 together; each operator's activations are placed for themselves
    assert found.bytes_by_level == {"near": Quantity(100 + 10), "far": Quantity(101 + 101)}
    assert found.arithmetic_uj.value == pytest.approx((1500 * (10 + 2) + 40 * 1) * 1e-6)
    assert found.memory_uj.value == pytest.approx((110 * 1 + 202 * 50) * 1e-6)
    assert found.microjoules.value == pytest.approx(found.arithmetic_uj.value + found.memory_uj.value)
    facts = found.to_dict()
    assert facts["source"] == "modelled (test)"
    assert facts["bytes"] == {"near": 110, "far": 202}
    assert facts["at_least"] is False
    assert "NumPy" in facts["not_modelled"]


@pytest.mark.parametrize(
    "unknown",
    [
        operation(None, 0, 1),
        operation({}, None, 1),
        operation({}, 0, None),
        operation({(MAC, "float32 x int8"): 9}, 0, 1),
    ],
)
def test_what_is_not_known_makes_it_at_least(unknown):
    known = operation({(MAC, "int8"): 1000}, 10, 10)
    found = energy_of([ModelOperations("a", (known, unknown))], TABLE)
    assert found.microjoules.at_least
    assert found.microjoules.value >= 1000 * 12e-6
    assert found.to_dict()["at_least"] is True
    assert not energy_of([ModelOperations("a", (known,))], TABLE).microjoules.at_least


def test_the_shipped_classifier():
    bundle = load_bundle(SHIPPED)
    two_stage, coarse, whole = (
        modelled_energy(bundle, models) for models in (("coarse", "fine", "top"), ("coarse",), ("whole_fine",))
    )
    assert two_stage.multiply_accumulates == Quantity(6_763_104 + 8 * 1_166_400 + 32 * 36_864)
    assert coarse.microjoules.value < two_stage.microjoules.value < whole.microjoules.value
    assert two_stage.source == "modelled (Horowitz, 45 nm, 0.9 V)"
    assert two_stage.arithmetic_uj.value > 0.3e-6 * two_stage.multiply_accumulates.value
    assert not two_stage.microjoules.at_least


def test_more_patches_cost_more():
    bundle = load_bundle(SHIPPED)
    energies = [modelled_energy(bundle, num_patches=k).arithmetic_uj.value for k in (1, 2, 3)]
    assert energies[2] - energies[1] == pytest.approx(energies[1] - energies[0]) != 0


def test_a_mixture_of_runs():
    bundle = load_bundle(SHIPPED)
    coarse, two_stage = modelled_energy(bundle, ("coarse",)), modelled_energy(bundle)
    mixed = mixture([(0.75, coarse), (0.25, two_stage)])
    assert mixed.microjoules.value == pytest.approx(
        0.75 * coarse.microjoules.value + 0.25 * two_stage.microjoules.value
    )
    assert mixed.multiply_accumulates.value == 6_763_104 + 0.25 * (8 * 1_166_400 + 32 * 36_864)
    assert mixed.bytes_by_level.keys() == coarse.bytes_by_level.keys()
    assert mixture([(1, two_stage)]) == two_stage


def test_a_model_that_is_not_there():
    with pytest.raises(UserError, match="has no model 'medium'; name some of coarse, fine, top, whole_fine"):
        modelled_energy(load_bundle(SHIPPED), ("medium",))
