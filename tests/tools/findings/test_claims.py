import json
from pathlib import Path

from kept_results import keep_run, row

from tools import tables

ROOT = Path(__file__).parents[3]
WAY = {"error": 0.8, "interval": [0.7, 0.9], "num_patches": 8.0, "cpu_milliseconds": 0.5, "multiplications": 20_000_000}
AGAINST = {"difference": -0.4, "interval": [-0.5, -0.25], "ours_alone": 30, "theirs_alone": 230, "p": 1e-9}


def page(results):
    return tables.render(results)[0]["RESULTS.md"]


def finding(results, name):
    """Returns the sentences of one finding."""
    return next(line for line in page(results).splitlines() if line.startswith(f"- **{name}"))


def test_dcn_beside_the_fine_model(results):
    assert "**DCN and the fine model" not in page(results)
    keep_run(results / "cluttered_mnist" / "fine_seed0", model="fine", error=1.0)
    line = finding(results, "DCN and the fine model")
    assert "1.10 ± 0.14 against 1.00 % with 8 patches (2 and 1 runs), for 0.28 of the multiplications" in line
    assert "difference is +0.10 points" in line
    assert "from 1,000 images, is 0.33" in line  # sqrt(0.011 * 0.989 / 1000)
    assert "The paper has 1.39 against 1.70 %" in line


def test_the_best_dcn_beside_a_fine_model_with_the_same_help(results):
    folder, name = results / "cluttered_mnist", "The shipped DCN and the fine model with the same help"
    keep_run(folder / "dcn_muon_on_seed10", error=0.7)
    assert name not in page(results)
    keep_run(folder / "fine_muon_on_seed10", model="fine", error=0.6)
    for run, interval in (("dcn_muon_on", {"dcn": {"8": [0.6, 0.8]}}), ("fine_muon_on", {"fine": [0.5, 0.75]})):
        path = folder / f"{run}_seed10" / "result.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"interval": interval}))
    line = finding(results, name)
    assert "0.70 % (0.60 to 0.80) with 8 patches against 0.60 % (0.50 to 0.75)" in line
    assert "with 12,800 images, by Muon, taught by two teachers" in line
    assert "On the same images" not in line
    rows = {
        "coarse": {"error": 2.0, "against_fine": AGAINST},
        "dcn/4": {"against_fine": AGAINST},
        "dcn/8": {"against_fine": AGAINST},
        "fine": {},
    }
    (folder / "fine_muon_on_seed10" / "paired.json").write_text(json.dumps({"rows": rows}))
    same = (
        "On the same images, the DCN less the fine model, by number of patches: -0.40 points (-0.50 to -0.25) with 8. `"
    )
    assert same in finding(results, name)
    assert "--num_patches=4,8 " in finding(results, name)


def test_the_hint_and_the_patches(results):
    keep_run(results / "cluttered_mnist" / "dcn_no_hint_seed0", error=1.5)
    line = finding(results, "The hint")
    assert "2.20 ± 0.28 % with it and 3.00 without at 1 patch, 1.10 ± 0.14 % with it and 1.50 without at 8" in line
    assert "So 1.10 points are what one patch leaves out" in finding(results, "More patches")


def test_what_a_teacher_brings(results):
    folder = results / "cluttered_mnist"
    keep_run(folder / "dcn_taught_seed0", error=0.9)
    assert "A teacher" not in page(results)  # without its own error
    keep_run(folder / "teacher_seed0", model="fine", error=0.5)
    line = finding(results, "A teacher")
    assert "told where the digit lies has 0.50 %" in line
    assert "1 patch 1.80 % with it and 2.20 ± 0.28 without; 8 patches 0.90 % with it and 1.10 ± 0.14 without" in line
    assert row(page(results), "teacher, told where the digit lies")[2] == "0.50"


def test_what_muon_brings(results):
    folder = results / "cluttered_mnist"
    keep_run(folder / "dcn_muon_seed0", error=0.7)
    assert "**Muon**" not in page(results)  # without AdamW's
    keep_run(folder / "dcn_taught_seed0", error=0.9)
    line = finding(results, "Muon")
    assert "1 patch 1.40 % with it and 1.80 with AdamW; 8 patches 0.70 % with it and 0.90 with AdamW" in line


def test_a_better_selector(results):
    assert "A better selector" not in page(results)
    folder = results / "cluttered_mnist"
    for path in folder.glob("dcn_hint_seed*/result.json"):
        run = json.loads(path.read_text())
        run["selectors"]["loss_gradient"] = {"1": 2.0, "8": 1.0}
        path.write_text(json.dumps(run))
    line = finding(results, "A better selector")
    assert "+0.20 points at 1 patch and +0.10 points at 8 patches. Random cells have 50.00 ± 0.00 % at 8" in line


def test_a_rival_that_is_not_trained_to_its_end_says_so(results):
    path = results / "cluttered_mnist" / "draw_seed0"
    keep_run(path, model="ram", error=4.0)
    run = json.loads((path / "result.json").read_text())
    for kind in ("error", "multiplications"):
        run[kind]["draw"] = run[kind].pop("ram")
    run |= {"history": [{"first_step": 0, "train_steps": 400}], "cpu_milliseconds": {"draw": 0.25}}
    (path / "result.json").write_text(json.dumps(run))
    line = finding(results, "Rivals")
    assert "RAM 9.00 %, 2.0 M multiplications; DRAW 4.00 % (100 of 400 batches), 2.0 M multiplications, 0.25 ms" in line
    assert row(page(results), "DRAW (100 of 400 batches)")[2] == "4.00"


def test_a_bundle_on_many_images(results):
    folder = results / "cluttered_mnist_50000"
    folder.mkdir()
    ways = {
        "fine": WAY | {"error": 1.2, "multiplications": 80_000_000},
        "dcn/8": WAY | {"against_fine": AGAINST},
        "dcn, exit_entropy": WAY,
    }
    (folder / "tiny.json").write_text(json.dumps({"test_images": 50_000, "ways": ways}))
    text = page(results)
    assert "### `models/tiny`, int8, 50,000 images" in text
    cells = ["0.80", "0.70 to 0.90", "8.00", "20.00", "0.250", "-0.40", "-0.50 to -0.25", "30 / 230", "< 0.001"]
    assert row(text, "DCN, patches: 8") == cells
    assert row(text, "fine")[-1] == ""
    assert row(text, "DCN with exit entropy")[:2] == ["0.80", "0.70 to 0.90"]


def test_the_page_is_short_and_links_the_long_tables():
    text = (ROOT / "RESULTS.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    for name in ("cluttered_mnist", "house_numbers"):
        table = ROOT / "results" / "tables" / f"{name}.md"
        assert f"](results/tables/{name}.md)" in text
        assert "](results/" not in table.read_text(encoding="utf-8")
