import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from edge.errors import UserError
from tools.baselines import ocr
from tools.baselines.ocr_report import report
from tools.baselines.side_by_side import Reading

ROOT = Path(__file__).parents[3]
SHIPPED, SAMPLES = ROOT / "models" / "cluttered_mnist", ROOT / "models" / "samples"
HAS_RAPIDOCR = importlib.util.find_spec("rapidocr_onnxruntime") is not None


def stand_in():
    """An engine that reads a 7 in everything, and nothing in crops."""
    return lambda image, **settings: (
        [["", 0.0]] if "use_det" in settings else [[[], "EXIT", 0.9], [[], "7", 0.8]],
        [0.0],
    )


@pytest.fixture
def samples(tmp_path):
    """Copies of the shipped samples, with the labels that the bundle reads in them."""
    folder = tmp_path / "samples"
    shutil.copytree(SAMPLES, folder)
    bundle = ocr.load_bundle(SHIPPED)
    read = ocr.bundle_reader(bundle)
    paths = sorted(folder.glob("*.png"))
    labels = {path.name: [int(read.read(read.load(path)))] for path in paths}
    (folder / "labels.json").write_text(json.dumps(labels))
    return folder


def run(arguments, tmp_path, monkeypatch):
    monkeypatch.setattr(ocr, "make_engine", stand_in)
    ocr.main([*arguments, f"--json={tmp_path / 'found.json'}"])
    return json.loads((tmp_path / "found.json").read_text())


def test_the_bundle_reads_as_edge_run_does(samples):
    command = [sys.executable, "-m", "edge.run", f"--bundle={SHIPPED}", "--json", str(samples)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    read = ocr.bundle_reader(ocr.load_bundle(SHIPPED))
    for line in map(json.loads, done.stdout.splitlines()):
        assert read.read(read.load(line["path"])) == line["prediction"]


def test_what_is_for_levels_is_refused_without_them(samples):
    with pytest.raises(UserError, match="--stretch is for bundles with levels"):
        ocr.main([f"--bundle={SHIPPED}", f"--images={samples}", "--stretch=1.4"])


def test_both_read_the_same_images_and_are_told_side_by_side(samples, tmp_path, monkeypatch, capsys):
    found = run([f"--bundle={SHIPPED}", f"--images={samples}"], tmp_path, monkeypatch)
    labels = json.loads((samples / "labels.json").read_text())
    sevens = sum(label == [7] for label in labels.values())
    assert found["images"] == {
        "source": "samples",
        "split": None,
        "crops": False,
        "count": 8,
        "labelled": 8,
        "labels": "labels.json",
    }
    assert found["bundle"]["name"] == ocr.load_bundle(SHIPPED).manifest.name
    assert found["readers"]["bundle"]["error"] == {"percent": 0.0, "standard_error": 0.0, "wrong": 0, "images": 8}
    assert found["readers"]["rapidocr"]["error"]["wrong"] == 8 - sevens
    assert found["difference"]["points"] == pytest.approx(-100 * (8 - sevens) / 8)
    assert [r["file"] for r in found["readings"]] == [f"{i}.png" for i in range(1, 9)]
    for reading in found["readings"]:
        assert reading["bundle"]["prediction"] == reading["label"] == str(labels[reading["file"]][0])
        assert reading["rapidocr"]["prediction"] == "7"
    ratios = [r["bundle"]["milliseconds"] / r["rapidocr"]["milliseconds"] for r in found["readings"]]
    assert min(ratios) <= found["ratio"]["milliseconds"] <= max(ratios)
    assert "bundle beside rapidocr" in capsys.readouterr().out


def test_crops_are_read_without_detection_and_rapidocr_alone_without_a_bundle(samples, tmp_path, monkeypatch):
    found = run([f"--images={samples}", "--crops", "--limit=3"], tmp_path, monkeypatch)
    assert found["bundle"] is None
    assert list(found["readers"]) == ["rapidocr"]
    assert "ratio" not in found
    assert [reading["rapidocr"]["prediction"] for reading in found["readings"]] == ["", "", ""]
    assert found["readers"]["rapidocr"]["error"]["percent"] == 100


def test_images_without_labels_are_timed(samples, tmp_path, monkeypatch, capsys):
    (samples / "labels.json").unlink()
    found = run([f"--bundle={SHIPPED}", f"--images={samples / '1.png'}"], tmp_path, monkeypatch)
    assert found["readers"]["bundle"]["error"] is None
    assert found["difference"] is None
    assert "not known" in capsys.readouterr().out


def test_a_reader_of_several_threads_is_told():
    one, two = Reading("7", 1.0, 1.0, 1.0), Reading("7", 1.0, 2.0, 1.0)
    assert ocr._threads({"bundle": [one], "rapidocr": [two]}) == [
        "rapidocr took 50% of its processors' time outside of one thread; do not compare its times"
    ]


def test_the_tables():
    def reader(percent, p50):
        errors = {"percent": percent, "standard_error": 2.8, "wrong": 1, "images": 150}
        took = {"p50": p50, "p90": 2 * p50}
        return {
            "error": errors,
            "by_length": {"1": errors, "2": errors},
            "milliseconds": took,
            "cpu_milliseconds": took,
        }

    text = report(
        {
            "images": {"count": 150, "source": "photographs", "crops": False, "labelled": 150},
            "readers": {"bundle": reader(6.0, 10.0), "rapidocr": reader(14.0, 320.0)},
            "ratio": {"milliseconds": 0.03125, "cpu_milliseconds": 1.5},
            "difference": {"points": -8.0, "standard_error": 3.0},
            "problems": ["others took 90% of the processors' time; stop what else runs"],
        }
    )
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "|" in line]
    assert rows[2:5] == [
        ["bundle", "6.0 ± 2.8", "10.0", "20.0", "10.0"],
        ["rapidocr", "14.0 ± 2.8", "320.0", "640.0", "320.0"],
        ["bundle beside rapidocr", "-8.0 ± 3.0", "1/32.0", "", "1.5 x"],
    ]
    assert rows[5] == ["error, %, by digits", "1 (150)", "2 (150)"]
    assert text.endswith("not valid by the clock: others took 90% of the processors' time; stop what else runs")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required: --images"),
        (["--images=none.png"], "no such file: none.png"),
        (["--images=models/samples", "--limit=0"], "--limit: must be a whole number of at least 1"),
        (["--images=models/samples", "--bundle=none"], "none"),
        (["--images=models/samples", "--json=models"], "--json=models is a folder"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(arguments, words, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(ocr, "make_engine", stand_in)
    with pytest.raises(SystemExit) as ended:
        ocr.run_main(ocr.main, arguments)
    told = capsys.readouterr().err
    assert (ended.value.code, told.count("\n")) == (2, 1)
    assert words in told


@pytest.mark.skipif(HAS_RAPIDOCR, reason="RapidOCR is installed")
def test_without_rapidocr_one_line_says_what_to_install():
    command = [sys.executable, "-m", "tools.baselines.ocr", f"--bundle={SHIPPED}", f"--images={SAMPLES}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")
    assert "pip install 'dcn-tf[ocr]'" in done.stderr


@pytest.mark.skipif(not HAS_RAPIDOCR, reason="needs RapidOCR: pip install '.[edge,ocr]'")
def test_rapidocr_reads_printed_numbers_in_one_thread(tmp_path):
    folder, labels = tmp_path / "printed", {"a.png": 210, "b.png": "47"}
    folder.mkdir()
    for name, label in labels.items():
        image = Image.new("RGB", (120, 48), "white")
        ImageDraw.Draw(image).text((30, 6), str(label), "black", ImageFont.load_default(32))
        image.save(folder / name)
    (folder / "labels.json").write_text(json.dumps(labels))
    for crops in ([], ["--crops"], ["--stretch=1.4", "--vote_lead=32"]):
        ocr.main([f"--bundle={SHIPPED}", f"--images={folder}", f"--json={tmp_path / 'found.json'}", *crops])
        found = json.loads((tmp_path / "found.json").read_text())
        assert [reading["rapidocr"]["prediction"] for reading in found["readings"]] == ["210", "47"]
        assert found["readers"]["rapidocr"]["elsewhere"] < 0.05
