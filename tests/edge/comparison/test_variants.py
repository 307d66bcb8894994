import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.bundle import load_bundle
from edge.bundle.manifest import Manifest
from edge.comparison import variants
from edge.comparison.variants import VARIANTS, by_precision, choose, main, make_run, peak_memory
from edge.errors import UserError
from edge.network.runner import TwoStageRunner
from edge.network.whole_runner import WholeFineRunner
from edge.sight.images import load_image

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "models" / "cluttered_mnist"
SAMPLE = ROOT / "models" / "samples" / "1.png"


def changed(bundle, **manifest):
    return replace(bundle, manifest=Manifest.from_content(bundle.manifest.content | manifest))


@pytest.fixture(scope="module")
def int8():
    return changed(load_bundle(SHIPPED), exit_entropy=None, saliency_level=None)


@pytest.fixture(scope="module")
def float32(int8):
    return changed(int8, method="float32")


def test_the_names_are_those_that_other_programs_know():
    assert list(VARIANTS) == [
        "fine_float32",
        "fine_int8",
        "coarse_int8",
        "dcn_float32",
        "dcn_int8",
        "dcn_int8_exit",
        "dcn_int8_adaptive",
    ]


def test_what_cannot_be_run_is_left_out_with_its_reason(int8, float32):
    chosen, left_out = choose(by_precision(int8))
    assert list(chosen) == ["fine_int8", "coarse_int8", "dcn_int8"]
    assert left_out == {
        "fine_float32": "needs --float_bundle",
        "dcn_float32": "needs --float_bundle",
        "dcn_int8_exit": "the bundle's manifest has no exit_entropy",
        "dcn_int8_adaptive": "the bundle's manifest has no saliency_level",
    }
    complete = changed(int8, exit_entropy=0.5, saliency_level=0.0)
    assert choose(by_precision(complete, float32)) == (VARIANTS, {})
    assert choose(by_precision(complete, float32), real_images=False)[1] == dict.fromkeys(
        ["dcn_int8_exit", "dcn_int8_adaptive"], "what it does depends on the images; needs --images"
    )
    models = {name: entry for name, entry in int8.manifest.content["models"].items() if name != "whole_fine"}
    assert choose(by_precision(changed(int8, models=models)))[1]["fine_int8"] == "the bundle has no model whole_fine"
    assert list(choose(by_precision(float32))[0]) == ["fine_float32", "dcn_float32"]
    assert choose(by_precision(float32))[1]["dcn_int8"] == "needs an int8 --bundle"


def test_some_variants_are_asked_for(int8):
    chosen, left_out = choose(by_precision(int8), ["dcn_int8", "fine_int8", "fine_float32"])
    assert list(chosen) == ["fine_int8", "dcn_int8"]
    assert (left_out["coarse_int8"], left_out["fine_float32"]) == ("not asked for", "needs --float_bundle")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["dcn_int8", "fast"], "--variants must be of fine_float32, .*, received fast"),
        ([], "--variants must be of .*, received none"),
        (["fine_float32"], "no variant can be run \\(fine_float32: needs --float_bundle\\); name others"),
    ],
)
def test_wrong_names_are_told(int8, names, message):
    with pytest.raises(UserError, match=message):
        choose(by_precision(int8), names)


def test_bundles_must_fit_each_other(int8, float32):
    assert by_precision(int8, float32) == {"int8": int8, "float32": float32}
    with pytest.raises(UserError, match="--float_bundle must be a float32 bundle, received .*, which is ptq"):
        by_precision(int8, int8)
    with pytest.raises(UserError, match="--bundle and --float_bundle are both float32"):
        by_precision(float32, float32)
    with pytest.raises(UserError, match="--bundle must be a bundle of float32, ptq, qat, received .* is float16"):
        by_precision(changed(int8, method="float16"))
    with pytest.raises(UserError, match="are not of one network: name is cluttered_mnist and other"):
        by_precision(int8, changed(float32, name="other"))


class FakeRunner:
    """Notes what it is asked for."""

    made = 0

    def __init__(self, bundle, num_threads, kernels):
        type(self).made += 1
        self.num_threads = num_threads

    def check_num_patches(self, num_patches):
        return num_patches

    def run(self, image, **settings):
        return settings


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("coarse_int8", {"exit_entropy": math.inf}),
        ("dcn_int8", {"num_patches": 5, "exit_entropy": -1.0}),
        ("dcn_int8_exit", {"num_patches": 5, "exit_entropy": 0.5}),
        ("dcn_int8_adaptive", {"num_patches": 5, "exit_entropy": -1.0, "saliency_level": 0.25}),
    ],
)
def test_what_a_variant_asks_of_the_runner(int8, monkeypatch, name, settings):
    monkeypatch.setattr(variants, "make_runner", FakeRunner)
    made = FakeRunner.made
    run = make_run(VARIANTS[name], changed(int8, exit_entropy=0.5, saliency_level=0.25), 5)
    assert run("image") == run("image") == settings
    assert FakeRunner.made == made + 1


def test_variants_read_as_the_runners_do(int8):
    image = load_image(SAMPLE, int8.manifest.input)
    two_stage = TwoStageRunner(int8)
    expected = {
        "fine_int8": WholeFineRunner(int8).run(image),
        "coarse_int8": two_stage.run(image, exit_entropy=1e9),
        "dcn_int8": two_stage.run(image, 4),
        "dcn_int8_exit": two_stage.run(image, 4, exit_entropy=0.0),
    }
    for name, result in expected.items():
        found = make_run(VARIANTS[name], changed(int8, exit_entropy=0.0), 4)(image)
        np.testing.assert_array_equal(found.log_probabilities, result.log_probabilities)
        assert (found.prediction, found.num_patches) == ("7", result.num_patches)


def test_the_files_that_a_variant_needs():
    assert VARIANTS["fine_int8"].file_names() == ("whole_fine.tflite",)
    assert VARIANTS["coarse_int8"].file_names() == ("coarse.tflite",)
    assert VARIANTS["dcn_int8"].file_names() == ("coarse.tflite", "fine.tflite", "top.tflite", "saliency.npz")


def test_peak_memory(tmp_path):
    (tmp_path / "status").write_text("VmPeak:\t  900 kB\nVmHWM:\t  50000 kB\n")
    assert peak_memory(tmp_path / "status") == 51.2
    (tmp_path / "status").write_text("VmPeak:\t  900 kB\n")
    assert peak_memory(tmp_path / "status") is None
    assert peak_memory(tmp_path / "none") is None


def test_as_a_program():
    command = [sys.executable, "-m", "edge.comparison.variants", "--variant=dcn_int8", f"--bundle={SHIPPED}", SAMPLE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert (answer["prediction"], done.stderr) == ("7", "")
    assert answer["memory_mb"] is None or 10 < answer["memory_mb"] < 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--variant=fast"], "argument --variant: invalid choice: 'fast'"),
        (["--variant=dcn_int8", "--threads=0"], "--threads: must be a whole number of at least 1, received 0"),
        (["--variant=dcn_int8", "--num_patches=0"], "num_patches must be from 1 to the number of cells"),
        (["--variant=fine_float32"], "fine_float32 cannot be run with .*: needs --float_bundle"),
    ],
)
def test_wrong_arguments_are_one_line(arguments, message):
    with pytest.raises(UserError, match=message):
        main([f"--bundle={SHIPPED}", str(SAMPLE), *arguments])
