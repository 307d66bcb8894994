import json

from kept_results import row

from tools import tables

AGAINST = {"difference": 1.0, "interval": [-0.5, 2.5], "ours_alone": 4, "theirs_alone": 2, "p": 0.6875}
COSTS = {"coarse": 50_000_000, "fine": 2_000_000_000, "dcn": {"1": 60_000_000, "8": 100_000_000}}
RUN = {
    "dataset_detail": "some photographs",
    "seed": 0,
    "steps": 100,
    "seconds": 600.0,
    "test_images": 200,
    "error": {"coarse": 24.0, "fine": 2.0, "dcn": {"1": 9.0, "8": 3.0}},
    "multiplications": COSTS,
    "interval": {"coarse": [18.0, 30.0], "fine": [0.5, 4.0], "dcn": {"1": [5.0, 13.0], "8": [1.0, 5.5]}},
    "against_fine": {"dcn": {"8": AGAINST}},
    "readings": {"found": 99.5, "centred": 98.0},
    "threshold": {"probability": 0.6125, "false_readings": 1.5, "kept": 96.04},
    "more_tests": {"without a number": {"error": {"dcn": {"8": 21.5}}, "multiplications": COSTS, "test_images": 200}},
    "config": {"batch_size": 64, "preset": "numbers"},
}
WAY = {"error": {"percent": 4.0, "standard_error": 1.62}}
COMPARISON = {
    "images": {"source": "signs.zip", "split": "test", "crops": True, "labelled": 1_200},
    "bundle": {"num_patches": 6},
    "readers": {"bundle": WAY, "rapidocr": {"error": {"percent": 13.3, "standard_error": 2.78}}},
    "ratio": {"milliseconds": 0.04},
    "difference": {"points": -9.3, "standard_error": 2.9},
    "problems": ["others took 39% of the time; stop what else runs"],
    "versions": {"rapidocr-onnxruntime": "1.2.3"},
}


def keep(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def section(results):
    """Returns what RESULTS.md says about house numbers."""
    return tables.render(results)[0]["RESULTS.md"].partition("## House numbers\n")[2]


def test_the_shipped_reader_comes_first(results):
    keep(results / "photographs" / "result.json", RUN)
    text = section(results)
    assert text.startswith("\n### The shipped reader, 200 rendered photographs")
    cells = ["3.00", "1.00 to 5.50", "100", "0.050", "+1.00", "-0.50 to 2.50", "4 / 2", "0.688", "21.5"]
    assert row(text, "DCN, 8 patches") == cells
    assert row(text, "coarse") == ["24.00", "18.00 to 30.00", "50", "0.025", "", "", "", "", ""]
    assert "3.00 against 2.00 % with 8 patches, for 1/20.0 of the multiplications. One photograph is 0.5 points" in text
    assert "99.5 % overlap the true one by more than 0.3" in text
    assert "98.0 % have their middle in it" in text
    assert "read in 21.5 % of photographs without a number, and in 1.5 % with the threshold" in text
    assert "chose, 0.613. 96.0 % of right readings reach it" in text


def test_a_run_without_those_figures_has_no_sentence_about_them(results):
    some = {
        key: RUN[key] for key in RUN if key not in ("interval", "against_fine", "readings", "threshold", "more_tests")
    }
    keep(results / "photographs" / "result.json", some)
    text = section(results)
    assert row(text, "DCN, 8 patches") == ["3.00", "", "100", "0.050", "", "", "", "", ""]
    assert "**Boxes" not in text
    assert "**False readings**" not in text


def test_a_bundle_beside_rapidocr(results):
    keep(results / "ocr" / "alone.json", {key: COMPARISON[key] for key in COMPARISON if key != "ratio"})
    assert "RapidOCR" not in section(results)
    keep(results / "ocr" / "beside.json", COMPARISON)
    text = section(results)
    assert "int8, beside RapidOCR 1.2.3" in text
    name = "signs.zip, test, tight crops, 1,200 images"
    assert row(text, name) == ["4.0 ± 1.6", "13.3 ± 2.8", "-9.3 ± 2.9", "1/25.0"]
    assert "--num_patches=6 --images=IMAGES`, tight crops with `--crops` and a part with `--split`" in text
    assert f"- {name}: others took 39% of the time." in text
    stretched = COMPARISON | {"bundle": {"num_patches": 6, "stretch": 1.4}, "ratio": {"milliseconds": 0.08}}
    keep(results / "ocr" / "stretched.json", stretched)
    assert row(section(results), f"{name}, `--stretch=1.4`") == ["4.0 ± 1.6", "13.3 ± 2.8", "-9.3 ± 2.9", "1/12.5"]


def test_scales_read_apart_are_told_from_the_shipped_reader(results):
    text = section(results)
    run = json.loads((results / "street_numbers" / "result.json").read_text())
    errors = ", ".join(f"{at['error']['dcn']['6']:.1f}" for at in run["scales"])
    assert f"DCN, 6 patches a scale {errors}." in text
    assert f"oracle {run['selectors']['oracle']['6']:.1f}" in text
    assert "no rival of the shipped reader" in text
