import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.errors import run_main
from edge.run import main
from edge.runner import TwoStageRunner

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(case, tmp_path):
    """Three images of the input's size, of which the second is damaged."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in (1, 2, 10):
        Image.fromarray(case.images[number].squeeze()).save(folder / f"{number}.png")
    (folder / "2.png").write_bytes(b"no image")
    return folder


def run(capsys, *arguments):
    """Returns the exit status, the lines of stdout and those of stderr."""
    with pytest.raises(SystemExit) as exit_info:
        run_main(main, [str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return exit_info.value.code, captured.out.splitlines(), captured.err.splitlines()


def test_one_line_per_image_and_the_rest_goes_on(case, folder, capsys):
    status, lines, errors = run(capsys, f"--bundle={case.ptq.path}", folder)
    expected = TwoStageRunner(case.ptq).run(case.images[10])
    assert status == 1
    assert [line.partition(": ")[0] for line in lines] == [str(folder / "1.png"), str(folder / "10.png")]
    assert f": {expected.prediction}  {expected.probability:.1%}  3 patches  " in lines[1]
    assert len(errors) == 1
    assert "2.png cannot be read as an image" in errors[0]


def test_json_lines(case, folder, capsys):
    status, lines, errors = run(capsys, f"--bundle={case.float32.path}", folder, "--json", "--num_patches=2")
    objects = [json.loads(line) for line in lines]
    assert (status, errors) == (1, [])
    assert list(objects[0]) == ["path", "prediction", "probability", "num_patches", "milliseconds"]
    assert list(objects[1]) == ["path", "error"]
    expected = TwoStageRunner(case.float32).run(case.images[10], num_patches=2)
    assert objects[2]["prediction"] == expected.prediction
    assert objects[2]["probability"] == pytest.approx(expected.probability, abs=1e-5)
    assert objects[2]["num_patches"] == 2
    assert objects[2]["milliseconds"] > 0


def test_an_image_of_another_size_is_resized(case, tmp_path, capsys):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (33, 91, 3), np.uint8)).save(tmp_path / "a.jpg")
    status, lines, _ = run(capsys, f"--bundle={case.float32.path}", tmp_path / "a.jpg")
    assert (status, len(lines)) == (0, 1)


def test_overlays_are_of_the_images_own_size(classifier_case, tmp_path, capsys):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (70, 91, 3), np.uint8)).save(tmp_path / "a.jpg")
    arguments = [
        f"--bundle={classifier_case.float32.path}",
        tmp_path / "a.jpg",
        f"--overlay={tmp_path / 'overlay'}",
    ]
    assert run(capsys, *arguments)[0] == 0
    with Image.open(tmp_path / "overlay" / "a.png") as overlay:
        assert (overlay.format, overlay.size) == ("PNG", (91, 70))


def test_exit_entropy_keeps_the_coarse_answer(case, folder, capsys):
    path = folder / "1.png"
    for exit_entropy, patches in ((1000, "0 patches"), (0, "3 patches")):
        lines = run(capsys, f"--bundle={case.float32.path}", path, f"--exit_entropy={exit_entropy}")[1]
        assert patches in lines[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.png"], "no such file: none.png"),
        ([], "the following arguments are required: PATH"),
        (["x.png", "--num_patches=many"], "--num_patches: invalid int value"),
        (["x.png", "--num_patches=99999"], "num_patches must be from 1 to the number of cells"),
        (["x.png", "--num_patches=0"], "num_patches must be from 1 to the number of cells"),
        (["x.png", "--threads=0"], "--threads must be at least 1"),
        (["x.png", "--exit_entropy=nan"], "--exit_entropy must be at least 0"),
        (["x.png", "--unknown"], "unrecognized arguments"),
        (["x.png", "--bundle=nowhere"], "no such bundle folder: nowhere"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(classifier_case, arguments, message, capsys):
    status, lines, errors = run(capsys, f"--bundle={classifier_case.float32.path}", *arguments)
    assert (status, lines, len(errors)) == (2, [], 1)
    assert message in errors[0]


def test_as_a_program(classifier_case, tmp_path):
    Image.fromarray(classifier_case.images[0].squeeze()).save(tmp_path / "a.png")
    program = [sys.executable, "-m", "edge.run", f"--bundle={classifier_case.ptq.path}"]
    done = subprocess.run(
        [*program, tmp_path / "a.png", "--json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["path"] == str(tmp_path / "a.png")
    assert done.stderr == ""
    wrong = subprocess.run([*program, tmp_path / "none.png"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)


def test_a_reader_that_leaves_early_is_no_error(classifier_case, tmp_path):
    Image.fromarray(classifier_case.images[0].squeeze()).save(tmp_path / "a.png")
    program = [
        sys.executable,
        "-m",
        "edge.run",
        f"--bundle={classifier_case.ptq.path}",
        *[tmp_path / "a.png"] * 40,
    ]
    running = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    running.stdout.readline()
    running.stdout.close()
    assert running.stderr.read() == ""
    running.stderr.close()
    assert running.wait() == 0
