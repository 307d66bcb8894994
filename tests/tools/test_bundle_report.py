from types import SimpleNamespace

import pytest

from edge.bundle.manifest import FileEntry
from edge.errors import UserError
from tools import bundle_report as report


def manifest(method, **changes):
    measured = {
        "dataset": "tiny",
        "split": "test",
        "images": 1200,
        "num_patches": 2,
        "error": {"dcn_keras": 1.0, "dcn_bundle": 1.25, "fine_keras": 2.0, "fine_bundle": 2.5},
        "agreement": {"dcn": 99.5, "fine": 99.0},
        "cell_overlap": 97.123,
        "float32_bytes": {"coarse.tflite": 4000},
        "layers": [{"model": "top", "layer": f"fine/{i}", "snr_db": 20.06 + i} for i in range(7)],
    }
    files = {"coarse.tflite": FileEntry("", 1000), "saliency.npz": FileEntry("", 77)}
    return SimpleNamespace(name="net", method=method, measured=measured | changes, files=files)


def test_bundles_stand_side_by_side():
    lines = report.report([manifest("ptq"), manifest("float32", layers=[], cell_overlap=100.0)]).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    assert lines[0] == "# net: 1,200 images of tiny test, 2 patches"
    assert rows[0][:2] == ["model", "error, %"]
    assert rows[1] == ["Keras", "1.00", "", "", "2.00", ""]
    assert rows[2] == ["ptq", "1.25", "99.50", "97.12", "2.50", "99.00"]
    assert rows[3] == ["float32", "1.25", "99.50", "100.00", "2.50", "99.00"]
    assert rows[4] == ["bytes", "float32", "ptq", "float32"]
    assert rows[5] == ["coarse.tflite", "4,000", "1,000", "1,000"]
    assert rows[6] == ["saliency.npz", "", "77", "77"]
    assert rows[7][0] == "ptq: worst layers of"
    assert rows[8:] == [["top", f"fine/{i}", f"{20.06 + i:.1f}"] for i in range(5)]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (manifest("qat", images=10), "measured on the same images, are needed, .*1200.* and .*10"),
        (SimpleNamespace(**vars(manifest("qat")) | {"name": "other"}), "of one network"),
        (SimpleNamespace(**vars(manifest("qat")) | {"measured": None}), "the qat bundle of net was not measured"),
    ],
)
def test_what_cannot_be_compared_is_told(other, message):
    with pytest.raises(UserError, match=message):
        report.report([manifest("ptq"), other])


def test_the_command_reads_manifests(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report, "load_bundle", lambda name: SimpleNamespace(manifest=manifest(name)))
    report.main(["--bundles=ptq,qat", f"--report={tmp_path / 'report.md'}"])
    expected = report.report([manifest("ptq"), manifest("qat")])
    assert (tmp_path / "report.md").read_text() == expected
    assert capsys.readouterr().out == expected + "\n"
