"""The findings about numbers in photographs: the shipped reader, what one would install, and the paper's way.

Where a file lacks a figure, the sentence about it is left out.
"""

from tools.findings.house_number_tables import by_scales, labelled
from tools.findings.interval_tables import between, compared
from tools.findings.markdown import bullets, table
from tools.findings.runs import Variant, inside

READER, SCALES = "photographs", "street_numbers"  # folders of the shipped reader's run, and of the paper's way
EMPTY = "without a number"  # the further test: the same scenes, their number not painted
BUNDLE = "models/street_numbers"
TRAIN = "python -m train.main --flagfile=street_numbers.flags"
IMAGES = "python -m train.data.write_images --out=photographs --kind=photographs --count=150"
TRAIN_SCALES = "python -m train.main --flagfile=svhn_scales.flags --dataset=street_numbers"


def sections(runs: dict[str, Variant], comparisons: dict[str, dict]) -> list[str]:
    """Returns the sections, as Markdown.

    Args:
        runs: single runs, by folder name.
        comparisons: what `tools.baselines.ocr` wrote, by file name without its ending.
    """
    parts = _reader(runs[READER]) if READER in runs else []
    parts += _beside([found for found in comparisons.values() if "ratio" in found])
    return parts + (_scales_apart(runs[SCALES]) if SCALES in runs else [])


def _reader(run: Variant) -> list[str]:
    """Returns the shipped reader's table and findings, of its weights in float."""
    result, found = run.runs[0], [*_against_fine(run), *_boxes(run), *_threshold(run)]
    return [
        f"### The shipped reader, {result['test_images']:,} rendered photographs\n",
        f"`{BUNDLE}.keras`, in float; the bundle `{BUNDLE}` is its int8. Errors are of whole numbers. The last column: "
        "the share of the same photographs, without their number, in which something is read, before any threshold. "
        f"`{TRAIN}`; the run was made [in parts](results/{READER}/log.txt).\n",
        table(*_reader_table(result)),
        bullets(found),
    ]


def _reader_table(result: dict) -> tuple[list[str], list[tuple]]:
    header = ["", "error, %", "95 % interval", "M mult.", "of fine"]
    header += ["less fine, points", "95 % interval", "alone wrong", "McNemar's p", "read in nothing, %"]
    fine = inside(result, ("multiplications", "fine"))
    rows = []
    for label, *keys in labelled(result["error"]):
        interval, against = (inside(result.get(name), keys) for name in ("interval", "against_fine"))
        empty, cost = inside(result, ("more_tests", EMPTY, "error", *keys)), inside(result["multiplications"], keys)
        cells = [f"{inside(result['error'], keys):.2f}", between(interval) if interval else None]
        cells += [f"{cost / 1e6:,.0f}", f"{cost / fine:.3f}" if fine else None]
        cells += compared(against)
        rows.append((label, *cells, None if empty is None else f"{empty:.1f}"))
    return header, rows


def _against_fine(run: Variant) -> list[str]:
    k = _most_patches(run)
    ours, fine = run.figure("error", "dcn", k), run.figure("error", "fine")
    if ours is None or fine is None:
        return []
    costs = [run.figure("multiplications", *keys).mean for keys in (("dcn", k), ("fine",))]
    images = run.group()["test_images"]
    return [
        f"**The DCN and the fine stack everywhere**, one network: {ours.text()} against {fine.text()} % with {k} "
        f"patches, for 1/{costs[1] / costs[0]:.1f} of the multiplications. One photograph is {100 / images:.1f} points."
    ]


def _boxes(run: Variant) -> list[str]:
    found, centred = run.figure("readings", "found"), run.figure("readings", "centred")
    if found is None or centred is None:
        return []
    return [
        f"**Boxes** of what is read: {found.text(1)} % overlap the true one by more than 0.3 of the union, "
        f"and {centred.text(1)} % have their middle in it."
    ]


def _threshold(run: Variant) -> list[str]:
    before = run.figure("more_tests", EMPTY, "error", "dcn", _most_patches(run))
    at, after, kept = (run.figure("threshold", name) for name in ("probability", "false_readings", "kept"))
    if None in (before, at, after, kept):
        return []
    return [
        f"**False readings**: something is read in {before.text(1)} % of photographs without a number, and in "
        f"{after.text(1)} % with the threshold that validation photographs chose, {at.text(3)}. "
        f"{kept.text(1)} % of right readings reach it."
    ]


def _beside(comparisons: list[dict]) -> list[str]:
    """Returns the table of the bundle beside RapidOCR, [] where nothing was compared."""
    if not comparisons:
        return []
    rows, notes = [], []
    for found in comparisons:
        readers = found["readers"]
        time = found["ratio"]["milliseconds"]
        errors = (_sure(readers[name]["error"], "percent") for name in ("bundle", "rapidocr"))
        times = f"1/{1 / time:.1f}" if time <= 1 else f"{time:.1f}"
        rows.append((_images(found), *errors, _sure(found["difference"], "points", "+"), times))
        notes += [f"{_images(found)}: {problem.partition(';')[0]}." for problem in found["problems"]]
    version = comparisons[0]["versions"]["rapidocr-onnxruntime"]
    return [
        f"### `{BUNDLE}`, int8, beside RapidOCR {version}\n",
        "The bundle has its own thresholds. Both read an image after the other in one thread; times are of such pairs. "
        f"`{IMAGES}`, `{_command(comparisons[0])}`, tight crops with `--crops` and a part with `--split`; "
        "[how](results/ocr/README.md)\n",
        table(["", "bundle, error %", "RapidOCR, error %", "difference, points", "time, of RapidOCR's"], rows),
        *([bullets(notes)] if notes else []),
    ]


def _images(found: dict) -> str:
    """Returns what was read, and with which option, as a row's name."""
    images, stretch = found["images"], found["bundle"].get("stretch")
    option = f", `--stretch={stretch:g}`" if stretch else ""
    split = f", {images['split']}" if images["split"] else ""
    return f"{images['source']}{split}{', tight crops' * images['crops']}, {images['labelled']:,} images{option}"


def _command(found: dict) -> str:
    most = found["bundle"]["num_patches"]
    return f"python -m tools.baselines.ocr --bundle={BUNDLE} --num_patches={most} --images=IMAGES"


def _sure(facts: dict, name: str, sign: str = "") -> str:
    return f"{facts[name]:{sign}.1f} ± {facts['standard_error']:.1f}"


def _scales_apart(run: Variant) -> list[str]:
    """Returns how an earlier, smaller network reads at one scale, two, ..., and with other selectors."""
    result, k = run.runs[0], _most_patches(run)
    scales = ", ".join(f"{scale:g}" for scale in by_scales(result)[-1]["scales"])
    names = {"coarse": ("coarse",), "fine": ("fine",), f"DCN, {k} patches a scale": ("dcn", k)}
    errors = [f"{name} {', '.join(_errors(result, keys))}" for name, keys in names.items()]
    every = {"entropy gradient": run.group("error", "dcn")} | run.group("selectors")
    selectors = [f"{name.replace('_', ' ')} {found[k]:.1f}" for name, found in every.items() if k in found]
    found = [
        f"**More scales** (the first, then two, then all of {scales}), error in %: {'; '.join(errors)}.",
        f"**Where to look**, {k} patches at the first scale, error in %: {', '.join(selectors)}. "
        "The oracle is told the true box.",
    ]
    return [
        "### The paper's way: every scale read on its own, and averaged\n",
        f"An earlier, smaller network on {result['test_images']:,} other photographs, one run. It is no rival of the "
        f"shipped reader; it compares what the paper compares. `{TRAIN_SCALES}`\n",
        bullets(found),
    ]


def _errors(result: dict, keys) -> list[str]:
    """Returns one model's error at one scale, two, ..."""
    return [f"{inside(at['error'], keys):.1f}" for at in by_scales(result)]


def _most_patches(run: Variant) -> str | None:
    return max(run.group("error", "dcn"), key=int, default=None)
