"""`edge.run` with a bundle that reads images of any size."""

import json

import numpy as np
import pytest
from PIL import Image

from edge.errors import run_main
from edge.network.pyramid_runner import make_runner
from edge.run import main
from edge.sight import images
from edge.sight.overlay import BOX_COLOUR, PATCH_COLOUR


@pytest.fixture
def folder(pyramid_case, tmp_path):
    """The case's images, and one that is too small behind them."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number, image in enumerate(pyramid_case.images):
        Image.fromarray(image[..., 0]).save(folder / f"{number}.png")
    Image.new("L", (50, 3)).save(folder / "9.png")
    return folder


def run(capsys, case, *arguments):
    """Returns the exit status, the lines of stdout and those of stderr."""
    with pytest.raises(SystemExit) as exit_info:
        run_main(main, [f"--bundle={case.float32.path}", *map(str, arguments)])
    captured = capsys.readouterr()
    return exit_info.value.code, captured.out.splitlines(), captured.err.splitlines()


def test_each_image_has_a_reading_and_a_box_or_neither(pyramid_case, folder, capsys):
    status, lines, errors = run(capsys, pyramid_case, folder, "--json", "--cells")
    *objects, small = map(json.loads, lines)
    assert (status, errors, "50 x 3 pixels" in small["error"]) == (1, [], True)
    runner = make_runner(pyramid_case.float32)
    for found, image in zip(objects, pyramid_case.images, strict=True):
        expected = runner.run(image)
        assert (found["prediction"], found["cells"]) == (expected.prediction, expected.cells.tolist())
        if not expected.prediction:
            assert found["box"] is None
            continue
        height, width = image.shape[:2]
        limits = np.array([width, height, width, height])
        np.testing.assert_array_equal(found["box"], np.clip(np.rint(expected.box), 0, limits))
    assert {found["box"] is None for found in objects} == {True, False}


def test_the_line_says_where_it_was_read_or_that_nothing_was(pyramid_case, folder, capsys):
    _, lines, errors = run(capsys, pyramid_case, folder)
    objects = [json.loads(line) for line in run(capsys, pyramid_case, folder, "--json")[1]]
    for line, found in zip(lines, objects):
        if found["box"] is None:
            assert ": nothing to read  " in line
        else:
            left, top, right, bottom = found["box"]
            assert f": {found['prediction']}  " in line
            assert line.endswith(f" ms  at {left}, {top} to {right}, {bottom}")
    assert errors == [f"error: {folder / '9.png'} has 50 x 3 pixels, and 4 a side are the least; use a larger one"]


def test_a_small_image_alone_is_wrong_input(pyramid_case, folder, capsys):
    status, lines, errors = run(capsys, pyramid_case, folder / "9.png")
    assert (status, lines, len(errors)) == (2, [], 1)


def test_boxes_are_in_pixels_of_the_users_image(pyramid_case, folder, capsys, monkeypatch):
    path = folder / "0.png"
    shape = pyramid_case.images[0].shape
    monkeypatch.setattr(images, "MOST_PIXELS", shape[0] * shape[1])
    (small,) = (json.loads(line)["box"] for line in run(capsys, pyramid_case, path, "--json")[1])
    with Image.open(path) as image:
        image.resize((3 * image.width, 3 * image.height), Image.Resampling.NEAREST).save(path)
    (large,) = (json.loads(line)["box"] for line in run(capsys, pyramid_case, path, "--json")[1])
    assert small is not None
    assert np.abs(np.array(large) - 3 * np.array(small)).max() <= 6


def test_a_budget_of_time_ends_the_look(pyramid_case, folder, capsys):
    lines = run(capsys, pyramid_case, folder / "0.png", "--json", "--budget_ms=10000")[1]
    assert json.loads(lines[0])["num_patches"] == 4
    lines = run(capsys, pyramid_case, folder / "0.png", "--json", "--budget_ms=0", "--reading_threshold=0")[1]
    found = json.loads(lines[0])
    assert (found["num_patches"], found["box"]) == (0, None)


def test_thresholds_of_the_command_line(pyramid_case, folder, capsys):
    path = folder / "0.png"
    (plain,) = map(json.loads, run(capsys, pyramid_case, path, "--json")[1])
    (found,) = map(json.loads, run(capsys, pyramid_case, path, "--json", "--reading_threshold=1")[1])
    assert plain["prediction"]
    assert (found["prediction"], found["box"], found["num_patches"]) == ("", None, plain["num_patches"])
    assert found["probability"] == pytest.approx(1 - plain["probability"], abs=2e-6)
    (found,) = map(json.loads, run(capsys, pyramid_case, path, "--json", "--always_read")[1])
    assert (found["prediction"], found["box"]) == (plain["prediction"], plain["box"])
    (found,) = map(json.loads, run(capsys, pyramid_case, path, "--json", "--framed", "--cells")[1])
    assert 1 <= len(found["cells"]) <= plain["num_patches"]
    shown = [level for level, _, _ in found["cells"]]
    assert 0 not in shown  # where the image is larger than a patch
    stretched = "--stretch=1.4", "--cells", "--num_patches=32"
    (found,) = map(json.loads, run(capsys, pyramid_case, path, "--json", *stretched)[1])
    assert max(level for level, _, _ in found["cells"]) >= len(pyramid_case.float32.manifest.levels)
    (found,) = map(json.loads, run(capsys, pyramid_case, path, "--json", "--vote_lead=0")[1])
    assert found["num_patches"] == 1


def test_wrong_thresholds_are_one_line(pyramid_case, sequence_case, folder, capsys):
    for arguments, message in (
        (["--reading_threshold=1.5"], "--reading_threshold: must be a number from 0 to 1, received 1.5"),
        (["--vote_lead=33"], "--vote_lead: must be a number from 0 to 32"),
        (["--always_read", "--reading_threshold=0.5"], "--reading_threshold: not allowed with argument --always_read"),
        (["--stretch=0.5"], "--stretch: must be a number from 1 to 4.0, received 0.5"),
        (["--stretch=1.4", "--framed"], "--framed: not allowed with argument --stretch"),
        (["--adaptive"], "--adaptive needs a bundle with a vote_lead; run tools.calibrate, or give --vote_lead=X"),
    ):
        status, lines, errors = run(capsys, pyramid_case, folder, *arguments)
        assert (status, lines, len(errors), message in errors[0]) == (2, [], 1, True)
    status, lines, errors = run(capsys, sequence_case, folder, "--reading_threshold=0.5")
    assert (status, lines) == (2, [])
    assert errors == [
        "error: --vote_lead, --reading_threshold, --always_read, --framed and --stretch are for bundles with levels, "
        "see its card; leave them out"
    ]


def test_an_overlay_has_the_box_and_the_patches(pyramid_case, folder, tmp_path, capsys):
    paths = folder / "0.png", folder / "3.png"
    run(capsys, pyramid_case, *paths, f"--overlay={tmp_path / 'overlay'}")
    found = [json.loads(line)["box"] for line in run(capsys, pyramid_case, *paths, "--json")[1]]
    for path, box in zip(paths, found):
        with Image.open(tmp_path / "overlay" / path.name) as picture:
            colours = {colour for _, colour in picture.getcolors(2**16)}
        assert PATCH_COLOUR in colours
        assert (BOX_COLOUR in colours) == (box is not None)
