"""Expected ratios of a board, `BOARD.json`, measured by those who have it; a run is compared with them.

What is kept are ratios of least times to those of `fine_int8` in the same run: they tell whether software runs as it
should, and depend less than times on cooling, clock and what else runs. Variants whose work differs from image to image
are not kept.
"""

import json
from pathlib import Path

from edge.comparison.board import short_name
from edge.comparison.findings import TO
from edge.comparison.variants import VARIANTS
from edge.errors import UserError, one_line
from edge.output import write

FOLDER = Path(__file__).parent
TOLERANCE = 0.2  # of the expected ratio
NOTE = (
    f"Least times of each image over those of {TO} in the same run, medians over the images. Trust and compare these "
    "ratios alone; the milliseconds are medians of all times and tell how that run went."
)


def reference_file(board: str, folder) -> Path:
    """Returns the file of a board's reference, whether it exists or not."""
    return Path(folder) / f"{short_name(board)}.json"


def ratios_of(findings: dict) -> dict[str, float]:
    """Returns the ratios of a run that a reference keeps, by variant."""
    found = {}
    for variant in findings["variants"]:
        if variant["ratio_to_fine_int8"] and not VARIANTS[variant["name"]].setting and variant["name"] != TO:
            found[variant["name"]] = variant["ratio_to_fine_int8"]["ratio_of_least"]
    return found


def against(findings: dict, folder) -> dict | None:
    """Returns how a run stands to its board's reference in a folder, or None where there is none for it.

    `tolerance`, and `ratios`: variant -> `expected`, `found`, `within`.

    Raises:
        UserError: the board's reference is damaged.
    """
    file = reference_file(findings["board"], folder)
    if not file.is_file():
        return None
    reference = _read(file)
    entry = next((entry for entry in reference["entries"] if _key(entry) == _key(_entry(findings))), None)
    if entry is None:
        return None
    tolerance, found = reference["tolerance"], ratios_of(findings)
    compared = {
        name: {"expected": expected, "found": found[name], "within": abs(found[name] / expected - 1) <= tolerance}
        for name, expected in entry["ratios"].items()
        if name in found
    }
    return {"file": file.name, "tolerance": tolerance, "ratios": compared}


def write_reference(all_findings: list[dict], folder) -> Path:
    """Writes a board's reference, or adds to it what was not in it; returns the file.

    Args:
        all_findings: those of runs on one board, one for every number of threads.

    Raises:
        UserError: a run has no ratios; what is there is no reference; or it cannot be written.
    """
    board = all_findings[0]["board"]
    if not all(ratios_of(findings) for findings in all_findings):
        raise UserError(f"a reference needs {TO} and other variants with fixed work; run them, without --variants")
    file = reference_file(board, folder)
    fresh = [_entry(findings) for findings in all_findings]
    reference = _read(file) if file.is_file() else {"board": board, "tolerance": TOLERANCE, "note": NOTE, "entries": []}
    kept = [entry for entry in reference["entries"] if _key(entry) not in [_key(one) for one in fresh]]
    reference["entries"] = sorted(kept + fresh, key=lambda entry: json.dumps(_key(entry)))
    write(file, json.dumps(reference, indent=2) + "\n")
    return file


def _entry(findings: dict) -> dict:
    return {
        "bundle": {name: findings["bundle"][name] for name in ("name", "method", "num_patches", "manifest_sha256")},
        "threads": findings["threads"],
        "ratios": ratios_of(findings),
        "p50_ms": {v["name"]: round(v["latency_us"]["p50"] / 1e3, 3) for v in findings["variants"]},
        "valid": findings["valid"],
        "problems": findings["problems"],
        "notes": findings["notes"],
        "images": findings["images"]["count"],
        "repetitions": findings["repetitions"],
        "versions": findings["versions"],
    }


def _key(entry: dict) -> list:
    """What two runs must have in common to be compared; other weights of the same network take the same time."""
    return [*(entry["bundle"][name] for name in ("name", "method", "num_patches")), entry["threads"]]


def _read(file: Path) -> dict:
    try:
        reference = json.loads(file.read_text(encoding="utf-8"))
        for entry in reference["entries"]:
            _key(entry)
            entry["ratios"] = {name: float(ratio) for name, ratio in entry["ratios"].items()}
        reference["tolerance"] = float(reference["tolerance"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{file} is no reference of a board: {one_line(error)}; remove or mend it") from None
    return reference
