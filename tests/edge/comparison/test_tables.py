import copy
import csv
import io
from xml.etree import ElementTree

import pytest

from edge.comparison.tables import as_csv, as_text, energy_chart, number
from edge.errors import WorkError

SPREAD = {"median": 3000.0, "min": 2900.0, "max": 3100.0}


def entry(name, p50, **changes):
    return {
        "name": name,
        "latency_us": {"p50": p50, "p90": 2 * p50, "p99": 3 * p50, "mean": p50, "least": p50 / 2},
        "stages_us": {"coarse": {"p50": 140.4, "p90": 1.0, "p99": 1.0}},
        "ratio_to_fine_int8": {"median_of_ratios": 0.5, "ratio_of_medians": 0.6, "ratio_of_least": 0.7},
        "error": None,
        "num_patches": None,
        "coarse_stood": None,
        "multiplications": 83_000_000,
        "bytes": 71872,
        "cold_start_ms": None,
        "memory_mb": 53.52,
        "energy_uj": 4000.0,
        "energy_source": "modelled (table)",
        "modelled_energy_uj": 4000.0,
        "energy_measurement": None,
        "energy_saving": {"fine_float32": None, "fine_int8": 0.25},
    } | changes


@pytest.fixture
def result():
    return {
        "board": "A board",
        "threads": 1,
        "valid": True,
        "problems": [],
        "warnings": ["the CPU governor is ondemand"],
        "notes": ["a note"],
        "machine": {"cores": 4, "memory_mb": 8453, "system": "Debian", "architecture": "aarch64"},
        "bundle": {"name": "net", "method": "ptq", "num_patches": 8},
        "images": {"count": 3, "source": "folder", "labelled": 0, "labels": None},
        "repetitions": 5,
        "versions": {"python": "3.11"},
        "not_modelled": "the rest",
        "variants": [
            entry("fine_int8", 1234.5),
            entry("dcn_int8", 600.0, num_patches=7.5, coarse_stood=0.125, error=1.25, energy_uj=1000.0),
        ],
        "left_out": {"dcn_float32": "needs --float_bundle", "coarse_int8": "not asked for"},
        "reference": None,
    }


def rows(text, head):
    """Returns the cells of the lines of the table whose first line begins with `head`."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(f"| {head}"))
    last = next(i for i in range(first, len(lines) + 1) if i == len(lines) or not lines[i].startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[first:last]]


def test_what_is_not_known_is_a_question_mark():
    assert [number(None), number(0), number(1234.56, 1), number(0.1234, 1, 100)] == ["?", "0.0", "1,234.6", "12.3"]


def test_the_table_of_variants(result):
    text = as_text(result)
    _, _, fine, dcn = rows(text, "variant")
    times, counts = ["1.234", "2.469", "3.704", "0.500", "0.617", "0.700"], ["?", "83.00", "71.9", "?", "53.5"]
    assert fine == ["fine_int8", *times, "", "", *counts]
    assert dcn[4:10] == ["0.500", "0.300", "0.700", "7.50", "12.5", "1.25"]
    assert rows(text, "p50 of stages")[2] == ["fine_int8", "140"]
    assert "left out: dcn_float32: needs --float_bundle" in text
    assert "coarse_int8" not in text
    assert "A board, 4 cores, 8,453 MB, Debian, aarch64\nnet, ptq, 8 patches; 1 thread; python 3.11" in text
    assert "3 images (folder), none labelled; every one 5 times" in text
    assert text.splitlines()[-3:] == ["note: a note", "warning: the CPU governor is ondemand", "valid"]


def test_a_run_that_is_not_valid_says_why(result):
    result |= {"valid": False, "problems": ["too hot", "too slow"]}
    assert as_text(result).splitlines()[-2:] == ["NOT VALID: too hot", "NOT VALID: too slow"]


def test_modelled_energy_is_labelled_everywhere(result):
    text = as_text(result)
    head, _, fine, dcn = rows(text, "energy")
    assert head == ["energy", "modelled uJ", "modelled: saved of fine_float32 %", "modelled: saved of fine_int8 %"]
    assert (fine, dcn[:2]) == (["fine_int8", "4,000.00", "?", "25.0"], ["dcn_int8", "4,000.00"])
    assert "not modelled: the rest" in text
    assert "energy of one inference, modelled (table)\n" in text
    assert f"fine_int8  {'█' * 40} 4,000.00 uJ\ndcn_int8   {'█' * 10} 1,000.00 uJ" in text


def test_measured_and_modelled_energy_have_columns_of_their_own(result):
    measured = {"energy_uj": SPREAD, "net_energy_uj": {"median": 500.0}}
    for one in result["variants"]:
        one |= {"energy_measurement": copy.copy(measured), "energy_source": "measured (rapl)", "energy_uj": 3000.0}
    result["variants"][1] |= {"energy_uj": None, "energy_source": "measured (rapl), not valid: no samples"}
    result["variants"][1]["energy_measurement"] |= {"energy_uj": None, "net_energy_uj": None}
    text = as_text(result)
    head, _, fine, dcn = rows(text, "energy")
    assert head[:6] == ["energy", "measured uJ", "min", "max", "above rest uJ", "modelled uJ"]
    assert head[6].startswith("measured: ")
    assert fine[1:6] == ["3,000.00", "2,900.00", "3,100.00", "500.00", "4,000.00"]
    assert dcn[1:6] == ["?", "?", "?", "?", "4,000.00"]
    assert "energy of one inference, measured (rapl)\nfine_int8  " in text
    assert "dcn_int8: measured (rapl), not valid: no samples" in text


def test_no_energy_is_no_table(result):
    for one in result["variants"]:
        one |= {"energy_uj": None, "energy_source": None}
    assert "energy" not in as_text(result)


def test_the_reference(result):
    assert "no reference for this board" in as_text(result)
    ratio = {"expected": 0.4, "found": 0.5, "within": False}
    result["reference"] = {"file": "a_board.json", "tolerance": 0.2, "ratios": {"dcn_int8": ratio}}
    head, _, row = rows(as_text(result), "a_board.json")
    assert (head[-1], row) == ("within 20%", ["dcn_int8", "0.400", "0.500", "NO"])


def test_csv_has_a_line_for_each_variant_and_run(result):
    lines = list(csv.DictReader(io.StringIO(as_csv([result, result | {"threads": 4}]))))
    assert [(line["threads"], line["name"]) for line in lines] == [
        ("1", "fine_int8"),
        ("1", "dcn_int8"),
        ("4", "fine_int8"),
        ("4", "dcn_int8"),
    ]
    assert (lines[1]["board"], lines[1]["p50_us"], lines[1]["ratio_to_fine_int8"]) == ("A board", "600.0", "0.5")
    assert (lines[0]["error"], lines[1]["error"], lines[1]["energy_source"]) == ("", "1.25", "modelled (table)")


def test_the_chart_says_where_its_numbers_are_from(result):
    texts = ElementTree.fromstring(energy_chart(result)).iter("{http://www.w3.org/2000/svg}text")
    assert [text.text for text in texts] == [
        "net: energy of one inference, modelled (table)",
        "fine_int8",
        "4,000.00 uJ",
        "dcn_int8",
        "1,000.00 uJ",
    ]
    for one in result["variants"]:
        one["energy_uj"] = None
    with pytest.raises(WorkError, match="no energy is known, so that there is nothing to draw"):
        energy_chart(result)
