from pathlib import Path

import numpy as np
import pytest

from edge.bundle import load_bundle
from tools.baselines.compiled_model import main, measure

pytest.importorskip("ai_edge_litert.compiled_model")

BUNDLE = Path(__file__).parents[3] / "models" / "cluttered_mnist"


def test_both_ways_give_the_same_outputs():
    bundle = load_bundle(BUNDLE)
    coarse = bundle.manifest.models["coarse"]
    raw = np.random.default_rng(0).integers(-128, 128, coarse.input.shape).astype(np.int8)
    sizes = sorted(np.prod(tensor.shape) for tensor in coarse.outputs)
    found = measure(bundle.model("coarse"), raw, rounds=2)
    assert list(found) == ["Interpreter", "CompiledModel", "CompiledModel, cache"]
    for taken in found.values():
        assert 0 < taken.in_place < 1e6
        assert sorted(output.size for output in taken.outputs) == sizes
        for output, expected in zip(taken.outputs, found["Interpreter"].outputs):
            np.testing.assert_array_equal(output, expected)
            assert len(np.unique(output)) > 2


def test_a_table_of_all_models(capsys):
    main([f"--bundle={BUNDLE}", "--rounds=1"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines[2:]] == ["coarse"] * 3 + ["fine"] * 3 + ["top"] * 3
    assert all(line.split()[-1] == "yes" for line in lines[2:])
