"""A benchmark's findings as JSON. A value that is not known is null, never 0."""

import itertools
import statistics
from dataclasses import dataclass

from edge.bundle import Bundle, file_entry
from edge.bundle.storage import MANIFEST_FILE
from edge.comparison.board import versions
from edge.comparison.race import Times, ratios
from edge.comparison.variants import DCN, Variant
from edge.comparison.work import mean_multiplications, shares
from edge.energy.measure import measure
from edge.energy.model import NOT_MODELLED, mixture, modelled_energy
from edge.energy.operations import FRAME
from edge.energy.windows import record
from edge.errors import UserError

TO = "fine_int8"
FACTS = (  # of a bundle's manifest
    *("name", "method", "num_patches", "exit_entropy", "saliency_level"),
    *("reading_threshold", "vote_lead", "patches_apart"),
)
SAVING_AGAINST = ("fine_float32", "fine_int8")


@dataclass(frozen=True)
class Run:
    """One variant after the race.

    Attributes:
        starts: (seconds, MB or None) of every fresh process.
        stretch: images were seen a second time, so many times as high; 1: once.
    """

    variant: Variant
    bundle: Bundle
    run: object
    times: Times
    starts: list
    stretch: float = 1.0


def entries(runs: dict[str, Run], paths, labels: dict) -> list[dict]:
    """Returns an entry for each variant, without energy; `labels` maps paths to what is to be read, if known."""
    reference = runs[TO].times if TO in runs else None
    return [_entry(name, run, paths, labels, reference) for name, run in runs.items()]


def _entry(name, run, paths, labels, reference) -> dict:
    outcomes, files = run.times.outcomes, run.bundle.manifest.files
    patches = [outcome.num_patches for outcome in outcomes] if run.variant.models == DCN else None
    seconds, memory = zip(*run.starts) if run.starts else ((), ())
    known = [megabytes for megabytes in memory if megabytes is not None]
    return {
        "name": name,
        "latency_us": run.times.latency_us(),
        "stages_us": run.times.stage_latency_us(),
        "ratio_to_fine_int8": None if reference is None else ratios(run.times, reference),
        "error": error(outcomes, paths, labels),
        "num_patches": patches and statistics.fmean(patches),
        "coarse_stood": patches and patches.count(0) / len(patches),
        "multiplications": mean_multiplications(run.bundle, shares(run.variant, outcomes), run.stretch),
        "bytes": sum(files[file].bytes for file in run.variant.file_names()),
        "cold_start_ms": round(statistics.median(seconds) * 1e3, 1) if seconds else None,
        "memory_mb": round(max(known), 1) if known else None,
    }


def error(outcomes, paths, labels: dict) -> float | None:
    """Returns the percentage of the labelled images that are read wrong; None where none is labelled."""
    wrong = [outcome.prediction != labels[path] for outcome, path in zip(outcomes, paths) if path in labels]
    return 100 * statistics.fmean(wrong) if wrong else None


def add_energy(found: list[dict], runs: dict[str, Run], images, wanted: str, meter) -> None:
    """Adds the energy of an inference to every entry.

    `energy_uj` is measured where there is a meter, else modelled, and `energy_source` says which;
    `modelled_energy_uj` is always the model's; `energy_saving` is the share saved against other variants.

    Args:
        images: the pixels, in turn; read again and again where energy is measured.
        wanted: 'none' for no energy at all; 'trace' to write down when it is spent, for `edge.replay`.
    """
    for entry in found:
        run = runs[entry["name"]]
        modelled = None if wanted == "none" else _modelled(run)
        entry["modelled_energy_uj"] = modelled and modelled["microjoules"]
        entry["modelled_energy"] = modelled
        entry["energy_measurement"] = None
        entry["energy_uj"], entry["energy_source"] = entry["modelled_energy_uj"], modelled and modelled["source"]
        if meter:
            put_measurement(entry, measure(meter, _reading_in_turn(run, images)).to_dict())
        if wanted == "trace":
            entry["energy_windows"] = record(_reading_in_turn(run, images)).to_dict()
    put_savings(found)


def put_savings(found: list[dict]) -> None:
    """Puts the share of energy saved against other variants into every entry."""
    by_name = {entry["name"]: entry["energy_uj"] for entry in found}
    for entry in found:
        entry["energy_saving"] = {name: _saving(entry["energy_uj"], by_name.get(name)) for name in SAVING_AGAINST}


def _modelled(run: Run) -> dict | None:
    """Returns the mean of the modelled energy over the images, or None where it is not known."""
    parts = shares(run.variant, run.times.outcomes)
    try:
        energy = mixture(
            (share, modelled_energy(run.bundle, models, num_patches or None, None, size or FRAME, run.stretch))
            for (models, num_patches, _, size), share in parts.items()
        )
    except UserError:  # nothing is installed that reads .tflite files
        return None
    return None if energy.microjoules.at_least else energy.to_dict()


def _reading_in_turn(run, images):
    turn = itertools.cycle(images)
    return lambda: run.run(next(turn))


def put_measurement(entry: dict, measured: dict) -> None:
    """Puts `edge.energy.measure.Measurement.to_dict` into an entry."""
    entry["energy_measurement"] = measured
    entry["energy_uj"] = measured["energy_uj"] and measured["energy_uj"]["median"]
    entry["energy_source"] = f"measured ({measured['source']})"
    if not measured["valid"]:
        entry["energy_source"] += f", not valid: {measured['why_not']}"


def _saving(energy, against) -> float | None:
    return None if energy is None or not against else round(1 - energy / against, 4)


def circumstances(watch, threads: int, bundles: dict, images, repetitions: int, seed: int) -> dict:
    """Returns all findings but the variants: the contract's `board`, `threads`, `valid`, and what explains them."""
    machine, problems = watch.machine, watch.problems()
    int8, float32 = bundles.get("int8"), bundles.get("float32")
    return {
        "board": machine.name(),
        "threads": threads,
        "valid": not problems,
        "problems": problems,
        "warnings": watch.warnings(),
        "notes": watch.notes(),
        "machine": machine.describe(),
        "during": watch.seen(),
        "bundle": _bundle(bundles["int8" if int8 else "float32"]),
        "float_bundle": _bundle(float32) if int8 and float32 else None,
        "images": {
            "source": images.source,
            "count": len(images.paths),
            "labelled": len(images.labels),
            "labels": images.labels_source,
        },
        "repetitions": repetitions,
        "seed": seed,
        "versions": versions(),
        "not_modelled": NOT_MODELLED,
    }


def _bundle(bundle: Bundle) -> dict:
    manifest = bundle.manifest
    facts = {name: getattr(manifest, name) for name in FACTS}
    manifest_sha256 = file_entry(bundle.files[MANIFEST_FILE]).sha256  # the manifest has those of the other files
    return facts | {"manifest_sha256": manifest_sha256}


def several(found: list[dict]) -> dict:
    """Returns the findings for several numbers of threads as one: `runs` holds them whole."""
    return {
        "board": found[0]["board"],
        "threads": [one["threads"] for one in found],
        "valid": all(one["valid"] for one in found),
        "runs": found,
    }
