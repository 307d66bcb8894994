"""The findings about Cluttered MNIST, one sentence each: a part of RESULTS.md.

A sentence says what was compared and what came of it; it judges nothing that other figures would not bear out.
"""

import math
from pathlib import Path

from tools.findings.cluttered_tables import PATCHES, RIVALS, place, progress
from tools.findings.interval_tables import between, compared
from tools.findings.markdown import bullets, table
from tools.findings.runs import Variant, inside, read_kept

SWEEP = "python -m tools.sweep sweeps/cluttered_mnist.json --data_dir=MNIST"
BUNDLES = "python -m tools.baselines.cluttered_bundle --bundle=models/NAME --data_dir=MNIST --test_images=50000"
PAIRED = "paired.json"  # beside the result of a fine model
PAIR = (
    "python -m tools.baselines.paired_networks models/cluttered_mnist.keras --fine=models/cluttered_mnist_fine.keras "
    "--num_patches={} --data_dir=MNIST --test_images=50000"
)


def sections(sweep: dict[str, Variant], bundles: dict[str, dict], published: dict) -> list[str]:
    """Returns the sections, as Markdown.

    Args:
        sweep: variants by name; {} where there are none.
        bundles: what `tools.baselines.cluttered_bundle` wrote, by the bundle's name.
        published: of Cluttered MNIST.
    """
    found = [*_against_fine(sweep, published), *_same_help(sweep), *_hint(sweep), *_selectors(sweep), *_patches(sweep)]
    found += [*_teacher(sweep), *_muon(sweep), *_rivals(sweep)]
    parts = ["### What was found\n", bullets(found)] if found else []
    return parts + [part for name, bundle in bundles.items() for part in _bundle(name, bundle)]


def _against_fine(sweep, published) -> list[str]:
    if not {"dcn_hint", "fine"} <= sweep.keys():
        return []
    variants = [sweep[name] for name in ("dcn_hint", "fine")]
    ours, fine = (variant.figure("error", *place(name)) for name, variant in zip(("dcn_hint", "fine"), variants))
    costs = [
        variant.figure("multiplications", *place(name)).mean for name, variant in zip(("dcn_hint", "fine"), variants)
    ]
    runs, paper = [len(variant.runs) for variant in variants], published["paper"]["error"]
    images = variants[0].group()["test_images"]
    return [
        f"**DCN and the fine model, each trained on its own**: {ours.text()} against {fine.text()} % with {PATCHES} "
        f"patches ({runs[0]} and {runs[1]} runs), for {costs[0] / costs[1]:.2f} of the multiplications. The difference "
        f"is {ours.mean - fine.mean:+.2f} points. The standard error of one figure, from {images:,} images, is "
        f"{_standard_error(ours.mean, images):.2f}. The paper has {paper['dcn_hint']:.2f} against "
        f"{paper['fine']:.2f} %. `{SWEEP}`"
    ]


def _same_help(sweep) -> list[str]:
    """Returns how the shipped DCN compares with a fine model that had its weights, such teachers and its optimizer."""
    if not {"dcn_muon_on", "fine_muon_on"} <= sweep.keys():
        return []
    dcn, fine = sweep["dcn_muon_on"], sweep["fine_muon_on"]
    texts = [
        f"{variant.figure('error', *where).text()} % ({between(inside(variant.group('interval'), where))})"
        for variant, where in ((dcn, ("dcn", PATCHES)), (fine, ("fine",)))
    ]
    return [
        f"**The shipped DCN and the fine model with the same help**: {texts[0]} with {PATCHES} patches against "
        f"{texts[1]}. The fine model begins with that DCN's weights, and is trained on as a whole with "
        f"{fine.images:,} images, by Muon, taught by two teachers of the same recipe, which are a little better. In "
        f"brackets the 95 % interval, by bootstrap over digits. Same command.{_on_the_same_images(fine.folders[0])}"
    ]


def _on_the_same_images(fine: Path) -> str:
    """Returns what `tools.baselines.paired_networks` found of a fine model, as sentences; '' where it was not run."""
    if not (fine / PAIRED).exists():
        return ""
    rows = read_kept(fine / PAIRED)["rows"]
    against = {k: rows[row]["against_fine"] for row in rows for kind, _, k in [row.partition("/")] if kind == "dcn"}
    texts = [
        f"{found['difference']:+.2f} points ({between(found['interval'])}) with {k}"
        for k, found in against.items()
        if int(k) >= int(PATCHES)
    ]
    return (
        f" On the same images, the DCN less the fine model, by number of patches: {', '.join(texts)}. "
        f"`{PAIR.format(','.join(against))}`"
    )


def _hint(sweep) -> list[str]:
    if not {"dcn_hint", "dcn_no_hint"} <= sweep.keys():
        return []
    texts = []
    for k in ("1", PATCHES):
        ours, without = (sweep[name].figure("error", "dcn", k).text() for name in ("dcn_hint", "dcn_no_hint"))
        texts.append(f"{ours} % with it and {without} without at {k} patch{'es' * (k != '1')}")
    return [f"**The hint**: {', '.join(texts)}. Same command."]


def _selectors(sweep) -> list[str]:
    variant = sweep.get("dcn_hint")
    if variant is None or "loss_gradient" not in variant.group("selectors"):
        return []
    texts = []
    for k in ("1", PATCHES):
        ours, best = variant.figure("error", "dcn", k), variant.figure("selectors", "loss_gradient", k)
        texts.append(f"{ours.mean - best.mean:+.2f} points at {k} patch{'es' * (k != '1')}")
    random = variant.figure("selectors", "random", PATCHES)
    return [
        "**A better selector** could give no more than the gap to the gradient of the true loss, which no runtime has: "
        f"{' and '.join(texts)}. Random cells have {random.text()} % at {PATCHES}. Same command."
    ]


def _patches(sweep) -> list[str]:
    variant = sweep.get("dcn_hint")
    if variant is None or not {"1", PATCHES, "16"} <= variant.group("error", "dcn").keys():
        return []
    one, some, more = (variant.figure("error", "dcn", k) for k in ("1", PATCHES, "16"))
    return [
        f"**More patches, or better vectors**: {one.text()} % at 1, {some.text()} at {PATCHES}, {more.text()} at 16. "
        f"So {one.mean - some.mean:.2f} points are what one patch leaves out, and better vectors might give. "
        "Same command."
    ]


def _beside(sweep, words: tuple[str, str], dcn: tuple[str, str], coarse: tuple[str, str] | None = None) -> str:
    """Returns the errors of two variants beside each other, '' where there is neither.

    Args:
        sweep: variants by name.
        words: what is said of the first and of the second.
        dcn, coarse: names of the two DCNs, and of the two coarse models on their own, if any.
    """
    texts = []
    for label, names, where in (
        ("the DCN's coarse output", dcn, ("coarse",)),
        ("1 patch", dcn, ("dcn", "1")),
        (f"{PATCHES} patches", dcn, ("dcn", PATCHES)),
        ("the coarse model alone", coarse, ("coarse",)),
    ):
        if names and set(names) <= sweep.keys():
            first, second = (sweep[name].figure("error", *where).text() for name in names)
            texts.append(f"{label} {first} % {words[0]} and {second} {words[1]}")
    return "; ".join(texts)


def _teacher(sweep) -> list[str]:
    """Returns what a teacher brings, beside the same networks without one."""
    text = _beside(sweep, ("with it", "without"), ("dcn_taught", "dcn_hint"), ("coarse_taught", "coarse"))
    if not text or "dcn_hint" not in sweep or "teacher" not in sweep:
        return []
    first = sweep["dcn_taught" if "dcn_taught" in sweep else "coarse_taught"]
    counts = [f"{variant.group().get('test_images', 10_000):,}" for variant in (first, sweep["dcn_hint"])]
    told = sweep["teacher"].figure("error", *place("teacher")).text()
    return [
        f"**A teacher** that is told where the digit lies has {told} %. Its answers are taught beside the labels "
        f"(`--teacher`): {text}. Test images: {counts[0]} with it, {counts[1]} without. Same command."
    ]


def _muon(sweep) -> list[str]:
    """Returns what the optimizer brings, beside AdamW on as many batches."""
    text = _beside(sweep, ("with it", "with AdamW"), ("dcn_muon", "dcn_taught"))
    return [f"**Muon** (`--optimizer=muon`), both taught: {text}. Same command."] if text else []


def _rivals(sweep) -> list[str]:
    found = []
    for name, label in RIVALS.items():
        if name in sweep:
            error, cost = (sweep[name].figure(kind, *place(name)) for kind in ("error", "multiplications"))
            text = f"{label} {error.text()} %{progress(sweep[name])}, {cost.mean / 1e6:.1f} M multiplications"
            found.append(text + _cpu(name, sweep[name]))
    commands = "Commands: [results/](results/README.md#ram-and-draw)."
    return [f"**Rivals, trained on the same generator**: {'; '.join(found)}. {commands}"] if found else []


def _cpu(name: str, variant: Variant) -> str:
    """Returns the CPU time of one image, where it was measured."""
    figure = variant.figure("cpu_milliseconds", place(name)[0])
    return f", {figure.mean:.2f} ms of CPU an image" if figure else ""


def _standard_error(percent: float, images: int) -> float:
    share = percent / 100
    return 100 * math.sqrt(share * (1 - share) / images)


def _bundle(name: str, found: dict) -> list[str]:
    """Returns the table of one shipped bundle."""
    columns = ["error, %", "95 % interval", "patches", "M mult.", "of fine"]
    columns += ["less fine, points", "95 % interval", "alone wrong", "McNemar's p"]
    fine = found["ways"]["fine"]["multiplications"]
    rows = [
        (
            way.replace("dcn, ", "DCN with ").replace("dcn/", "DCN, patches: ").replace("_", " "),
            f"{row['error']:.2f}",
            between(row["interval"]),
            f"{row['num_patches']:.2f}",
            f"{row['multiplications'] / 1e6:.2f}",
            f"{row['multiplications'] / fine:.3f}",
            *compared(row.get("against_fine")),
        )
        for way, row in found["ways"].items()
    ]
    return [
        f"### `models/{name}`, int8, {found['test_images']:,} images\n",
        "Sets of clutter over the test digits; intervals by bootstrap over digits. `fine` is the bundle's own, over "
        f'the whole image. "Alone wrong" counts images that one of the two alone reads wrong: it / fine. `{BUNDLES}`\n',
        table(["", *columns], rows),
    ]
