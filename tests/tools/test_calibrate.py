import csv
import io
import shutil

import numpy as np
import pytest
import tiny_bundles

from dcn_tf.cost import dcn_cost, device_cost, whole_multiplications
from edge.bundle import load_bundle
from edge.errors import UserError
from edge.network.runner import TwoStageRunner
from tools import calibrate
from tools.export.policies import Policy, judge
from tools.workdir import load_workdir


@pytest.fixture(scope="module")
def made(classifier, tmp_path_factory):
    """A workdir with validation samples, 30 of which the network answers right, and its int8 bundle."""
    folder = tmp_path_factory.mktemp("calibrate")
    workdir = tiny_bundles.write_workdir(folder / "workdir", classifier)
    bundle = tiny_bundles.make_bundle(folder / "bundle", workdir, "ptq")
    arrays = dict(np.load(workdir / "samples" / "test.npz"))
    arrays["images"] = tiny_bundles.make_images(classifier.architecture, seed=5)
    runner = TwoStageRunner(bundle)
    answers = np.array([runner.run(image).categories for image in arrays["images"]])
    arrays["labels"][:30] = answers[:30]
    np.savez(workdir / "samples" / "validation.npz", **(arrays | {"split": "validation"}))
    return workdir, bundle


@pytest.fixture(scope="module")
def found(made, classifier):
    workdir, bundle = made
    return calibrate.outcomes(bundle, classifier.architecture, load_workdir(workdir).validation())


def test_every_policy_gives_offline_what_the_runner_gives(made, found):
    workdir, bundle = made
    samples, runner = load_workdir(workdir).validation(), TwoStageRunner(bundle)
    entropy, level = float(np.median(found.entropy)), float(np.median(found.saliency))
    for policy in (Policy(3), Policy(2), Policy(3, entropy), Policy(3, None, level), Policy(2, entropy, level)):
        exit_entropy = -1.0 if policy.exit_entropy is None else policy.exit_entropy
        results = [
            runner.run(image, policy.num_patches, exit_entropy, policy.saliency_level) for image in samples.images
        ]
        wrong = [result.categories != tuple(label) for result, label in zip(results, samples.labels)]
        at = judge(found, policy)
        assert at.errors == np.sum(wrong)
        assert at.patches == np.mean([result.num_patches for result in results])
        assert 0 < at.patches <= policy.num_patches


def test_costs_are_those_of_the_device(made, found, classifier):
    architecture = classifier.architecture
    whole_pass = dcn_cost(architecture, 3)
    np.testing.assert_array_equal(found.cost[:, 0], whole_pass.coarse_stack + 2 * whole_pass.coarse_pass)
    assert found.exit_cost == whole_pass.coarse_stack + whole_pass.coarse_pass
    # 5 x 5 cells, 2 x 2 windows, of which the top sees those that change.
    costs = {device_cost(architecture, 3, inputs).total for inputs in range(1, 5)}
    assert set(found.cost[:, 3].tolist()) <= costs
    assert found.cost[:, 3].max() <= whole_pass.total


def test_the_thresholds_are_written_and_stay_within_the_loss(made, found, classifier, tmp_path, capsys):
    workdir, bundle = made
    out = tmp_path / "calibrated.zip"
    calibrate.main([f"--workdir={workdir}", f"--bundle={bundle.path}", "--loss=5", f"--out={out}"])
    manifest = load_bundle(out).manifest
    record = manifest.content["calibration"]
    assert (record["dataset"], record["split"], record["images"], record["num_patches"]) == (
        "tiny",
        "validation",
        48,
        3,
    )
    assert (record["loss"], record["allowed_errors"]) == (5, 2)
    fixed, exits, adaptive = (record["policies"][name] for name in ("fixed", "exit", "adaptive"))
    assert max(exits["errors"], adaptive["errors"]) <= fixed["errors"] + 2
    assert fixed["errors"] == judge(found, Policy(3)).errors <= 18
    at = judge(found, Policy(3, saliency_level=manifest.saliency_level))
    assert (adaptive["errors"], adaptive["multiplications"]) == (at.errors, round(at.multiplications))
    assert adaptive["multiplications"] < fixed["multiplications"]
    assert load_bundle(out).files["fine.tflite"] == bundle.files["fine.tflite"]
    text = capsys.readouterr().out
    assert "allowed: 2 more errors among 48 images (5 points)" in text
    assert f"saliency_level: {manifest.saliency_level:.6g}" in text
    assert load_bundle(bundle.path).manifest.saliency_level is None


def test_with_the_fewest_errors_the_loss_is_not_used_up(made, found, tmp_path):
    workdir, bundle = made
    errors = []
    for name, option in (("cheap", "--loss=100"), ("right", "--fewest_errors")):
        out = tmp_path / name
        arguments = (f"--workdir={workdir}", f"--bundle={bundle.path}", "--loss=100", option, f"--out={out}")
        calibrate.main([*arguments])
        policies = load_bundle(out).manifest.content["calibration"]["policies"]
        errors.append([policies[policy]["errors"] for policy in ("exit", "adaptive")])
    exits = [judge(found, Policy(3, exit_entropy=entropy)).errors for entropy in found.entropy]
    levels = [judge(found, Policy(3, saliency_level=level)).errors for level in found.saliency.ravel()]
    assert errors[1] == [min(exits), min(levels)]
    assert errors[0] != errors[1]


def test_a_bundle_is_calibrated_in_its_place(made, tmp_path):
    workdir, bundle = made
    copy = shutil.copytree(bundle.path, tmp_path / "bundle")
    calibrate.main([f"--workdir={workdir}", f"--bundle={copy}", "--loss=100"])
    manifest = load_bundle(copy).manifest
    assert manifest.content["calibration"]["policies"]["exit"]["patches"] == 0
    assert manifest.exit_entropy > 0


def test_curves_are_of_validation_and_test_images_at_the_same_thresholds(made, classifier, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    workdir, bundle = made
    folder = tmp_path / "curves"
    arguments = [f"--workdir={workdir}", f"--bundle={bundle.path}", f"--out={tmp_path / 'out'}", f"--curve={folder}"]
    calibrate.main([*arguments])
    assert sorted(path.name for path in folder.iterdir()) == sorted(calibrate.CURVE_FILES)
    rows = list(csv.DictReader(io.StringIO((folder / "policies.csv").read_text())))
    settings = {
        split: [
            tuple(row[name] for name in ("policy", "num_patches", "exit_entropy", "saliency_level"))
            for row in rows
            if row["split"] == split
        ]
        for split in ("validation", "test")
    }
    assert settings["validation"] == settings["test"]
    assert settings["test"][1:4] == [("fixed", str(k), "", "") for k in (1, 2, 3)]
    text = capsys.readouterr().out
    assert "48 validation images of tiny" in text
    assert "48 test images of tiny" in text
    fixed = next(row for row in rows if (row["split"], row["num_patches"], row["exit_entropy"]) == ("test", "3", ""))
    share = int(fixed["multiplications"]) / whole_multiplications(classifier.architecture, "fine")
    assert f"{share:.3f}" in text


def test_an_older_workdir_is_told_to_train_again(classifier_workdir, made, tmp_path):
    with pytest.raises(UserError, match=r"has no samples/validation.npz; run the training's command again, which only"):
        calibrate.main([f"--workdir={classifier_workdir}", f"--bundle={made[1].path}", f"--out={tmp_path / 'o'}"])
    assert not (tmp_path / "o").exists()


def test_places_that_cannot_be_written_are_told_before_the_work(made, tmp_path):
    workdir, bundle = made
    (tmp_path / "file").write_text("")
    arguments = [f"--workdir={workdir}", f"--bundle={bundle.path}"]
    with pytest.raises(UserError, match=r"--curve=.*file/policies.csv is a folder, or lies below a file"):
        calibrate.main([*arguments, f"--curve={tmp_path / 'file'}"])
    with pytest.raises(UserError, match=r"--curve=.* is the file of --bundle"):
        calibrate.main([*arguments, f"--curve={bundle.path}"])
    with pytest.raises(UserError, match="is there and not a folder"):
        calibrate.main([*arguments, f"--out={tmp_path / 'file'}"])
    assert load_bundle(bundle.path).manifest.saliency_level is None


def test_sequences_are_calibrated_too(sequence, sequence_workdir, tmp_path):
    workdir = shutil.copytree(sequence_workdir, tmp_path / "workdir")
    shutil.copy(workdir / "samples" / "test.npz", workdir / "samples" / "validation.npz")
    bundle = tiny_bundles.make_bundle(tmp_path / "bundle", workdir, "float32")
    calibrate.main([f"--workdir={workdir}", f"--bundle={bundle.path}", "--loss=1"])
    manifest = load_bundle(bundle.path).manifest
    expected = dcn_cost(sequence.architecture, 3).total
    assert manifest.content["calibration"]["policies"]["fixed"]["multiplications"] == expected
    assert manifest.saliency_level > 0
