"""A benchmark's findings for people: Markdown for a screen, CSV for a spreadsheet, bars of energy."""

import csv
import io

from edge.comparison.charts import svg_bars, text_bars
from edge.comparison.variants import NOT_ASKED_FOR
from edge.errors import WorkError
from edge.output import table

CSV_COLUMNS = (
    "board", "threads", "valid", "name", "p50_us", "p90_us", "p99_us", "mean_us", "least_us",
    "ratio_to_fine_int8", "error",
    "num_patches", "coarse_stood", "multiplications", "bytes", "cold_start_ms", "memory_mb", "energy_uj",
    "energy_source", "modelled_energy_uj",
)  # fmt: skip


def as_text(findings: dict) -> str:
    """Returns everything that a user is told of one run."""
    parts = (part(findings) for part in (_head, _variants, _stages, _energy, _left_out, _reference, _verdict))
    return "\n\n".join(filter(None, parts))


def number(value, digits: int = 1, factor: float = 1.0) -> str:
    """Returns a number times a factor, with so many digits behind the point; '?' where it is not known."""
    return "?" if value is None else f"{value * factor:,.{digits}f}"


def _head(findings) -> str:
    machine, bundle, images = findings["machine"], findings["bundle"], findings["images"]
    memory = f", {machine['memory_mb']:,} MB" if machine["memory_mb"] else ""
    versions = ", ".join(f"{name} {version}" for name, version in findings["versions"].items())
    stretch = findings.get("stretch")
    labels = f"{images['labelled']} labelled by {images['labels']}" if images["labelled"] else "none labelled"
    return "\n".join(
        (
            f"{findings['board']}, {machine['cores']} cores{memory}, {machine['system']}, {machine['architecture']}",
            f"{bundle['name']}, {bundle['method']}, {bundle['num_patches']} patches{_thresholds(bundle)}; "
            f"{findings['threads']} thread{'s' if findings['threads'] > 1 else ''}; {versions}",
            f"{images['count']} images ({images['source']}), {labels}; every one {findings['repetitions']} times"
            f"{', each time from its file' if findings.get('from_files') else ''}"
            f"{f', and seen a second time, {stretch:g} times as high' if stretch else ''}",
        )
    )


def _thresholds(bundle) -> str:
    """The manifest's thresholds, those that it has."""
    names = ("exit_entropy", "saliency_level", "vote_lead", "reading_threshold", "patches_apart")
    return "".join(f", {name} {bundle[name]:.4g}" for name in names if bundle.get(name) is not None)


def _variants(findings) -> str:
    head = (
        "variant", "p50 ms", "p90 ms", "p99 ms", "x fine_int8", "least ms", "x fine_int8", "patches", "coarse stood %",
        "error %", "M mult.", "kB", "first answer ms", "peak MB",
    )  # fmt: skip
    rows = []
    for entry in findings["variants"]:
        latency, ratio = entry["latency_us"], entry["ratio_to_fine_int8"]
        rows.append(
            (
                entry["name"],
                *(number(latency[name], 3, 1e-3) for name in ("p50", "p90", "p99")),
                number(ratio and ratio["median_of_ratios"], 3),
                number(latency["least"], 3, 1e-3),
                number(ratio and ratio["ratio_of_least"], 3),
                "" if entry["num_patches"] is None else number(entry["num_patches"], 2),
                "" if entry["coarse_stood"] is None else number(entry["coarse_stood"], 1, 100),
                number(entry["error"], 2),
                number(entry["multiplications"], 2, 1e-6),
                number(entry["bytes"], 1, 1e-3),
                number(entry["cold_start_ms"], 0),
                number(entry["memory_mb"], 1),
            )
        )
    legend = "least: of the repetitions of each image, median over the images; x fine_int8: paired by image, median"
    return f"{table(head, rows, numbers_from=1)}\n{legend}"


def _stages(findings) -> str:
    """p50 of every stage, over the images that had it."""
    names = list(dict.fromkeys(name for entry in findings["variants"] for name in entry["stages_us"]))
    rows = []
    for entry in findings["variants"]:
        stages = entry["stages_us"]
        rows.append((entry["name"], *(number(stages[name]["p50"], 0) if name in stages else "" for name in names)))
    return table(("p50 of stages, us", *names), rows, numbers_from=1)


def _energy(findings) -> str | None:
    """Energies side by side, measured and modelled in columns of their own, and bars of the one that counts."""
    entries = findings["variants"]
    if all(entry["energy_source"] is None for entry in entries):
        return None
    measured = [entry for entry in entries if entry["energy_measurement"]]
    head = ["energy", "modelled uJ"]
    if measured:
        head = ["energy", "measured uJ", "min", "max", "above rest uJ", "modelled uJ"]
    kind = "measured" if measured else "modelled"
    head += [f"{kind}: saved of {name} %" for name in entries[0]["energy_saving"]]
    rows = []
    for entry in entries:
        savings = [number(value, 1, 100) for value in entry["energy_saving"].values()]
        modelled = number(entry["modelled_energy_uj"], 2)
        rows.append((entry["name"], *(_measured(entry) if measured else ()), modelled, *savings))
    values, title = _bars(findings)
    text = table(head, rows, numbers_from=1)
    text += "".join(f"\n{entry['name']}: {entry['energy_source']}" for entry in measured if entry["energy_uj"] is None)
    text += f"\nnot modelled: {findings['not_modelled']}"
    return f"{text}\n\n{title}\n{text_bars(values, 'uJ')}" if values else text


def _measured(entry) -> tuple:
    energy, net = entry["energy_measurement"]["energy_uj"], entry["energy_measurement"]["net_energy_uj"]
    total = [number(energy and energy[name], 2) for name in ("median", "min", "max")]
    return (*total, number(net and net["median"], 2))


def _bars(findings) -> tuple[dict, str]:
    """Returns the energies that are known, microjoules, and a title that says where they are from."""
    known = [entry for entry in findings["variants"] if entry["energy_uj"] is not None]
    sources = dict.fromkeys(entry["energy_source"] for entry in known)
    title = f"energy of one inference, {'; '.join(sources)}"
    return {entry["name"]: entry["energy_uj"] for entry in known}, title


def energy_chart(findings: dict) -> str:
    """Returns an SVG with the energies that are known; WorkError where none is."""
    values, title = _bars(findings)
    if not values:
        raise WorkError("no energy is known, so that there is nothing to draw; the table says why")
    return svg_bars(values, "uJ", f"{findings['bundle']['name']}: {title}")


def _left_out(findings) -> str | None:
    missing = {name: reason for name, reason in findings["left_out"].items() if reason != NOT_ASKED_FOR}
    return "\n".join(f"left out: {name}: {reason}" for name, reason in missing.items()) or None


def _reference(findings) -> str | None:
    reference = findings["reference"]
    if reference is None:
        return "no reference for this board, bundle and number of threads; --write_reference=DIR makes one"
    rows = [
        (name, number(ratio["expected"], 3), number(ratio["found"], 3), "yes" if ratio["within"] else "NO")
        for name, ratio in reference["ratios"].items()
    ]
    head = (reference["file"], "expected / fine_int8", "found", f"within {reference['tolerance']:.0%}")
    return table(head, rows, numbers_from=1)


def _verdict(findings) -> str:
    lines = [f"note: {note}" for note in findings["notes"]] + [
        f"warning: {warning}" for warning in findings["warnings"]
    ]
    return "\n".join([*lines, *([f"NOT VALID: {problem}" for problem in findings["problems"]] or ["valid"])])


def as_csv(all_findings: list[dict]) -> str:
    """Returns a line for each variant and run; empty where something is not known."""
    file = io.StringIO()
    writer = csv.DictWriter(file, CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for findings in all_findings:
        for entry in findings["variants"]:
            latency = {f"{name}_us": value for name, value in entry["latency_us"].items()}
            ratio = entry["ratio_to_fine_int8"] or {"median_of_ratios": None}
            writer.writerow(findings | entry | latency | {"ratio_to_fine_int8": ratio["median_of_ratios"]})
    return file.getvalue()
