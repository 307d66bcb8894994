"""The tables about Cluttered MNIST (the paper's section 4.1): the paper's own, for RESULTS.md, and the long ones."""

from tools.findings.markdown import bullets, table
from tools.findings.runs import FREE, Figure, Variant, shared_options

PATCHES = "8"  # of the paper's table
GLIMPSES = "8"  # of RAM's, in the same table
RIVALS = {
    "ram": "RAM",
    "ram_lstm": "RAM with an LSTM core",
    "ram_lstm_averaged": "RAM with an LSTM core, ten answers averaged",
    "draw": "DRAW",
    "draw_twice_on": "DRAW, trained on twice",
}
# Rows of the paper's table: names of variants, and of what was published, with the words for them.
LABELS = {
    "ram": "RAM",
    "ram_lstm": "RAM, LSTM core, five trajectories",
    "ram_lstm_averaged": "the same, ten answers averaged",
    "draw": "DRAW",
    "draw_twice_on": "the same, trained on twice with more distortion",
    "coarse": "coarse",
    "coarse_bent": "coarse, trained with bent digits",
    "fine": "fine",
    "fine_muon_on": "fine, taught, from the shipped DCN's weights",
    "dcn_no_hint": "DCN without hint",
    "dcn_hint": "DCN with hint",
    "dcn_hint_batch_32": "DCN with hint, batches of 32",
    "dcn_relative_hint": "DCN with relative hint, batches of 64",
    "dcn_drawn": "DCN with hint, trained with 1, 2, 4 or 8 patches",
    "dcn_drawn_on": "the same, trained on with 2, 8 or 16",
    "teacher": "teacher, told where the digit lies",
    "coarse_taught": "coarse, taught",
    "coarse_muon": "coarse, taught, trained by Muon",
    "coarse_muon_on": "the same, trained on without distortion",
    "dcn_taught": "DCN with hint, taught, trained with 1, 2, 4 or 8 patches",
    "dcn_muon": "the same, trained by Muon",
    "dcn_muon_on": "the same, trained on with less distortion",
    "dcn_muon_mean_of_4": "the mean of its weights and of three branches', 320,000 images each",
    "dcn_muon_whole": "DCN, trained by Muon, normalised over whole batches",
    "dcn_muon_whole_on": "the same, trained on with less distortion",
    "dcn_muon_whole_mean_of_4": "the means of two of them and of three branches each, as long",
}
ASIDE = ("coarse_bent", "dcn_relative_hint")  # not in RESULTS.md, which is one page
NETWORKS = (
    "dcn_no_hint",
    "dcn_hint",
    "dcn_hint_batch_32",
    "dcn_relative_hint",
    "dcn_drawn",
    "dcn_drawn_on",
    "dcn_taught",
    "dcn_muon",
    "dcn_muon_on",
    "dcn_muon_mean_of_4",
    "dcn_muon_whole",
    "dcn_muon_whole_on",
    "dcn_muon_whole_mean_of_4",
)
PLACES = {
    **{name: (name.partition("_")[0], GLIMPSES) for name in RIVALS},
    **dict.fromkeys(NETWORKS, ("dcn", PATCHES)),
    **dict.fromkeys(("coarse_bent", "coarse_taught", "coarse_muon", "coarse_muon_on"), ("coarse",)),
    **dict.fromkeys(("teacher", "fine_muon_on"), ("fine",)),
}


def place(name: str) -> tuple[str, ...]:
    """Returns where the answer of a variant in LABELS stands in its errors and multiplications."""
    return PLACES.get(name, (name,))


def progress(variant: Variant) -> str:
    """Returns how many batches of how many an unfinished run was trained on; '' of one that is finished."""
    run = variant.runs[0]
    planned = max((sitting["train_steps"] for sitting in run.get("history", [])), default=run["steps"])
    return f" ({run['steps']:,} of {planned:,} batches)" if run["steps"] < planned else ""


def sections(sweep: dict, ablations: dict, published: dict, drawn: dict) -> list[str]:
    """Returns the long tables, as Markdown; of sweeps that there are none of, the variants by name are {}."""
    parts = [*_patches_table(sweep, published["paper"], published["reimplementation"]), *_glimpses_table(sweep)]
    parts += _own_stacks(sweep)
    parts += [f"![{plot.title}](results/plots/{name})\n" for name, plot in drawn.items()]
    parts += _attention(sweep)
    parts += _selectors({name: variant for name, variant in sweep.items() if variant.group("selectors")})
    parts += _ablations(ablations)
    return parts


def main_table(sweep: dict, published: dict) -> list[str]:
    """Returns the paper's table with what was trained here, and what differs."""
    paper, other = published["paper"], published["reimplementation"]
    rows = []
    for name, label in LABELS.items():
        if name in ASIDE or (name not in paper["error"] and name not in sweep):
            continue
        theirs = (_number(errors["error"].get(name)) for errors in (paper, other))
        if name in sweep:
            rows.append((label + progress(sweep[name]), *theirs, *_main_cells(sweep[name], place(name))))
        else:
            rows.append((label, *theirs, *[None] * 6))
    columns = ["paper", "re-implementation", "here", "seeds", "training images", "M multiplications", "minutes"]
    columns.append("test images")
    return [
        f"Test error, %; DCN with {PATCHES} patches:\n",
        table(["", *columns], rows),
        f"Paper: {paper['source']}. Re-implementation: {other['source']}.\n",
        "What differs between these figures:\n",
        bullets(published["differences"]),
    ]


def _main_cells(variant: Variant, where) -> list[str]:
    return [
        variant.figure("error", *where).text(),
        str(len(variant.runs)),
        f"{variant.images:,}",
        f"{variant.figure('multiplications', *where).mean / 1e6:.1f}",
        f"{variant.figure('seconds').mean / 60:.0f}",
        f"{variant.group().get('test_images', 10_000):,}",
    ]


def _patches_table(sweep, paper, other):
    ours = {name: sweep[name] for name in NETWORKS if name in sweep}
    counts = {k for variant in ours.values() for k in variant.group("error", "dcn")} or paper["error_by_patches"]
    counts = sorted(counts, key=int)
    published = {
        "paper, figure 3b": paper["error_by_patches"],
        "re-implementation with hint": other["error_by_patches"],
        "re-implementation without hint": other["error_by_patches_no_hint"],
    }
    rows = [(label, *(_number(errors.get(k)) for k in counts)) for label, errors in published.items()]
    for name, variant in ours.items():
        rows.append((f"here, {LABELS[name]}", *(_text(variant.figure("error", "dcn", k)) for k in counts)))
    for variant in list(ours.values())[:1]:  # the cost of all
        costs = [variant.figure("multiplications", "dcn", k) for k in counts]
        rows.append(("M multiplications", *(cost and f"{cost.mean / 1e6:.1f}" for cost in costs)))
    return ["Error by number of patches at test:\n", table(["", *counts], rows)]


def _glimpses_table(sweep):
    parts = []
    for name, label in RIVALS.items():
        if name not in sweep:
            continue
        variant, kind = sweep[name], place(name)[0]
        counts = list(variant.group("error", kind))
        errors = (variant.figure("error", kind, k).text() for k in counts)
        costs = (f"{variant.figure('multiplications', kind, k).mean / 1e6:.2f}" for k in counts)
        rows = [(f"here, {label}{progress(variant)}", *errors), (f"{label}'s M multiplications", *costs)]
        parts += [f"Error of {label} by number of glimpses:\n", table(["", *counts], rows)]
    return parts


def _own_stacks(sweep):
    rows = [
        (LABELS[name], *(_text(sweep[name].figure("error", stack)) for stack in ("coarse", "fine")))
        for name in NETWORKS
        if name in sweep
    ]
    text = "Each DCN's own two stacks over the whole image, trained within it:\n"
    return [text, table(["", "coarse", "fine"], rows)] if rows else []


def _attention(sweep):
    folders = sweep["dcn_hint"].folders if "dcn_hint" in sweep else ()
    shown = [folder.name for folder in folders if (folder / "attention.png").exists()][:1]
    return [
        f"Validation images, the same with the selected patches framed, their saliency, and the patches (`{name}`):\n\n"
        f"![patches](results/cluttered_mnist/{name}/attention.png)\n"
        for name in shown
    ]


def _selectors(variants):
    parts = []
    for name, variant in variants.items():
        errors = {"entropy gradient": ("error", "dcn")}
        errors |= {key.replace("_", " "): ("selectors", key) for key in variant.group("selectors")}
        counts = list(variant.group("error", "dcn"))
        rows = [(label, *(_text(variant.figure(*where, k)) for k in counts)) for label, where in errors.items()]
        parts += [
            f"`{name}`, {_seeds(variant)}, looking elsewhere at test: error by selector and number of patches. "
            "`loss gradient` and `oracle` are told the truth.\n",
            table(["", *counts], rows),
        ]
    return ["### Selectors\n", *parts] if parts else []


def _ablations(ablations: dict[str, Variant]):
    if not ablations:
        return []
    options = _differing_options([variant.config for variant in ablations.values()])
    trained = sorted({f"{variant.images:,}" for variant in ablations.values()})
    counts = sorted({k for variant in ablations.values() for k in variant.group("error", "dcn")}, key=int)
    rows = []
    for name, variant in ablations.items():
        values = [_option(variant.config.get(option)) for option in options]
        errors = [variant.figure("error", stack) for stack in ("coarse", "fine")]
        errors += [variant.figure("error", "dcn", k) for k in counts]
        cost = variant.figure("multiplications", "dcn", PATCHES)
        cells = [*values, *map(_text, errors), cost and f"{cost.mean / 1e6:.1f}", str(len(variant.runs))]
        rows.append((f"`{name}`", *cells))
    names = [f"`{option}`" for option in options]
    header = ["", *names, "coarse", "fine", *(f"k = {k}" for k in counts), f"M multiplications, k = {PATCHES}", "seeds"]
    return [
        "### Ablations\n",
        f"One option changed at a time; {' or '.join(trained)} training images; k patches at test. "
        "An empty cell is the preset's own.\n",
        table(header, rows),
    ]


def _differing_options(configs: list[dict]) -> list[str]:
    """Returns the options that are not the same in all of them."""
    options = sorted(shared_options(configs) - {"seed", *FREE})
    return [option for option in options if any(config[option] != configs[0][option] for config in configs)]


def _seeds(variant: Variant) -> str:
    count = len(variant.runs)
    return f"{count} seeds" if count > 1 else "1 seed"


def _text(figure: Figure | None) -> str | None:
    return figure and figure.text()


def _number(value) -> str | None:
    return None if value is None else f"{value:.2f}"


def _option(value) -> str | None:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return None if value is None else f"{value:g}" if isinstance(value, float) else str(value)
