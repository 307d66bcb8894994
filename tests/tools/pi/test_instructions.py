from pathlib import Path

import pytest

from edge.bundle import load_bundle, write_bundle
from edge.errors import UserError
from tools.pi import instructions, machine
from tools.pi.classes import CLASSES

MODELS = Path(__file__).parents[3] / "models"


def test_one_image_is_the_difference_of_two_processes(monkeypatch, tmp_path, capsys):
    shipped = load_bundle(MODELS / "cluttered_mnist")
    files = {name: content for name, content in shipped.files.items() if name != "manifest.json"}
    bundle = write_bundle(tmp_path / "bundle", files, shipped.manifest.content | {"saliency_level": None})
    costs = {"fine_int8": 13e6, "coarse_int8": 1e6, "dcn_int8": 4e6, "dcn_int8_exit": 2e6}

    def count(core, environment, *arguments):
        assert environment == tmp_path
        assert arguments[:3] == ("-P", "-m", "tools.pi.repeat")  # what is installed, and not what lies in this folder
        values = dict(argument.removeprefix("--").split("=", 1) for argument in arguments[3:])
        assert values["bundle"] == str(bundle.path)
        return 10**9 + 8 * int(values["repetitions"]) * costs[values["variant"]] * {"a72": 2, "a76": 1}[core]

    monkeypatch.setattr(machine, "count", count)
    images = MODELS / "samples"  # eight of them
    instructions.main([f"--environment={tmp_path}", f"--images={images}", f"--bundle={bundle.path}"])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    expected = [
        [core, name, f"{cost * n:,.0f}"] for core, n in (("a72", 2), ("a76", 1)) for name, cost in costs.items()
    ]
    assert rows == expected
    arguments = [f"--environment={tmp_path}", f"--images={images}", f"--bundle={bundle.path}"]
    instructions.main([*arguments, "--variants=dcn_int8,fine_int8"])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [row for row in expected if row[1] in ("fine_int8", "dcn_int8")]


def test_a_line_of_edge_run_is_counted_from_its_file_on(monkeypatch, tmp_path, capsys):
    images = MODELS / "samples"

    def count(core, environment, *arguments):
        assert arguments[:4] == ("-P", "-m", "edge.run", f"--bundle={tmp_path / 'b'}")
        assert set(arguments[4:]) == {images}
        return 10**9 + 8 * len(arguments[4:]) * {"a72": 5e6, "a76": 3e6}[core]

    monkeypatch.setattr(machine, "count", count)
    (tmp_path / "b").symlink_to(MODELS / "cluttered_mnist")
    arguments = [f"--environment={tmp_path}", f"--images={images}", f"--bundle={tmp_path / 'b'}", "--from_files"]
    instructions.main(arguments)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [["a72", "edge.run", "5,000,000"], ["a76", "edge.run", "3,000,000"]]
    with pytest.raises(UserError, match="leave --variants and --float_bundle out"):
        instructions.main([*arguments, "--variants=dcn_int8"])


def test_classes_are_a_line_with_the_least_cycles(monkeypatch, tmp_path, capsys):
    def count_classes(core, environment, *arguments):
        repetitions = int(arguments[-1].removeprefix("--repetitions="))
        return {name: 10**9 + 8 * repetitions * 1000 * (number + 1) for number, name in enumerate(CLASSES)}

    monkeypatch.setattr(machine, "count_classes", count_classes)
    images, bundle = MODELS / "samples", MODELS / "cluttered_mnist"
    arguments = [f"--environment={tmp_path}", f"--images={images}", f"--bundle={bundle}", "--variants=dcn_int8"]
    instructions.main([*arguments, "--classes"])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    counts = ["1", "2", "3", "4", "5", "6", "7"]
    assert rows == [["a72", "dcn_int8", *counts, "9", "decoding"], ["a76", "dcn_int8", *counts, "7", "decoding"]]
