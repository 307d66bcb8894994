import json
from pathlib import Path

import numpy as np

NOTEBOOK = Path(__file__).parents[1] / "docs" / "first_steps.ipynb"


def test_the_notebook_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            assert not cell["outputs"]
            exec("".join(cell["source"]), names)
    assert "multiplications an image" in capsys.readouterr().out
    assert len(names["history"].history["accuracy"]) == 2
    assert names["picture"].size[1] == 4 * 64 + 3 * 4
    np.testing.assert_allclose(names["again"](names["images"])["logits"], names["model"](names["images"])["logits"])
