"""A small folder of results, as sweeps and single runs leave them."""

import json
import shutil
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "results"


def keep_run(folder, model="dcn", error=1.0, seed=0, curve=(), curve_name="hint", selectors=None, **config):
    """Writes what a run of three numbers of patches leaves."""
    patches = {"1": 2 * error, "8": error, "16": 0.9 * error}
    errors = {"dcn": {"coarse": 4.0, "fine": 1.5, "dcn": patches}, "ram": {"ram": {"1": 3 * error, "8": error}}}
    errors = errors.get(model, {model: error})
    costs = {"coarse": 6_400_000, "fine": 83_000_000, "dcn": {"1": 14_900_000, "8": 23_000_000, "16": 32_200_000}}
    costs["ram"] = {"1": 260_000, "8": 2_030_000}
    result = {
        "dataset_detail": "some images",
        "seed": seed,
        "steps": 100,
        "seconds": 600.0,
        "error": errors,
        "multiplications": {name: costs[name] for name in errors},
        "test_images": 1000,
        "config": {"seed": seed, "batch_size": 128, "preset": "cluttered_mnist", "model": model} | config,
    }
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(result | ({"selectors": selectors} if selectors else {})))
    rows = [f"{step},train/loss/{curve_name},{value}" for step, value in curve]
    (folder / "curves.csv").write_text("\n".join(["step,name,value", *rows]))


def keep_all(folder):
    """Writes two seeds of the network, one of two baselines, two ablations, and one single run; returns the folder."""
    shutil.copytree(RESULTS / "street_numbers", folder / "street_numbers")
    shutil.copy(RESULTS / "published.json", folder)
    sweep = folder / "cluttered_mnist"
    other = {"random": {"1": 60.0, "8": 50.0, "16": 40.0}}
    keep_run(sweep / "dcn_hint_seed0", error=1.0, curve=[(50, 4.0), (100, 2.0)], selectors=other)
    keep_run(sweep / "dcn_hint_seed1", error=1.2, seed=1, curve=[(50, 6.0), (100, 1.0)], selectors=other)
    keep_run(sweep / "dcn_relative_hint_seed0", error=0.9, curve=[(100, 30.0)], curve_name="distance", batch_size=64)
    keep_run(sweep / "coarse_seed0", model="coarse", error=3.7)
    keep_run(sweep / "ram_seed0", model="ram", error=9.0)
    (sweep / "dcn_hint_seed1" / "attention.png").touch()
    ablations = folder / "cluttered_mnist_ablations"
    keep_run(ablations / "hint_0.2_seed0", error=1.3, hint_weight=0.2, patch_size=None)
    keep_run(ablations / "patch_18_seed0", error=1.4, hint_weight=0.05, patch_size=[18])
    return folder


def row(text, name):
    """Returns the cells of the first row of this name in a Markdown text."""
    rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|"))
    return next(cells for first, *cells in rows if first == name)
