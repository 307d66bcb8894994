"""Bundles for images of any size, from the workdir to the device."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import tiny_bundles

from dcn_tf.cost import dcn_cost, whole_multiplications
from dcn_tf.geometry import level_sizes, output_size, smallest_image
from edge.bundle import card, load_bundle
from edge.energy.operations import bundle_operations
from edge.errors import UserError
from edge.network import pyramid as device
from edge.network.pyramid_runner import make_runner
from edge.network.whole_runner import make_whole_runner
from tools import calibrate, quantize
from tools.export import any_size, describe, input_size
from tools.workdir import load_workdir

ARCHITECTURE = tiny_bundles.pyramid_architecture()
WIDER = dataclasses.replace(ARCHITECTURE, image_size=(40, 64))


def changed(**top):
    return dataclasses.replace(ARCHITECTURE, top=dataclasses.replace(ARCHITECTURE.top, **top))


def test_a_network_of_one_size_is_told_from_one_of_any():
    assert any_size.reads_any_size(ARCHITECTURE)
    assert any_size.reads_any_size(dataclasses.replace(ARCHITECTURE, levels=(1.0,)))
    assert not any_size.reads_any_size(tiny_bundles.sequence_architecture())
    assert not any_size.reads_any_size(tiny_bundles.classifier_architecture())
    with pytest.raises(UserError, match="pools by presence and by votes, received average and votes"):
        any_size.reads_any_size(changed(coarse_weighting="average"))


def test_ranges_and_errors_are_of_different_photographs(pyramid_workdir):
    workdir = load_workdir(pyramid_workdir)
    ranges, measured = any_size.photographs(workdir)
    assert (len(ranges.images), len(measured.images)) == (3, 9)
    assert [image.shape[:2] for image in ranges.images] == [(31, 37), (30, 38), (29, 39)]
    assert measured.images[0].shape[:2] == (40, 28)


def test_what_is_centred_is_the_middle_or_has_its_border_repeated():
    images = np.arange(5 * 6, dtype=np.uint8).reshape(1, 5, 6, 1)
    found = any_size.centred(images, (3, 8))[0, ..., 0] * 255
    np.testing.assert_allclose(found[:, 1:7], images[0, 1:4, :, 0])
    np.testing.assert_allclose(found[:, [0, 7]], images[0, 1:4, [0, 5], 0].T)


def test_models_see_tiles_of_levels_windows_and_selected_patches(pyramid_workdir):
    workdir = input_size.prepared(load_workdir(pyramid_workdir))
    smallest = smallest_image(ARCHITECTURE)
    assert workdir.model.architecture.image_size == smallest
    samples = any_size.photographs(load_workdir(pyramid_workdir))[0]
    inputs = any_size.calibration_inputs(workdir.model, workdir.calibration.images, samples, 4)
    assert inputs["fine"].shape == (48 + 3 * 4, 16, 24, 1)
    assert inputs["coarse"].shape[1:] == (*smallest, 1)
    assert 48 + 3 * 3 <= len(inputs["coarse"]) <= 48 + 3 * 3 * any_size.TILES
    np.testing.assert_allclose(inputs["top"], workdir.model.fine(inputs["fine"][None])[0], atol=1e-5)


@pytest.mark.parametrize("method", ["float32", "ptq"])
@pytest.mark.parametrize("workdir", ["pyramid_workdir", "counting_workdir"])
def test_from_a_workdir_to_a_bundle(request, workdir, tmp_path, method):
    path, workdir = tmp_path / "bundle", request.getfixturevalue(workdir)
    quantize.main([f"--workdir={workdir}", f"--bundle={path}", f"--method={method}"])
    bundle = load_bundle(path)
    manifest = bundle.manifest
    assert (manifest.levels, manifest.input.resize) == ((1.41, 1.0, 0.5), "keep")
    assert manifest.input.size == smallest_image(ARCHITECTURE)
    assert (manifest.num_patches, manifest.measured["images"], manifest.measured["num_patches"]) == (4, 9, 4)
    if method == "float32":
        assert manifest.measured["agreement"] == {"dcn": 100, "fine": 100}
        assert manifest.measured["cell_overlap"] == 100
    else:
        assert manifest.measured["cell_overlap"] > 60
        names = [error["layer"] for error in manifest.measured["layers"] if error["model"] == "top"]
        assert sorted(names) == ["fine_top/box", "fine_top/logits"]
    assert "any size, BT709, levels of 1.41, 1, 0.5, at least" in card(bundle)
    assert "presence, then votes" in card(bundle)
    with pytest.raises(UserError, match="images of any size: its thresholds need --images, and not --workdir"):
        calibrate.main([f"--workdir={workdir}", f"--bundle={path}"])


def test_a_network_that_counts_reads_any_number_of_patches_of_images_of_any_size(counting_workdir, tmp_path):
    network = load_workdir(counting_workdir).model
    bundle = tiny_bundles.make_bundle(tmp_path / "bundle", counting_workdir, "float32")
    reader, whole = make_runner(bundle), make_whole_runner(bundle)
    for image, num_patches in zip(tiny_bundles.make_images(WIDER, 3), (1, 4, 7)):
        values = image[None].astype(np.float32) / 255
        expected = network(values, num_patches=num_patches)
        found = reader.run(image, num_patches)
        np.testing.assert_array_equal(found.cells, expected["cells"][0])
        np.testing.assert_allclose(found.log_probabilities, expected["logits"][0], atol=0.01)
        everywhere = network.whole_model("fine")(values)["logits"][0]
        np.testing.assert_allclose(whole.run(image).log_probabilities, everywhere, atol=0.01)


@pytest.mark.parametrize("size", [(60, 80), (10, 12)])
@pytest.mark.parametrize("kind", ["pyramid", "counting"])
def test_operations_are_those_of_the_architecture_on_all_levels(request, kind, tmp_path, size):
    architecture = getattr(tiny_bundles, f"{kind}_architecture")()
    workdir = request.getfixturevalue(f"{kind}_workdir")
    bundle = tiny_bundles.make_bundle(tmp_path / "bundle", workdir, "float32", laid_out=False)
    assert device.level_sizes(size, bundle.manifest) == level_sizes(architecture, size)
    found = {name: model.multiply_accumulates.value for name, model in bundle_operations(bundle, 4, size).items()}
    cost = dcn_cost(architecture, 4, size)
    assert found == {
        "coarse": cost.coarse_stack + cost.coarse_pass,
        "fine": cost.fine_stack,
        "top": cost.refined_pass,
        "whole_fine": whole_multiplications(architecture, "fine", size),
    }


def test_a_layer_of_boxes_is_named_by_its_outputs(pyramid_workdir, tmp_path):
    bundle = tiny_bundles.make_bundle(tmp_path / "bundle", pyramid_workdir, "float32")
    shapes = [operation.shape for operation in bundle_operations(bundle)["top"].operations]
    dense = [shape[-1] for shape in shapes if shape[-1] in (4, sum(ARCHITECTURE.top.heads))]
    assert dense == [4, sum(ARCHITECTURE.top.heads)]  # in the order of `tools.export.tops.BoxTopClone.LAYERS`


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--input_size=64,64", "--input_size is for networks of one size, and tiny_pyramid reads any"),
        ("--method=qat", "a bundle for images of any size is not tuned, received --method=qat"),
        ("--num_patches=33", "--num_patches must be from 1 to 32, received 33"),
    ],
)
def test_wrong_options_are_told(pyramid_workdir, tmp_path, option, message):
    with pytest.raises(UserError, match=message):
        quantize.main([f"--workdir={pyramid_workdir}", f"--bundle={tmp_path / 'bundle'}", option])


def test_the_trainings_reading_threshold_goes_into_the_manifest(pyramid_workdir, tmp_path):
    workdir = shutil.copytree(pyramid_workdir, tmp_path / "workdir")
    result = json.loads((workdir / "result.json").read_text())
    result["threshold"] = {"probability": 0.25, "validation": {"false_readings": 1.0}}
    (workdir / "result.json").write_text(json.dumps(result))
    manifest = tiny_bundles.make_bundle(tmp_path / "bundle", workdir, "float32").manifest
    assert (manifest.reading_threshold, manifest.vote_lead, manifest.exit_entropy) == (0.25, None, None)
    assert "reading_threshold  0.25" in card(load_bundle(tmp_path / "bundle"))
    assert describe.reading_threshold({"threshold": {"probability": 0.25}}) is None  # chosen on test images
    assert describe.reading_threshold({}) is None


def test_a_bundle_without_boxes(tmp_path):
    network = tiny_bundles.make_network(tiny_bundles.pyramid_architecture(box=False))
    workdir = tiny_bundles.write_workdir(tmp_path / "workdir", network)
    bundle = tiny_bundles.make_bundle(tmp_path / "bundle", workdir, "float32")
    assert [tensor.name for tensor in bundle.manifest.models["top"].outputs] == ["cell_logits"]
    assert output_size(ARCHITECTURE.coarse, bundle.manifest.input.size) == bundle.manifest.cells.map
