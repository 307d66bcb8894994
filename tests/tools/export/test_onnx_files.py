import importlib.util
import sys

import numpy as np
import pytest
import tensorflow as tf
import tiny_bundles

from edge.bundle import load_bundle
from edge.errors import UserError
from tools import quantize
from tools.export import onnx_agreement, onnx_files

needs_onnx = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in onnx_files.NEEDED),
    reason="makes ONNX models, which needs the extra onnx: pip install --require-hashes -r requirements-onnx.lock",
)


def quantized(workdir, bundle, **changes):
    options = {"workdir": workdir, "bundle": bundle, "format": "onnx"} | changes
    quantize.main([f"--{name}={value}" for name, value in options.items()])
    return load_bundle(bundle)


@needs_onnx
def test_a_bundle_with_onnx_models_of_a_classifier(classifier_workdir, tmp_path, capsys):
    bundle = quantized(classifier_workdir, tmp_path / "bundle", method="ptq", num_patches=2, test_images=12)
    found = bundle.manifest.measured["onnx"]
    assert {name for name in bundle.files if name.endswith(".onnx")} == {"coarse.onnx", "fine.onnx", "top.onnx"}
    assert (found["images"], found["agreement"], found["cell_overlap"]) == (12, 100, 100)
    assert set(found["difference"]) == {"coarse", "fine", "top"}
    assert 0 < max(found["difference"].values()) < 1e-5
    assert "onnxruntime and Keras, 12 images: 100.00 % equal predictions" in capsys.readouterr().out


@needs_onnx
def test_photographs_of_any_size(pyramid):
    files = onnx_files.onnx_models(pyramid, 2)
    coarse, fine = (onnx_files.OnnxModel(files[name]) for name in ("coarse", "fine"))
    assert coarse.session.get_inputs()[0].shape == ["n", "height", "width", 1]
    for size in ((24, 48), (31, 60)):
        pixels = np.random.default_rng(0).random((1, *size, 1), np.float32)
        wanted = pyramid.coarse_top.cell_logits(pyramid.coarse(tf.constant(pixels)))
        np.testing.assert_allclose(coarse.invoke(pixels)["cell_logits"], wanted, atol=2e-5)
    patches = np.random.default_rng(1).random((3, 16, 24, 1), np.float32)
    wanted = pyramid.fine(tf.constant(patches[None]))[0]
    np.testing.assert_allclose(fine.invoke(patches)["fine_features"], wanted, atol=2e-5)


@needs_onnx
def test_another_network_is_told_apart(sequence_workdir):
    trained = tiny_bundles.load_workdir(sequence_workdir)
    other = tiny_bundles.make_network(trained.model.architecture, seed=1)
    found = onnx_agreement.differences(trained, onnx_files.onnx_models(other, 2), 2)
    assert min(found.values()) > 0.1


def test_without_the_extra_one_line_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    monkeypatch.setattr(onnx_files, "NEEDED", ("tf2onnx",))
    with pytest.raises(UserError, match=r"--format=onnx needs tf2onnx.*pip install 'dcn-tf\[onnx\]'"):
        quantized(tmp_path / "nowhere", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
