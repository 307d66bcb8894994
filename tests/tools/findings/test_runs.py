import json

import pytest
from kept_results import keep_run

from edge.errors import UserError
from tools.findings.runs import Figure, read_curves, read_runs, read_sweep


def test_runs_of_one_variant_must_be_alike(results):
    keep_run(results / "cluttered_mnist" / "dcn_hint_seed2", seed=2, preset="another")
    with pytest.raises(UserError, match=r"dcn_hint_seed2 and .*dcn_hint_seed0 .* differ in preset: 'another' and"):
        read_sweep(results / "cluttered_mnist")


def test_runs_may_begin_with_other_seeds_of_one_variant(results):
    folder = results / "cluttered_mnist"
    for seed, begun in ((10, "runs/a_seed0"), (11, "runs/a_seed1")):
        keep_run(folder / f"on_seed{seed}", seed=seed, init_from=begun)
    assert len(read_sweep(folder)["on"].runs) == 2
    keep_run(folder / "on_seed12", seed=12, init_from="runs/b_seed0")
    with pytest.raises(UserError, match="differ in init_from: 'runs/b' and 'runs/a'"):
        read_sweep(folder)


def test_an_option_that_came_with_a_later_version_makes_no_other_variant(results):
    keep_run(results / "cluttered_mnist" / "dcn_hint_seed2", seed=2, came_later=1)
    assert len(read_sweep(results / "cluttered_mnist")["dcn_hint"].runs) == 3


def test_a_damaged_result_is_named(results):
    (results / "cluttered_mnist" / "coarse_seed0" / "result.json").write_text("{")
    with pytest.raises(UserError, match=r"coarse_seed0/result.json cannot be read"):
        read_sweep(results / "cluttered_mnist")


@pytest.mark.parametrize("key", ["config", "steps", "error"])
@pytest.mark.parametrize("value", [None, {}, 0, "gone"])
def test_an_incomplete_result_is_named(key, value, results):
    path = results / "cluttered_mnist" / "coarse_seed0" / "result.json"
    found = json.loads(path.read_text()) | {key: value}
    path.write_text(json.dumps({name: part for name, part in found.items() if part != "gone"}))
    with pytest.raises(UserError, match=rf"coarse_seed0/result.json has no {key} of a finished run; restore it"):
        read_sweep(results / "cluttered_mnist")


def test_runs_of_a_sweep_are_grouped_by_variant_in_the_order_of_their_seeds(tmp_path):
    for seed in (10, 2):
        keep_run(tmp_path / f"a_seed{seed}", seed=seed, error=float(seed))
    keep_run(tmp_path / "b_seed0", model="fine", error=3.0)
    keep_run(tmp_path / "neither")
    found = read_sweep(tmp_path)
    assert list(found) == ["a", "b"]
    assert [run["seed"] for run in found["a"].runs] == [2, 10]
    assert found["a"].figure("error", "dcn", "8") == Figure(6.0, pytest.approx(32**0.5))
    assert found["b"].figure("error", "fine") == Figure(3.0, None)
    assert found["b"].figure("error", "dcn", "8") is None
    assert found["a"].images == 12800
    assert read_sweep(tmp_path / "nothing") == {}


def test_single_runs_are_those_right_below_the_folder(results):
    assert list(read_runs(results)) == ["street_numbers"]


def test_a_curve_is_the_mean_over_seeds_at_the_steps_that_all_have(tmp_path):
    keep_run(tmp_path / "a_seed0", curve=[(50, 1.0), (100, 2.0)])
    keep_run(tmp_path / "a_seed1", seed=1, curve=[(100, 4.0), (150, 9.0)])
    variant = read_sweep(tmp_path)["a"]
    assert variant.curve("train/loss/hint") == ((100, 3.0),)
    assert variant.curve("train/loss") == ()
    (tmp_path / "a_seed1" / "curves.csv").unlink()
    assert variant.curve("train/loss/hint") == ()


@pytest.mark.parametrize("row", ["x,a,1", "1,a,", "1,a,inf", "1"])
def test_damaged_curves_are_named(tmp_path, row):
    (tmp_path / "curves.csv").write_text(f"step,name,value\n1,a,2\n{row}\n")
    with pytest.raises(UserError, match=r"curves\.csv cannot be read: .*; restore it, or remove it"):
        read_curves(tmp_path / "curves.csv")
    assert read_curves(tmp_path / "none.csv") == {}


def test_a_figure_says_its_spread_where_it_has_one():
    assert Figure(1.234, None).text() == "1.23"
    assert Figure(1234.5, 0.26).text(1) == "1,234.5 ± 0.3"
