import copy
import io
import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from edge import run as run_module
from edge.answers import told as told_module
from edge.bundle import load_bundle, write_bundle
from edge.bundle.__main__ import pack
from edge.bundle.content import format_content
from edge.errors import UserError, WorkError, run_main
from edge.network import compiled
from edge.network.interpreter import make_interpreter
from edge.network.runner import TwoStageRunner
from edge.run import main

ROOT = Path(__file__).parents[2]
SHIPPED = f"--bundle={ROOT / 'models' / 'cluttered_mnist'}"
SAMPLES = ROOT / "models" / "samples"


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


def test_the_cells_that_were_looked_at(case, folder, capsys):
    bundle = f"--bundle={case.float32.path}"
    (line,) = run(capsys, bundle, folder / "1.png", "--json", "--cells")[1]
    assert json.loads(line)["cells"] == TwoStageRunner(case.float32).run(case.images[1]).cells.tolist()
    (line,) = run(capsys, bundle, folder / "1.png", "--json", "--cells", "--exit_entropy=99")[1]
    assert json.loads(line)["cells"] == []


def test_an_image_of_another_size_is_resized(case, tmp_path, capsys):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (33, 91, 3), np.uint8)).save(tmp_path / "a.jpg")
    status, lines, _ = run(capsys, f"--bundle={case.float32.path}", tmp_path / "a.jpg")
    assert (status, len(lines)) == (0, 1)


def test_overlays_are_in_the_images_own_pixels(tmp_path, capsys):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (370, 291, 3), np.uint8)).save(tmp_path / "a.jpg")
    assert run(capsys, SHIPPED, tmp_path / "a.jpg", f"--overlay={tmp_path / 'overlay'}")[0] == 0
    with Image.open(tmp_path / "overlay" / "a.png") as overlay:
        assert (overlay.format, overlay.width) == ("PNG", 291)
        assert overlay.height > 370


def test_an_image_that_cannot_be_drawn_is_told_and_the_rest_goes_on(tmp_path, capsys, monkeypatch):
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes((SAMPLES / "1.png").read_bytes())
    told = told_module.open_image

    def read_once(path, rule=None):
        if rule is None and path.name == "1.png":
            raise UserError(f"no such file: {path}; check the path")
        return told(path, rule)

    monkeypatch.setattr(told_module, "open_image", read_once)
    status, lines, errors = run(capsys, SHIPPED, tmp_path, f"--overlay={tmp_path / 'overlay'}")
    assert (status, len(lines)) == (1, 2)
    assert errors == [f"error: no such file: {tmp_path / '1.png'}; check the path"]
    assert [path.name for path in (tmp_path / "overlay").iterdir()] == ["2.png"]


def test_an_overlay_never_takes_an_images_place(tmp_path, capsys):
    path = tmp_path / "1.png"
    Image.open(SAMPLES / "1.png").save(path)
    before = path.read_bytes()
    for named in ([tmp_path], ["--camera=images:" + str(tmp_path), "--frames=1"]):
        status, lines, errors = run(capsys, SHIPPED, f"--overlay={tmp_path}", *named)
        assert (status, lines) == (2, [])
        assert "could be overwritten; name another folder" in errors[0]
    assert path.read_bytes() == before


def test_a_name_of_two_lines_is_told_on_one(tmp_path, capsys):
    path = tmp_path / "new\nline.png"
    path.write_bytes((SAMPLES / "1.png").read_bytes())
    status, lines, _ = run(capsys, SHIPPED, path)
    assert status == 0
    assert len(lines) == 1
    assert r"/new\nline.png: 7  " in lines[0]


def test_an_overlay_changes_no_reading(tmp_path, capsys):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (900, 1200), np.uint8)).save(tmp_path / "a.jpg")
    alone = json.loads(run(capsys, SHIPPED, tmp_path / "a.jpg", "--json")[1][0])
    drawn = json.loads(run(capsys, SHIPPED, tmp_path / "a.jpg", "--json", f"--overlay={tmp_path / 'o'}")[1][0])
    assert alone["probability"] == drawn["probability"]
    with Image.open(tmp_path / "o" / "a.png") as overlay:
        assert overlay.width == 1200


def test_exit_entropy_keeps_the_coarse_answer(case, folder, capsys):
    path = folder / "1.png"
    for exit_entropy, patches in ((1000, "0 patches"), (0, "3 patches")):
        lines = run(capsys, f"--bundle={case.float32.path}", path, f"--exit_entropy={exit_entropy}")[1]
        assert patches in lines[0]


def calibrated(case, folder, **thresholds):
    """Writes a bundle with thresholds in its manifest; returns the flag that names it."""
    files = {name: content for name, content in case.float32.files.items() if name != "manifest.json"}
    return f"--bundle={write_bundle(folder / 'calibrated', files, case.float32.manifest.content | thresholds).path}"


def num_patches(capsys, *arguments):
    return [json.loads(line)["num_patches"] for line in run(capsys, *arguments, "--json")[1]]


def test_cells_below_the_level_are_not_looked_at(case, folder, tmp_path, capsys):
    path = folder / "1.png"
    saliency = np.sort(TwoStageRunner(case.float32).run(case.images[1]).saliency.ravel())[::-1]
    between = float(saliency[1] + saliency[2]) / 2
    bundle = f"--bundle={case.float32.path}"
    assert num_patches(capsys, bundle, path, f"--saliency_level={between}") == [2]
    assert num_patches(capsys, bundle, path, f"--saliency_level={between}", "--num_patches=1") == [1]
    assert num_patches(capsys, bundle, path, f"--saliency_level={2 * float(saliency[0])}") == [0]
    assert num_patches(capsys, calibrated(case, tmp_path, saliency_level=between), path, "--adaptive") == [2]


def test_a_level_takes_the_place_of_the_bundles_exit(case, folder, tmp_path, capsys):
    path, bundle = folder / "1.png", calibrated(case, tmp_path, exit_entropy=1000, saliency_level=0)
    assert num_patches(capsys, bundle, path) == [0]
    assert num_patches(capsys, bundle, path, "--adaptive") == [3]
    assert num_patches(capsys, bundle, path, "--saliency_level=0") == [3]
    assert num_patches(capsys, bundle, path, "--adaptive", "--exit_entropy=1000") == [0]


def test_a_budget_of_time_limits_the_patches(case, folder, capsys):
    path, bundle = folder / "1.png", f"--bundle={case.float32.path}"
    assert num_patches(capsys, bundle, path, "--budget_ms=0") == [0]
    assert num_patches(capsys, bundle, path, "--budget_ms=1e6") == [3]
    assert num_patches(capsys, bundle, path, "--budget_ms=1e6", "--num_patches=5") == [5]
    _, _, errors = run(capsys, bundle, path, "--budget_ms=1e6", "--timing")
    assert ", budget " in errors[0]


def test_a_bundle_without_a_level_cannot_be_adaptive(case, folder, capsys):
    status, lines, errors = run(capsys, f"--bundle={case.float32.path}", folder, "--adaptive")
    assert (status, lines) == (2, [])
    assert errors == [
        "error: --adaptive needs a bundle with a saliency_level; run tools.calibrate, or give --saliency_level=X"
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.png"], "no such file: none.png"),
        ([], "either PATH... or --camera is needed, and not both"),
        (["x.png", "--camera=auto"], "either PATH... or --camera is needed, and not both"),
        (["x.png", "--frames=3"], "--frames, --interval and --stable go with --camera"),
        (["x.png", "--stable=2"], "--frames, --interval and --stable go with --camera"),
        (["--camera=auto", "--stable=0"], "--stable: must be a whole number of at least 1, received 0"),
        (["--camera=auto", "--frames=0"], "--frames: must be a whole number of at least 1, received 0"),
        (["--camera=auto", "--interval=-1"], "--interval: must be a number of at least 0, received -1"),
        (["--camera=auto", "--interval=inf"], "--interval: must be a number of at least 0, received inf"),
        (["--camera=screen"], "--camera must be picamera2, opencv or auto"),
        (["*.nothing"], "no file matches *.nothing"),
        (["x.png", "--num_patches=many"], "--num_patches: invalid int value"),
        (["x.png", "--num_patches=99999"], "num_patches must be from 1 to the number of cells"),
        (["x.png", "--num_patches=0"], "num_patches must be from 1 to the number of cells"),
        (["x.png", "--threads=0"], "--threads: must be a whole number of at least 1"),
        (["x.png", "--exit_entropy=nan"], "--exit_entropy: must be a number of at least 0"),
        (["x.png", "--saliency_level=-1"], "--saliency_level: must be a number of at least 0, received -1"),
        (["x.png", "--saliency_level=1", "--adaptive"], "--adaptive: not allowed with argument --saliency_level"),
        (["x.png", "--budget_ms=nan"], "--budget_ms: must be a number of at least 0, received nan"),
        (["x.png", "--budget_ms=9", "--num_patches=0"], "num_patches must be from 1 to the number of cells"),
        (["x.png", "--cells"], "--cells goes with --json; leave it out, or add --json"),
        (["x.png", "--unknown"], "unrecognized arguments"),
        (["x.png", "--bundle=nowhere"], "no such bundle: nowhere"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(arguments, message, capsys):
    status, lines, errors = run(capsys, SHIPPED, *arguments)
    assert (status, lines, len(errors)) == (2, [], 1)
    assert message in errors[0]


WRONG_VALUES = [None, True, "x", "9", 0, -1, 1, 3, 2.5, 10**30, -1e300, [], [[]], [3, 3], [9000, 9000], {}, {"x": 1}]


def manifest_places(value, path=()):
    """Yields the path of every value inside, of a list only of the first item."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for name, item in inner:
        if name not in ("config", "versions", "whole_fine"):
            yield (*path, name)
            yield from manifest_places(item, (*path, name))


def manifest_fields(content):
    """Returns kind -> paths of every value: a field of all models, and of all files, is one kind."""
    kinds = {}
    for path in manifest_places(content):
        of_each = path[0] in ("models", "files") and len(path) > 1
        kinds.setdefault((path[0], "each", *path[2:]) if of_each else path, []).append(path)
    return kinds


MANIFEST = load_bundle(ROOT / "models" / "cluttered_mnist").manifest.content


@pytest.fixture
def linked(tmp_path):
    """The folder of a bundle whose models are the shipped ones, and whose manifest the test writes."""
    folder = tmp_path / "linked"
    folder.mkdir()
    for name in MANIFEST["files"]:
        (folder / name).symlink_to(ROOT / "models" / "cluttered_mnist" / name)
    return folder


FIELDS = manifest_fields(MANIFEST)


@pytest.mark.parametrize("kind", FIELDS, ids=lambda kind: ".".join(map(str, kind)))
@pytest.mark.filterwarnings("error")
def test_any_wrong_value_in_a_manifest_is_one_line_or_harmless(linked, kind, capsys):
    paths = itertools.cycle(FIELDS[kind])  # one model, or one file, after the other

    def write(change):
        path = next(paths)
        manifest = copy.deepcopy(MANIFEST)
        container = manifest
        for name in path[:-1]:
            container = container[name]
        change(container, path[-1])
        (linked / "manifest.json").write_bytes(format_content(manifest))

    def check(received):
        status, lines, errors = run(capsys, f"--bundle={linked}", SAMPLES / "1.png")
        assert (status, len(lines), len(errors)) in ((0, 1, 0), (2, 0, 1)), (received, errors)

    write(lambda container, name: container.pop(name))
    check("nothing")
    for value in WRONG_VALUES:
        write(lambda container, name, value=value: container.__setitem__(name, value))
        check(value)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 10**5, b"{" * 10**5, b'{"a": 1e999}', b"\0" * 2**21])
def test_what_is_no_manifest_is_one_line(linked, content, capsys):
    (linked / "manifest.json").write_bytes(content)
    status, lines, errors = run(capsys, f"--bundle={linked}", SAMPLES / "1.png")
    assert (status, lines, len(errors)) == (2, [], 1)
    assert "manifest" in errors[0]


def test_an_operator_that_is_missing_here_is_one_line(linked, capsys, monkeypatch):
    def lacks(**_):
        raise ValueError("Didn't find op for builtin opcode 'CONV_2D' version '9'.\nRegistration failed.\n")

    monkeypatch.setattr("edge.network.interpreter._runtime", lambda: SimpleNamespace(Interpreter=lacks))
    status, lines, errors = run(capsys, SHIPPED, SAMPLES / "1.png")
    assert (status, lines, len(errors)) == (2, [], 1)
    assert (
        "coarse.tflite cannot be run by this TFLite runtime: Didn't find op for builtin opcode 'CONV_2D'" in errors[0]
    )
    assert "pip install --upgrade ai-edge-litert" in errors[0]


def test_unreadable_images_in_a_folder_are_told_and_the_rest_goes_on(tmp_path, capsys):
    good = (SAMPLES / "1.png").read_bytes()
    contents = {"1.png": good, "2.png": b"", "3.png": good[:100], "4.png": good, "5.jpg": b"\xff\xd8\xff"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "6.png").mkdir()
    (tmp_path / "7.png").symlink_to(tmp_path / "none")
    status, lines, errors = run(capsys, SHIPPED, tmp_path, "--json")
    objects = [json.loads(line) for line in lines]
    assert (status, errors) == (1, [])
    assert [Path(o["path"]).name for o in objects] == [*contents, "6.png", "7.png"]
    assert [o.get("prediction") for o in objects] == ["7", None, None, "7", None, None, None]
    assert all(set(o) == {"path", "error"} for o in objects if "error" in o)


def test_patterns_and_zips_are_taken(tmp_path, capsys):
    packed = tmp_path / "b.zip"
    pack(ROOT / "models" / "cluttered_mnist", packed)
    capsys.readouterr()
    status, lines, errors = run(capsys, f"--bundle={packed}", SAMPLES / "[1-3].png")
    assert (status, errors) == (0, [])
    assert [line.split()[1] for line in lines] == ["7", "3", "4"]


def test_paths_come_from_standard_input(tmp_path, capsys, monkeypatch):
    names = b"%s\n\nnone.png\n%s" % (os.fsencode(SAMPLES / "2.png"), os.fsencode(SAMPLES / "8.png"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(names)))
    status, lines, errors = run(capsys, SHIPPED, "-")
    assert (status, [line.split()[1] for line in lines]) == (1, ["3", "3"])
    assert errors == ["error: no such file: none.png; check the path"]


def test_models_are_loaded_once(capsys, monkeypatch):
    made = []

    def note(content, num_threads, name):
        made.append((name, num_threads))
        return make_interpreter(content, num_threads, name)

    monkeypatch.setattr("edge.network.interpreter.make_interpreter", note)
    assert len(run(capsys, SHIPPED, SAMPLES, SAMPLES, "--threads=2", "--exit_entropy=0")[1]) == 16
    assert made[:3] == [("coarse.tflite", 2), ("fine.tflite", 2), ("top.tflite", 2)]
    assert set(made[3:]) == {("top.tflite", 2)}  # for other numbers of windows, each of them once
    assert len(made) <= 3 + 8


def test_timing(capsys):
    status, lines, errors = run(capsys, SHIPPED, SAMPLES, "--json", "--timing", "--exit_entropy=0")
    apart = [] if compiled.IS_COMPILED else ["patches"]  # else cut with the saliency
    stages = ["read", "resize", "input", "coarse", "saliency", *apart, "fine", "assemble", "top", "decode"]
    found = [json.loads(line)["stages_us"] for line in lines]
    assert status == 0
    assert all(list(image) == stages and min(image.values()) > 0 for image in found)
    assert errors[0].startswith("loading: bundle ")
    assert ", interpreters " in errors[0]
    assert ", first image " in errors[0]
    assert [line.split()[1] for line in errors[3:]] == stages
    mean, median = map(float, errors[4].replace("|", " ").split()[2:])
    assert mean == pytest.approx(np.mean([image["resize"] for image in found]), abs=1)
    assert median == pytest.approx(np.median([image["resize"] for image in found]), abs=1)


class FakeCamera:
    """Gives the first two samples, then fails."""

    def __init__(self):
        self.left = [SAMPLES / "2.png", SAMPLES / "1.png"]
        self.closed = False

    def capture(self):
        if not self.left:
            raise WorkError("the camera gives no more frames")
        return Image.open(self.left.pop()).convert("RGB")

    def close(self):
        self.closed = True


@pytest.mark.parametrize(
    ("arguments", "status", "errors"),
    [(["--frames=2"], 0, []), (["--interval=0"], 1, ["error: the camera gives no more frames"])],
)
def test_a_camera_is_read_and_closed(tmp_path, capsys, monkeypatch, arguments, status, errors):
    camera = FakeCamera()
    monkeypatch.setattr(run_module, "open_camera", {"auto:1": camera}.get)
    found = run(capsys, SHIPPED, "--camera=auto:1", "--json", f"--overlay={tmp_path}", *arguments)
    assert (found[0], found[2]) == (status, errors)
    objects = [json.loads(line) for line in found[1]]
    assert [(o["path"], o["prediction"]) for o in objects] == [("camera/1", "7"), ("camera/2", "3")]
    assert sorted(os.listdir(tmp_path)) == ["1.png", "2.png"]
    assert camera.closed


def test_a_stable_reading_of_a_camera_is_told_once(capsys, monkeypatch):
    camera = FakeCamera()
    camera.left = [SAMPLES / f"{name}.png" for name in (2, 2, 1, 2, 1, 1)]
    monkeypatch.setattr(run_module, "open_camera", {"auto": camera}.get)
    status, lines, errors = run(capsys, SHIPPED, "--camera=auto", "--frames=6", "--stable=2")
    assert (status, errors) == (0, [])
    assert [line.split("  ")[0] for line in lines] == ["camera/2: 7", "camera/5: 3"]


def test_without_a_camera_it_is_one_line(capsys, monkeypatch):
    for name in ("picamera2", "cv2"):
        monkeypatch.setitem(sys.modules, name, None)
    status, lines, errors = run(capsys, SHIPPED, "--camera=auto", "--frames=1")
    assert (status, lines, len(errors)) == (2, [], 1)
    assert "install it" in errors[0]


def test_as_a_program(tmp_path):
    program = [sys.executable, "-m", "edge.run", SHIPPED]
    done = subprocess.run([*program, SAMPLES / "1.png", "--json"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["path"] == str(SAMPLES / "1.png")
    assert done.stderr == ""
    wrong = subprocess.run([*program, tmp_path / "none.png"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)


def test_a_reader_that_leaves_early_is_no_error():
    program = [sys.executable, "-m", "edge.run", SHIPPED, *[SAMPLES] * 20]
    running = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    running.stdout.readline()
    running.stdout.close()
    assert running.stderr.read() == ""
    running.stderr.close()
    assert running.wait() == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_answers_come_while_paths_are_still_to_come_and_a_signal_ends_it_quietly(number, status):
    program = [sys.executable, "-m", "edge.run", SHIPPED, "-", "--timing"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(program, cwd=ROOT, text=True, bufsize=1, **pipes) as running:
        for name, digit in (("1", "7"), ("2", "3")):
            running.stdin.write(f"{SAMPLES / name}.png\n")
            assert f"{name}.png: {digit} " in running.stdout.readline()
        running.send_signal(number)
        assert running.wait() == status
        assert running.stdout.read() == ""
        errors = running.stderr.read().splitlines()
    assert errors[0].startswith("loading: ")
    assert errors[-1].startswith("| decode ")
