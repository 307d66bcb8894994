import copy
from pathlib import Path

import pytest

from edge.bundle import load_bundle, write_bundle
from edge.errors import UserError
from tools.pi import ablation, machine

MODELS = Path(__file__).parents[3] / "models"
SHIPPED = MODELS / "cluttered_mnist"


@pytest.fixture
def plain(tmp_path):
    shipped = load_bundle(SHIPPED)
    manifest = copy.deepcopy(shipped.manifest.content)
    manifest["models"]["coarse"]["layout"] = None
    files = {name: content for name, content in shipped.files.items() if name != "manifest.json"}
    return write_bundle(tmp_path / "plain", files, manifest).path


def test_every_saving_is_counted_alone(monkeypatch, plain, capsys):
    """With costs that are sums, so that every cell of the table says what was left out of it."""
    saved = {"closed_form": 1e6, "changed_windows": 2e6, "compiled": 5e5, "in_place": 2.5e5}

    def count(core, environment, *arguments):
        values = dict(argument.removeprefix("--").split("=", 1) for argument in arguments[3:])
        assert values["variant"] == "dcn_int8"
        cost = 3e6 + 4e6 * (values["bundle"] == str(plain)) + sum(saved[n] for n in values["without"].split(",") if n)
        return 10**9 + 8 * int(values["repetitions"]) * cost * {"a72": 2, "a76": 1}[core]

    monkeypatch.setattr(machine, "count", count)
    ablation.main([f"--environment={plain}", f"--images={MODELS / 'samples'}", f"--plain_bundle={plain}"])
    rows = [line.split()[-2:] for line in capsys.readouterr().out.splitlines()[1:]]
    none, alone, without_c, all_of_them = ["21.50", "10.75"], rows[1:5], ["7.50", "3.75"], ["6.00", "3.00"]
    assert rows == [none, *alone, without_c, ["6.50", "3.25"], all_of_them]
    assert alone == [["13.50", "6.75"], ["19.50", "9.75"], ["17.50", "8.75"], ["20.50", "10.25"]]


@pytest.mark.parametrize("swapped", [True, False])
def test_bundles_must_differ_in_what_they_take(plain, swapped):
    bundles = (plain, SHIPPED) if swapped else (SHIPPED, SHIPPED)
    with pytest.raises(UserError, match="laid_out, received .*, for classification"):
        ablation.main(
            [
                f"--environment={plain}",
                "--images=.",
                *map("=".join, zip(("--bundle", "--plain_bundle"), map(str, bundles))),
            ]
        )
