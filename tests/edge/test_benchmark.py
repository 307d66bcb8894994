import csv
import io
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from edge import benchmark
from edge.benchmark import main, parse_arguments
from edge.bundle import load_bundle
from edge.bundle.content import format_content
from edge.comparison import findings, variants
from edge.energy.operations import bundle_operations
from edge.errors import run_main
from edge.network import compiled
from edge.network.pyramid_runner import ALL, make_runner
from edge.network.runner import TwoStageRunner

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "models" / "cluttered_mnist"
SAMPLES = ROOT / "models" / "samples"
READINGS = "73424053"
QUICK = ["--repetitions=1", "--starts=0", "--energy=none"]


def run(capsys, *arguments):
    """Returns the exit status, stdout and the lines of stderr."""
    with pytest.raises(SystemExit) as exit_info:
        run_main(main, [str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return exit_info.value.code, captured.out, captured.err.splitlines()


@pytest.fixture
def labels(tmp_path):
    """A file with the right label of seven samples and a wrong one of the last."""
    right = {f"{number}.png": reading for number, reading in enumerate(READINGS, 1)}
    (tmp_path / "labels.json").write_text(json.dumps(right | {"8.png": 9}))
    return tmp_path / "labels.json"


def test_everything_is_measured_printed_and_written(tmp_path, labels, capsys):
    files = {name: tmp_path / "new" / f"result.{name}" for name in ("json", "csv", "markdown", "chart")}
    arguments = [f"--bundle={SHIPPED}", f"--images={SAMPLES}", f"--labels={labels}", "--repetitions=2", "--starts=0"]
    status, out, errors = run(capsys, *arguments, "--energy=model", *(f"--{n}={path}" for n, path in files.items()))
    result = json.loads(files["json"].read_text())
    assert (status, errors) == (0, ["5 variants, 8 images, 2 repetitions, threads: 1"])
    names = ["fine_int8", "coarse_int8", "dcn_int8", "dcn_int8_exit", "dcn_int8_adaptive"]
    assert [variant["name"] for variant in result["variants"]] == names
    assert (result["threads"], result["repetitions"], result["images"]["labelled"]) == (1, 2, 8)
    assert result["valid"] is not bool(result["problems"])
    for variant in result["variants"]:
        latency = variant["latency_us"]
        assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"]
        assert variant["error"] == 12.5 if variant["name"] != "coarse_int8" else variant["error"] >= 12.5
        assert variant["energy_uj"] > 0
        assert variant["energy_source"].startswith("modelled (")
    fine, _, dcn, exits, adaptive = result["variants"]
    assert max(exits["num_patches"], adaptive["num_patches"]) < dcn["num_patches"] == 8
    assert ", exit_entropy 0.1299, saliency_level 0.2085; 1 thread" in out
    apart = [] if compiled.IS_COMPILED else ["patches"]  # else cut with the saliency
    assert list(dcn["stages_us"]) == ["input", "coarse", "saliency", *apart, "fine", "assemble", "top", "decode"]
    assert fine["ratio_to_fine_int8"] == {"median_of_ratios": 1.0, "ratio_of_medians": 1.0, "ratio_of_least": 1.0}
    assert dcn["ratio_to_fine_int8"]["median_of_ratios"] > 0
    assert set(result["left_out"]) == {"fine_float32", "dcn_float32"}
    assert out == files["markdown"].read_text()
    assert len(list(csv.DictReader(files["csv"].open()))) == 5
    assert files["chart"].read_text().startswith("<svg ")
    assert len(list((tmp_path / "new").iterdir())) == 4


def test_one_result_for_each_number_of_threads(tmp_path, capsys, monkeypatch):
    made = []

    def make_run(variant, bundle, num_patches, num_threads):
        made.append(num_threads)
        return variants.make_run(variant, bundle, num_patches, num_threads)

    monkeypatch.setattr(benchmark, "make_run", make_run)
    file = tmp_path / "r.json"
    wanted = ["--variants=dcn_int8", "--threads=1,2", f"--json={file}"]
    assert run(capsys, f"--bundle={SHIPPED}", f"--images={SAMPLES}", *wanted, *QUICK)[0] == 0
    result = json.loads(file.read_text())
    assert (result["threads"], [one["threads"] for one in result["runs"]], made) == ([1, 2], [1, 2], [1, 2])
    assert all(len(one["variants"]) == 1 for one in result["runs"])
    assert result["runs"][0]["variants"][0]["error"] is None


def test_without_images_random_ones_are_read_and_their_files_removed(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    bundle = changed_bundle(tmp_path, exit_entropy=0.5)
    status, out, _ = run(capsys, f"--bundle={bundle}", *QUICK)
    assert status == 0
    assert "8 images (random), none labelled; every one 1 times" in out
    assert "left out: dcn_int8_exit: what it does depends on the images; needs --images" in out
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def changed_bundle(folder, **changes):
    shutil.copytree(SHIPPED, folder / "bundle")
    manifest = load_bundle(SHIPPED).manifest.content
    (folder / "bundle" / "manifest.json").write_bytes(format_content(manifest | changes))
    return folder / "bundle"


class AdaptiveRunner(TwoStageRunner):
    """Looks at as many patches as the level that it is given says."""

    def run(self, image, num_patches=None, exit_entropy=None, saliency_level=None):
        return super().run(image, num_patches if saliency_level is None else saliency_level, exit_entropy)


def test_exit_and_adaptive_take_their_settings_from_the_manifest(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(variants, "make_runner", AdaptiveRunner)
    bundle, file = changed_bundle(tmp_path, exit_entropy=4e-5, saliency_level=3), tmp_path / "r.json"
    assert run(capsys, f"--bundle={bundle}", f"--images={SAMPLES}", f"--json={file}", *QUICK)[0] == 0
    by_name = {entry["name"]: entry for entry in json.loads(file.read_text())["variants"]}
    loaded = load_bundle(bundle)
    images = [benchmark.load_image(SAMPLES / f"{i}.png", loaded.manifest.input) for i in range(1, 9)]
    found = [TwoStageRunner(loaded).run(image) for image in images]
    stood = sum(result.num_patches == 0 for result in found) / 8
    assert 0 < stood < 1
    assert by_name["dcn_int8"]["num_patches"] == 8
    assert by_name["dcn_int8_exit"]["coarse_stood"] == stood
    assert by_name["dcn_int8_exit"]["num_patches"] == 8 * (1 - stood)
    assert by_name["dcn_int8_adaptive"]["num_patches"] == 3
    adaptive, fixed, exits = (by_name[f"dcn_int8{n}"]["multiplications"] for n in ("_adaptive", "", "_exit"))
    assert max(adaptive, exits) < fixed


def test_a_float_bundle_adds_its_variants(classifier_case, tmp_path, capsys):
    for number in range(3):
        Image.fromarray(classifier_case.images[number].squeeze()).save(tmp_path / f"{number}.png")
    bundles = [f"--bundle={classifier_case.ptq.path}", f"--float_bundle={classifier_case.float32.path}"]
    arguments = [f"--images={tmp_path}", "--repetitions=1", "--starts=0", "--energy=model"]
    status, _, _ = run(capsys, *bundles, *arguments, f"--json={tmp_path / 'r.json'}")
    result = json.loads((tmp_path / "r.json").read_text())
    saved = {entry["name"]: entry["energy_saving"]["fine_float32"] for entry in result["variants"]}
    assert status == 0
    assert list(saved) == ["fine_float32", "fine_int8", "coarse_int8", "dcn_float32", "dcn_int8"]
    assert saved["fine_float32"] == 0 < saved["fine_int8"] < 1
    assert result["float_bundle"]["method"] == "float32"


def test_decoding_and_resizing_are_counted_from_files_on(tmp_path, capsys):
    colour = Image.open(SAMPLES / "1.png").convert("RGB").resize((320, 240))
    colour.save(tmp_path / "7.jpg")
    colour.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "7.png")
    arguments = [f"--bundle={SHIPPED}", f"--images={tmp_path}", "--from_files", f"--json={tmp_path / 'r.json'}"]
    status, out, _ = run(capsys, *arguments, "--variants=dcn_int8,fine_int8", *QUICK)
    result = json.loads((tmp_path / "r.json").read_text())
    assert (status, result["from_files"], result["reference"]) == (0, True, None)
    assert "every one 1 times, each time from its file" in out
    for variant in result["variants"]:
        assert list(variant["stages_us"])[:3] == ["read", "resize", "input"]
        stages = sum(stage["p99"] for stage in variant["stages_us"].values())
        assert 0 < variant["latency_us"]["least"] < 1.5 * stages
        assert variant["multiplications"] > 0


def test_the_first_answer_of_a_fresh_process(tmp_path, capsys):
    file, quick = tmp_path / "r.json", ["--repetitions=1", "--starts=1", "--energy=none"]
    wanted = [f"--images={SAMPLES / '1.png'}", "--variants=dcn_int8", f"--json={file}"]
    assert run(capsys, f"--bundle={SHIPPED}", *wanted, *quick)[0] == 0
    (entry,) = json.loads(file.read_text())["variants"]
    assert entry["cold_start_ms"] > 10
    assert entry["memory_mb"] is None or entry["memory_mb"] > 10


def test_a_meter_is_asked(tmp_path, capsys, monkeypatch):
    meter = SimpleNamespace(source="rapl (package-0)")
    spread = {"median": 5.0, "min": 4.0, "max": 6.0}
    measured = {"source": meter.source, "valid": True, "why_not": None, "energy_uj": spread, "net_energy_uj": spread}
    monkeypatch.setattr(benchmark, "make_meter", {"rapl": meter}.get)
    monkeypatch.setattr(benchmark, "find_meter", lambda: (None, ["no rapl"]))
    read = []

    def measure(meter, run_once):
        read.append([run_once().prediction for _ in range(9)])
        return SimpleNamespace(to_dict=lambda: measured)

    monkeypatch.setattr(findings, "measure", measure)
    wanted = [f"--bundle={SHIPPED}", f"--images={SAMPLES}", "--variants=fine_int8,dcn_int8", *QUICK[:2]]
    assert "energy of one inference, measured (rapl (package-0))" in run(capsys, *wanted, "--energy=rapl")[1]
    assert read == [[*READINGS, READINGS[0]]] * 2
    out = run(capsys, *wanted, "--energy=auto")[1]
    assert "energy of one inference, modelled (" in out
    assert "note: no energy meter works here, so that energy is modelled" in out


def test_a_reference_is_written_and_compared_with(tmp_path, capsys, monkeypatch):
    wanted = [f"--bundle={SHIPPED}", f"--images={SAMPLES}", *QUICK]
    status, out, _ = run(capsys, *wanted, f"--write_reference={tmp_path}")
    (file,) = tmp_path.iterdir()
    assert (status, out.splitlines()[-1]) == (0, f"written: {file}")
    monkeypatch.setattr(benchmark.references, "FOLDER", tmp_path)
    assert f"| {file.name}" in run(capsys, *wanted)[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bundle=none"], "no such bundle: none"),
        (["--threads=0"], "--threads: must be a whole number of at least 1, received 0"),
        (["--threads=1,x"], "--threads: must be a whole number of at least 1, received x"),
        (["--repetitions=0"], "--repetitions: must be a whole number of at least 1, received 0"),
        (["--starts=-1"], "--starts: must be a whole number of at least 0, received -1"),
        (["--variants=fast"], "--variants must be of fine_float32, "),
        (["--variants="], "--variants: must be words joined by commas, received ''"),
        (["--variants=dcn_float32"], "no variant can be run (dcn_float32: needs --float_bundle)"),
        (["--images=none.png"], "no such file: none.png"),
        (["--images=*.none"], "no file matches *.none"),
        (["--labels=l.json"], "--labels goes with --images; name the images"),
        ([f"--images={SAMPLES}", "--labels=none.json"], "none.json cannot be read as JSON"),
        (["--stretch=1.4"], "--stretch is for bundles with levels, see the card of cluttered_mnist; leave it out"),
        (["--stretch=5"], "--stretch: must be a number from 1 to 4.0, received 5"),
        (["--stretch=1.4", "--write_reference=d"], "from pixels on, and --stretch was received; leave one out"),
        (["--energy=none", "--chart=c.svg"], "--chart draws the energy, and --energy=none was received"),
        (["--energy=sun"], "received 'sun'"),
        ([f"--float_bundle={SHIPPED}"], "--float_bundle must be a float32 bundle"),
        ([f"--json={ROOT}"], "is a folder, or lies below a file; name another file"),
        ([f"--write_reference={ROOT / 'LICENSE'}"], "is a folder, or lies below a file"),
        ([f"--images={SAMPLES}", f"--csv={SAMPLES}/labels.json"], "is the file of labels.json beside --images"),
        ([f"--images={SAMPLES}", f"--json={SAMPLES}/1.png"], "1.png, and would take its place"),
        (["--energy=csv:p.csv", "--csv=p.csv"], "--csv=p.csv is the file of --energy, and would take its place"),
        (["--json=r", "--markdown=r"], "--markdown=r is the file of --json"),
        (["--unknown"], "unrecognized arguments: --unknown; see python -m edge.benchmark --help"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(arguments, message, capsys):
    status, out, errors = run(capsys, f"--bundle={SHIPPED}", *arguments)
    assert (status, out, len(errors)) == (2, "", 1)
    assert message in errors[0]


def test_standard_input_without_a_name_is_told(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    status, _, errors = run(capsys, f"--bundle={SHIPPED}", "--images=-")
    assert (status, errors) == (2, ["error: --images=- names no image; name an image file, a folder or a pattern"])


def test_defaults():
    parsed = parse_arguments(["--bundle=b"])
    assert (parsed.threads, parsed.energy, parsed.starts, parsed.repetitions) == ([1], "auto", 3, None)


def test_as_a_program(tmp_path):
    command = [sys.executable, "-m", "edge.benchmark", f"--bundle={SHIPPED}", f"--images={SAMPLES}", *QUICK]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "| dcn_int8 " in done.stdout


def test_images_of_any_size_have_the_work_of_their_own_levels(pyramid_case, tmp_path, capsys):
    bundle, file, chosen = pyramid_case.ptq, tmp_path / "r.json", (0, 3)
    for number in chosen:
        Image.fromarray(pyramid_case.images[number][..., 0]).save(tmp_path / f"0000{number}_7.png")
    arguments = [f"--bundle={bundle.path}", f"--images={tmp_path}", f"--json={file}", *QUICK[:2], "--energy=model"]
    assert run(capsys, *arguments)[0] == 0
    found = {entry["name"]: entry for entry in json.loads(file.read_text())["variants"]}
    assert list(found) == ["fine_int8", "coarse_int8", "dcn_int8"]
    counts = []
    for number in chosen:
        size = pyramid_case.images[number].shape[:2]
        models = bundle_operations(bundle, 4, size)
        cells = len(pyramid_case.expected[number]["saliency"])
        of_image = {name: model.multiply_accumulates.value for name, model in models.items()}
        counts.append(of_image | {"saliency": cells * sum(bundle.manifest.task.heads) * 12})
    mean = {name: (counts[0][name] + counts[1][name]) / 2 for name in counts[0]}
    assert found["fine_int8"]["multiplications"] == round(mean["whole_fine"])
    assert found["coarse_int8"]["multiplications"] == round(mean["coarse"])
    parts = ("coarse", "fine", "top", "saliency")
    assert found["dcn_int8"]["multiplications"] == round(sum(mean[name] for name in parts))
    assert list(found["dcn_int8"]["stages_us"])[:3] == ["levels", "input", "coarse"]


def test_a_stretched_image_is_read_timed_and_counted_in_both_shapes(pyramid_case, tmp_path, capsys):
    bundle, file, pixels = pyramid_case.ptq, tmp_path / "r.json", pyramid_case.images[3][..., 0]
    Image.fromarray(pixels).save(tmp_path / "1_7.png")
    arguments = [f"--bundle={bundle.path}", f"--images={tmp_path}", "--stretch=1.4", "--energy=model", f"--json={file}"]
    status, out, _ = run(capsys, *arguments, "--repetitions=1", "--starts=1")
    found = json.loads(file.read_text())
    entries = {entry["name"]: entry for entry in found["variants"]}
    assert (status, found["stretch"], found["reference"]) == (0, 1.4, None)
    assert "every one 1 times, and seen a second time, 1.4 times as high" in out
    assert all(entry["cold_start_ms"] > 10 for entry in entries.values())
    height, width = pixels.shape
    once, higher = (bundle_operations(bundle, 1, size) for size in ((height, width), (round(1.4 * height), width)))
    both = {name: once[name].multiply_accumulates.value + higher[name].multiply_accumulates.value for name in once}
    assert entries["fine_int8"]["multiplications"] == both["whole_fine"]
    assert entries["coarse_int8"]["multiplications"] == both["coarse"]
    result = make_runner(bundle).run(pixels, stretch=1.4, vote_lead=ALL)
    assert entries["dcn_int8"]["num_patches"] == result.num_patches
    parts = [result.num_patches * once[name].multiply_accumulates.value for name in ("fine", "top")]
    saliency = len(result.saliency) * sum(bundle.manifest.task.heads) * 12
    assert entries["dcn_int8"]["multiplications"] == both["coarse"] + sum(parts) + saliency
