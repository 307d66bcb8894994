import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edge import operations
from edge.bundle import write_bundle
from edge.energy.graph import GraphTensor, Operator
from edge.energy.operations import ModelOperations, count
from edge.energy.table import HOROWITZ
from edge.errors import UserError

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "models" / "cluttered_mnist"


def test_the_command():
    command = [sys.executable, "-m", "edge.operations", "--bundle=models/cluttered_mnist"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("modelled, not measured: Horowitz")
    assert [line for line in lines if line.endswith(".tflite")] == [
        "coarse.tflite", "fine.tflite", "top.tflite", "whole_fine.tflite",
    ]  # fmt: skip
    energies = lines[lines.index("modelled energy of one image") + 1 :]
    assert re.match(r"coarse answer alone: [\d.]+ uJ = .*; 6,763,104 MACs; ", energies[0])
    assert re.match(r"coarse, fine on 8 patches, top: [\d.]+ uJ = .*; 17,273,952 MACs; ", energies[1])
    assert re.match(r"whole fine model: [\d.]+ uJ = .*; 83,643,072 MACs; ", energies[2])
    assert energies[3].startswith("not modelled: NumPy")
    assert max(map(len, lines[2:-5])) <= 120


def test_patches_and_table(capsys, tmp_path):
    table = json.loads(HOROWITZ.read_text()) | {"name": "mine"}
    (tmp_path / "table.json").write_text(json.dumps(table))
    operations.main([f"--bundle={SHIPPED}", "--num_patches=2", f"--energy_table={tmp_path}/table.json"])
    out = capsys.readouterr().out
    assert out.startswith("modelled, not measured: mine (")
    assert "coarse, fine on 2 patches, top: " in out
    assert f"{6_763_104 + 2 * 1_166_400 + 8 * 36_864:,} MACs" in out


def test_unknown_operators_are_question_marks():
    values = GraphTensor((1, 10), "float32")
    model = ModelOperations("x", (count(Operator("SOFTMAX", (values,), (values,))),))
    _, _, softmax, total = operations.operator_table(model).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (softmax, total)]
    assert cells[0] == ["SOFTMAX", "float32", "1 x 10", "?", "?", "0", "80"]
    assert cells[1] == ["total", "", "", "at least 0", "at least 0", "0", "80"]


def test_a_bundle_without_the_whole_fine_model(capsys, bundle_copy, tmp_path):
    manifest = dict(bundle_copy.manifest.content)
    manifest["models"] = {name: entry for name, entry in manifest["models"].items() if name != "whole_fine"}
    files = {name: content for name, content in bundle_copy.files.items() if name not in ("manifest.json",)}
    files.pop("whole_fine.tflite")
    write_bundle(tmp_path / "less", files, manifest)
    operations.main([f"--bundle={tmp_path / 'less'}"])
    assert "whole" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--bundle"),
        (["--bundle=nowhere"], "^no such bundle: nowhere"),
        ([f"--bundle={SHIPPED}", "--num_patches=0"], "must be 1 to 529, received 0"),
        ([f"--bundle={SHIPPED}", "--energy_table=none.json"], "^none.json cannot be read"),
    ],
)
def test_wrong_input(arguments, message):
    with pytest.raises(UserError, match=message):
        operations.main(arguments)
