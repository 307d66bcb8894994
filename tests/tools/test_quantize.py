import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_bundles

from edge.bundle import load_bundle
from edge.errors import UserError
from tools import quantize

ROOT = Path(__file__).parents[2]


def values(workdir, bundle, /, **changes):
    options = {"workdir": workdir, "bundle": bundle, "qat_steps": 2, "qat_learning_rate": 1e-4} | changes
    return [f"--{name}={value}" for name, value in options.items()]


def test_from_a_workdir_to_an_int8_bundle(classifier_workdir, tmp_path, capsys):
    changes = {"num_patches": 2, "test_images": 20, "report": str(tmp_path / "report.md")}
    quantize.main(values(classifier_workdir, tmp_path / "new" / "bundle", **changes))
    manifest = load_bundle(tmp_path / "new" / "bundle").manifest
    printed = capsys.readouterr().out
    assert (manifest.method, manifest.num_patches, manifest.measured["images"]) == ("ptq", 2, 20)
    assert set(manifest.measured["error"]) == {"dcn_keras", "dcn_bundle", "fine_keras", "fine_bundle"}
    assert "workdir" not in manifest.content["training"]["config"]
    assert f"{manifest.files['coarse.tflite'].bytes:,}" in printed
    assert (tmp_path / "report.md").read_text() in printed
    layers = manifest.measured["layers"]
    assert len(layers) == 10
    assert [error["snr_db"] for error in layers] == sorted(error["snr_db"] for error in layers)
    assert 10 < layers[0]["snr_db"] < layers[-1]["snr_db"] < 60
    assert manifest.measured["float32_bytes"]["fine.tflite"] > manifest.files["fine.tflite"].bytes
    assert manifest.content["training"]["quantization"] == {"calibration_images": 48}
    assert os.listdir(tmp_path / "new") == ["bundle"]


def test_a_bundle_of_another_input_size(sequence_workdir, tmp_path):
    bundle = tmp_path / "bundle"
    changes = {"method": "float32", "num_patches": 2, "input_size": "40,56"}
    quantize.main(values(sequence_workdir, bundle, **changes, test_images=6))
    manifest = load_bundle(bundle).manifest
    assert (manifest.input.size, manifest.cells.map) == ((40, 56), (4, 5))
    measured = manifest.measured
    assert (measured["agreement"], measured["cell_overlap"]) == ({"dcn": 100, "fine": 100}, 100)


def test_float16_is_a_method(sequence_workdir, tmp_path):
    manifest = tiny_bundles.make_bundle(tmp_path / "bundle", sequence_workdir, "float16").manifest
    tensors = [t for model in manifest.models.values() for t in (model.input, *model.outputs)]
    assert {tensor.dtype for tensor in tensors} == {"float32"}
    assert (manifest.method, manifest.content["training"]["quantization"]) == ("float16", {})


def test_flags_reach_the_tuning(classifier_workdir, tmp_path, monkeypatch):
    def make_bundle(workdir, *arguments):
        raise UserError(repr(arguments))

    monkeypatch.setattr("tools.export.bundling.make_bundle", make_bundle)
    changes = {"method": "qat", "qat_steps": 7, "qat_learning_rate": 0.5, "seed": 3, "calibration_images": 20}
    with pytest.raises(UserError) as caught:
        quantize.main(values(classifier_workdir, tmp_path / "bundle", **changes))
    assert str(caught.value) == "('qat', 3, 20, Tuning(steps=7, learning_rate=0.5, seed=3), True)"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_patches": 26}, "from 1 to the number of cells, 25, received 26"),
        ({"num_patches": 0}, "--num_patches: must be a whole number of at least 1, received 0"),
        ({"calibration_images": 15}, "at least 16 calibration images are needed, received 15"),
        ({"workdir": "nowhere"}, "no such workdir: nowhere"),
        ({"input_size": "28"}, "--input_size: must be HEIGHT,WIDTH in pixels, received 28"),
        ({"test_images": 0}, "--test_images: must be a whole number of at least 1, received 0"),
        ({"qat_learning_rate": -1.0}, "--qat_learning_rate: must be a number from 1e-12 to 1, received -1.0"),
        ({"bundle": "b.zip", "report": "b.zip"}, "--report=b.zip is the file of --bundle"),
        ({"report": "."}, "--report=. is a folder, or lies below a file"),
    ],
)
def test_wrong_input_writes_nothing(classifier_workdir, tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        quantize.main(values(classifier_workdir, tmp_path / "bundle", **changes))
    assert not (tmp_path / "bundle").exists()


def test_a_folder_that_is_no_bundle_is_left_alone(classifier_workdir):
    before = sorted(os.listdir(classifier_workdir))
    with pytest.raises(UserError, match="not a bundle and not empty"):
        quantize.main(values(classifier_workdir, classifier_workdir))
    assert sorted(os.listdir(classifier_workdir)) == before


def test_few_images_are_told(classifier_workdir, tmp_path):
    path = classifier_workdir / "samples" / "calibration.npz"
    arrays = dict(np.load(path))
    np.savez(path, **(arrays | {"images": arrays["images"][:3], "labels": arrays["labels"][:3]}))
    with pytest.raises(UserError, match="the workdir holds 3"):
        quantize.main(values(classifier_workdir, tmp_path / "bundle"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--workdir"),
        (["--workdir=x", "--bundle=y", "--method=int4"], "int4"),
        (["--workdir=x", "--bundle=y", "more"], "unrecognized arguments: more"),
        (["--workdir=nowhere", "--bundle=y"], "no such workdir: nowhere"),
    ],
)
def test_as_a_program_wrong_input_is_one_line_and_status_2(tmp_path, arguments, message):
    program = [sys.executable, "-m", "tools.quantize", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert message in done.stderr
    assert os.listdir(tmp_path) == []
