"""Thresholds of a bundle for images of any size, chosen on labelled images."""

import json

import edge_cases
import numpy as np
import pytest
import tiny_bundles
from PIL import Image

from dcn_tf.thresholds import reading_threshold
from edge.bundle import load_bundle
from edge.errors import UserError
from edge.network.pyramid_runner import ALL, make_runner
from edge.network.runner import NEVER
from edge.sight.images import load_image
from tools import calibrate
from tools.export import readings
from tools.export.policies import Policy, judge

HOLDS_NOTHING, SIZES = 12, ((30, 44), (24, 60), (40, 36), (12, 20))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An int8 bundle, and a folder of 36 images: a third holds nothing, a third is labelled as it is read."""
    folder = tmp_path_factory.mktemp("images")
    workdir = tiny_bundles.write_workdir(tmp_path_factory.mktemp("workdir"), edge_cases.pyramid_network())
    bundle = tiny_bundles.make_bundle(tmp_path_factory.mktemp("any") / "bundle", workdir, "ptq")
    runner, rng, entries = make_runner(bundle), np.random.default_rng(4), []
    for number in range(3 * HOLDS_NOTHING):
        height, width = SIZES[number % len(SIZES)]
        blocks = rng.integers(0, 256, (height // 4, width // 4), np.uint8)
        image = blocks.repeat(4, axis=0).repeat(4, axis=1)
        Image.fromarray(image).save(folder / f"{number}.png")
        read = runner.run(image).prediction
        label = "" if number % 3 == 0 else read if number % 3 == 1 else "1"
        entries.append({"file": f"{number}.png", "label": [int(digit) for digit in label]})
    (folder / "annotations.json").write_text(json.dumps(entries))
    return bundle, folder


@pytest.fixture(scope="module")
def found(made):
    bundle, folder = made
    return readings.read(bundle, *readings.labelled([folder]))


def test_every_policy_gives_offline_what_the_runner_gives(made, found):
    bundle, folder = made
    runner, (paths, labels) = make_runner(bundle), readings.labelled([folder])
    threshold = float(np.median(found.probability))
    offline = readings.outcomes(found, threshold)
    finite = offline.saliency[np.isfinite(offline.saliency)]
    levels = [None, np.inf, *np.quantile(finite, [0.2, 0.5, 0.9], method="nearest")]
    patches = set()
    for entropy in (None, float(np.median(found.entropy))):
        for level in levels:
            results = [
                runner.run(
                    load_image(path, bundle.manifest.input),
                    exit_entropy=NEVER if entropy is None else entropy,
                    reading_threshold=threshold,
                    vote_lead=ALL if level is None else readings.lead_at(level),
                )
                for path in paths
            ]
            at = judge(offline, Policy(4, entropy, level))
            assert at.errors == sum(result.prediction != labels[path] for result, path in zip(results, paths))
            assert at.patches == np.mean([result.num_patches for result in results])
            patches.add(at.patches)
    assert len(patches) >= 6


def test_thresholds_are_chosen_and_written(made, found, tmp_path, capsys):
    bundle, folder = made
    out = tmp_path / "calibrated"
    options = "--loss=6", "--false_readings=25", f"--out={out}"
    calibrate.main([f"--images={folder}", f"--bundle={bundle.path}", *options])
    manifest, text = load_bundle(out).manifest, capsys.readouterr().out
    told = found.told(manifest.reading_threshold)[:, -1]
    count, right = found.nothing.sum(), (found.predictions[:, -1] == found.labels) & ~found.nothing
    assert count > np.count_nonzero(found.predictions[found.nothing, -1] == "")
    assert np.count_nonzero(told[found.nothing] != "") <= count // 4
    false = np.where(found.predictions[:, -1] == "", 0, found.probability[:, -1])[found.nothing]
    assert manifest.reading_threshold == reading_threshold(false, 0.25, found.probability[right, -1])
    record = manifest.content["calibration"]
    fixed, exits, adaptive = (record["policies"][name] for name in ("fixed", "exit", "adaptive"))
    assert (record["images"], record["allowed_errors"], record["dataset"]) == (36, 2, folder.name)
    assert fixed["errors"] == np.count_nonzero(told != found.labels)
    assert max(exits["errors"], adaptive["errors"]) <= fixed["errors"] + 2
    assert adaptive["multiplications"] < fixed["multiplications"]
    assert 0 <= manifest.vote_lead < ALL
    assert f"reading_threshold: {manifest.reading_threshold:g}; of {count} images with nothing" in text
    assert load_bundle(out).files["fine.tflite"] == bundle.files["fine.tflite"]
    runner = make_runner(load_bundle(out))
    patches = [runner.run(load_image(path, manifest.input)).num_patches for path in readings.labelled([folder])[0]]
    assert np.mean(patches) == pytest.approx(adaptive["patches"], abs=1e-3)


def test_without_images_of_nothing_the_reading_threshold_stays(found):
    numbers = readings.Readings(
        *(getattr(found, name)[~found.nothing] for name in readings.Readings.__dataclass_fields__)
    )
    assert readings.choose_threshold(numbers, 1, 0.25) == (0.25, "as it was: no image holds nothing to read")
    assert readings.choose_threshold(numbers, 1, None)[0] == 0


def test_images_must_have_labels_and_some_numbers(made, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("L", (40, 40)).save(folder / "1.png")
    with pytest.raises(UserError, match=r"1.png has no label; name it in annotations.json beside it"):
        readings.labelled([folder])
    (folder / "annotations.json").write_text('[{"file": "1.png", "label": []}]')
    with pytest.raises(UserError, match="--images must have numbers too, received 1 images of nothing"):
        calibrate.main([f"--images={folder}", f"--bundle={made[0].path}"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "reads images of any size: its thresholds need --images, and not --workdir"),
        (["--images=x", "--curve=y"], "--curve is for bundles of one input size"),
        (["--images=x", "--false_readings=101"], "--false_readings: must be a number from 0 to 100, received 101"),
    ],
)
def test_wrong_options_are_told(made, options, message):
    with pytest.raises(UserError, match=message):
        calibrate.main([f"--bundle={made[0].path}", *options])
