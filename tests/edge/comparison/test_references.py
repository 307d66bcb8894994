import copy
import json

import pytest

from edge.comparison.references import FOLDER, against, ratios_of, reference_file, write_reference
from edge.errors import UserError

BOARD = "Raspberry Pi 5 Model B Rev 1.0"


def make_result(ratios, threads=1, board=BOARD, method="ptq"):
    variants = [
        {
            "name": name,
            "ratio_to_fine_int8": None if ratio is None else {"median_of_ratios": 0.0, "ratio_of_least": ratio},
            "latency_us": {"p50": 2000.0},
        }
        for name, ratio in ratios.items()
    ]
    return {
        "board": board,
        "threads": threads,
        "valid": True,
        "problems": [],
        "notes": [],
        "bundle": {"name": "net", "method": method, "num_patches": 8, "manifest_sha256": "ab"},
        "images": {"count": 3},
        "repetitions": 5,
        "versions": {"python": "3.11"},
        "variants": variants,
    }


RATIOS = {"fine_int8": 1.0, "coarse_int8": 0.2, "dcn_int8": 0.5, "dcn_int8_exit": 0.3}


def test_only_ratios_of_fixed_work_are_kept():
    assert ratios_of(make_result(RATIOS)) == {"coarse_int8": 0.2, "dcn_int8": 0.5}


def test_a_run_is_compared_with_its_own_board_bundle_and_threads(tmp_path):
    file = write_reference([make_result(RATIOS), make_result(RATIOS | {"dcn_int8": 0.8}, threads=4)], tmp_path)
    assert file == tmp_path / "raspberry_pi_5_model_b.json"
    later = RATIOS | {"dcn_int8": 0.59, "coarse_int8": 0.25, "dcn_float32": 9.0}
    found = against(make_result(later, board="Raspberry Pi 5 Model B Rev 1.1"), tmp_path)
    assert found == {
        "file": "raspberry_pi_5_model_b.json",
        "tolerance": 0.2,
        "ratios": {
            "coarse_int8": {"expected": 0.2, "found": 0.25, "within": False},
            "dcn_int8": {"expected": 0.5, "found": 0.59, "within": True},
        },
    }
    assert against(make_result(RATIOS, threads=4), tmp_path)["ratios"]["dcn_int8"]["expected"] == 0.8
    for other in ({"threads": 2}, {"board": "Other"}, {"method": "qat"}):
        assert against(make_result(RATIOS, **other), tmp_path) is None


def test_writing_again_replaces_the_same_run_and_keeps_the_others(tmp_path):
    write_reference([make_result(RATIOS, threads=4)], tmp_path)
    write_reference([make_result(RATIOS)], tmp_path)
    file = write_reference([make_result(RATIOS | {"dcn_int8": 0.7})], tmp_path)
    entries = json.loads(file.read_text())["entries"]
    assert [(entry["threads"], entry["ratios"]["dcn_int8"]) for entry in entries] == [(1, 0.7), (4, 0.5)]
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_without_fine_int8_there_is_no_reference(tmp_path):
    with pytest.raises(UserError, match="a reference needs fine_int8 and other variants"):
        write_reference([make_result({"dcn_int8": None})], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"tolerance": 0.2, "entries": [{}]}', '{"tolerance": "x", "entries": []}']
)
def test_a_damaged_reference_is_told(tmp_path, content):
    reference_file(BOARD, tmp_path).write_text(content)
    with pytest.raises(UserError, match="is no reference of a board: .*; remove or mend it"):
        against(make_result(RATIOS), tmp_path)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_the_references_that_come_along_can_be_compared_with(file):
    reference = json.loads(file.read_text())
    assert reference_file(reference["board"], FOLDER) == file
    for entry in reference["entries"]:
        result = make_result(copy.copy(entry["ratios"]), entry["threads"], reference["board"])
        found = against(result | {"bundle": entry["bundle"]}, FOLDER)
        assert entry["ratios"]
        assert all(ratio["within"] for ratio in found["ratios"].values())
