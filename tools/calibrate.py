"""Chooses when the coarse answer may stand and how many patches are enough, and writes the thresholds in a bundle.

python -m tools.calibrate --workdir=DIR --bundle=DIR [--loss=0.05] [--fewest_errors] [--out=BUNDLE] [--curve=FOLDER]
python -m tools.calibrate --images=FOLDER,... --bundle=DIR [--loss=0.05] [--false_readings=1] ...

The bundle itself reads the workdir's validation images, at every number of patches. Of `exit_entropy` and
`saliency_level` each is chosen on its own: the one that costs least of those that raise the error by at most --loss
percentage points; with --fewest_errors, of those among them that have the fewest errors. --curve also reads the test
images, on which nothing is chosen.

A bundle for images of any size reads labelled images instead, of which some should hold nothing to read. First comes
its `reading_threshold`: at most --false_readings percent of those are read. Then, with it, `exit_entropy` and
`vote_lead`. See `tools.export.readings`.
"""

import functools
from pathlib import Path

import numpy as np

from edge import output
from edge.arguments import listed, number
from edge.bundle import check_destination, load_bundle, write_bundle
from edge.bundle.storage import MANIFEST_FILE
from edge.errors import UserError
from edge.network.result import Answer
from edge.network.runner import TwoStageRunner
from edge.quiet import quiet
from tools import command
from tools.export.policies import (
    Judgement,
    Outcomes,
    Policy,
    allowed_errors,
    curves,
    greatest_exit,
    greatest_level,
    judge,
)
from tools.export.policy_curves import CURVE_FILES, write_curves
from tools.progress import Progress
from tools.table import table


def outcomes(bundle, architecture, samples) -> Outcomes:
    """Returns what a bundle makes of images at 0 to its own number of patches, by the device's own stages."""
    from dcn_tf.cost import device_cost

    runner = TwoStageRunner(bundle)
    most, count = runner.check_num_patches(None), len(samples.images)
    entropy, saliency = np.empty(count), np.empty((count, most))
    wrong, cost = np.empty((count, most + 1), bool), np.empty((count, most + 1), int)
    cost_of = functools.cache(functools.partial(device_cost, architecture))
    progress = Progress(samples.split, count, "images")
    for i, (image, label) in enumerate(zip(samples.images, samples.labels)):
        glance = runner.glance(image)
        look = runner.look_closely(glance, most)
        answers = [Answer(glance.log_probabilities), *(runner.answer(glance, look.first(k + 1)) for k in range(most))]
        for k, answer in enumerate(answers):
            *_, categories = bundle.manifest.task.read(answer.log_probabilities)
            wrong[i, k] = (np.asarray(categories) != label).any()
            cost[i, k] = cost_of(k, answer.top_inputs).total
        entropy[i] = glance.entropy
        saliency[i] = look.saliency[look.cells[:, 0], look.cells[:, 1]]
        progress.tell(i + 1)
    coarse = cost_of(0, 0)
    return Outcomes(entropy, saliency, wrong, cost, coarse.coarse_stack + coarse.coarse_pass)


def choose(found: Outcomes, num_patches: int, loss: float, fewest: bool) -> dict[str, Policy]:
    """Returns the policies by name: 'fixed', and 'exit' and 'adaptive', each with its threshold; and both together."""
    allowed = allowed_errors(found, loss)
    entropy, level = (choice(found, num_patches, allowed, fewest) for choice in (greatest_exit, greatest_level))
    return {
        "fixed": Policy(num_patches),
        "exit": Policy(num_patches, exit_entropy=entropy),
        "adaptive": Policy(num_patches, saliency_level=level),
        "exit and adaptive": Policy(num_patches, entropy, level),
    }


def record(facts: dict, chosen: dict, judged: dict, loss: float, allowed: int) -> dict:
    """Returns what the manifest says: the exit, and in `calibration` how the thresholds were found.

    Args:
        loss, allowed: rise of the error that was allowed, in percentage points and in images.
    """
    policies = {
        name: {
            "errors": judgement.errors,
            "error": round(judgement.error, 4),
            "multiplications": round(judgement.multiplications),
            "patches": round(judgement.patches, 4),
        }
        for name, judgement in judged.items()
    }
    calibration = {
        **facts,
        "images": judged["fixed"].images,
        "num_patches": chosen["fixed"].num_patches,
        "loss": loss,
        "allowed_errors": allowed,
        "policies": policies,
    }
    return {"exit_entropy": chosen["exit"].exit_entropy, "calibration": calibration}


def format_judged(count: int, what: str, judged: dict[str, Judgement], whole: float) -> str:
    """Returns the table that is printed, of `count` images of a kind.

    whole: multiplications of the fine model over the whole image.
    """
    rows = [
        (
            *(name, at.errors, f"{at.errors - judged['fixed'].errors:+}", f"{at.error:.2f}"),
            *(f"{at.multiplications / 1e6:.2f}", f"{at.multiplications / whole:.3f}", f"{at.patches:.2f}"),
        )
        for name, at in judged.items()
    ]
    head = ("policy", "errors", "rise", "error, %", "M mult.", "of fine", "patches")
    return f"{count:,} {what}\n{table(head, rows)}"


def main(arguments) -> None:
    """Runs the command."""
    parser = command.make_parser("tools.calibrate", __doc__)
    add = parser.add_argument
    add("--workdir", metavar="DIR", help="the finished training that the bundle was made of")
    images = "for a bundle that reads images of any size: folders of validation images with annotations.json"
    add("--images", type=listed, metavar="FOLDER,...", help=images)
    false = "of images with nothing to read so many percent may be read (default 1)"
    add("--false_readings", type=number(0, 100, float), default=1.0, metavar="X", help=false)
    add("--bundle", required=True, metavar="DIR", help="the bundle, made by tools.quantize")
    loss = "allowed rise of the error on the validation images, in percentage points (default 0.05)"
    add("--loss", type=number(0, 100, float), default=0.05, metavar="X", help=loss)
    fewest = "choose the fewest errors within --loss, and of equally few the least cost"
    add("--fewest_errors", action="store_true", help=fewest)
    add("--out", metavar="BUNDLE", help="where the bundle is written with its thresholds; by default in its own place")
    curve = f"for {', '.join(CURVE_FILES)}: error against multiplications, on the test images too"
    add("--curve", metavar="FOLDER", help=curve)
    values = parser.parse_args(arguments)
    out = values.out or values.bundle
    bundle = load_bundle(values.bundle)
    if bundle.doubt:  # what is written has a checksum, which vouches for all of it
        raise UserError(bundle.doubt)
    _check_source(values, bundle)
    check_destination(out)
    output.check_apart({"--curve": values.curve}, {"--out": values.out, "--bundle": values.bundle})
    content = bundle.manifest.content | (_on_images if bundle.manifest.levels else _on_samples)(values, bundle)
    models = {name: model for name, model in bundle.files.items() if name != MANIFEST_FILE}
    print(f"written: {write_bundle(out, models, content).path}")


def _check_source(values, bundle):
    """Raises UserError where what the thresholds are to be chosen on does not fit the bundle."""
    given, wanted = ("--workdir", "--images") if bundle.manifest.levels else ("--images", "--workdir")
    if getattr(values, given[2:]) is not None or getattr(values, wanted[2:]) is None:
        reads = "images of any size" if bundle.manifest.levels else "images of one size"
        raise UserError(f"{bundle.path} reads {reads}: its thresholds need {wanted}, and not {given}; see --help")
    if values.curve and bundle.manifest.levels:
        raise UserError("--curve is for bundles of one input size; leave it out")


def _choose(found: Outcomes, bundle, values, what: str, whole: float):
    """Returns the policies, their judgements and the allowed errors, and prints them; see `format_judged`."""
    allowed = allowed_errors(found, values.loss)
    chosen = choose(found, bundle.manifest.num_patches, values.loss, values.fewest_errors)
    judged = {name: judge(found, policy) for name, policy in chosen.items()}
    count = len(found.entropy)
    print(f"\n{format_judged(count, what, judged, whole)}")
    print(f"allowed: {allowed} more errors among {count:,} images ({values.loss:g} points)")
    return chosen, judged, allowed


def _on_samples(values, bundle) -> dict:
    """Returns the manifest's thresholds for a bundle of one size, chosen on a training's samples, and prints them."""
    for name in CURVE_FILES if values.curve else ():
        output.check_writable(Path(values.curve, name), "--curve")
    with quiet():  # importing TensorFlow writes several lines
        from dcn_tf.cost import whole_multiplications
        from tools import workdir
        from tools.export import agreement, input_size
    trained = agreement.at_bundles_size(workdir.load_workdir(values.workdir), bundle)
    architecture = trained.model.architecture
    samples = input_size.placed(trained.validation(), architecture)
    whole = whole_multiplications(architecture, "fine")

    found = outcomes(bundle, architecture, samples)
    chosen, judged, allowed = _choose(found, bundle, values, _named(samples), whole)
    level = chosen["adaptive"].saliency_level
    print(f"exit_entropy: {_threshold(chosen['exit'].exit_entropy)} nats")
    print(f"saliency_level: {_threshold(level)}")
    if values.curve:
        on_test = outcomes(bundle, architecture, trained.test)
        on_test_images = {name: judge(on_test, policy) for name, policy in chosen.items()}
        print(f"\n{format_judged(len(on_test.entropy), _named(trained.test), on_test_images, whole)}")
        kinds = curves(found, bundle.manifest.num_patches)
        write_curves(Path(values.curve), bundle.manifest.name, kinds, found, on_test)
    facts = {"dataset": samples.dataset, "split": samples.split}
    return {"saliency_level": level} | record(facts, chosen, judged, values.loss, allowed)


def _on_images(values, bundle) -> dict:
    """Returns the manifest's thresholds for a bundle of any size, chosen on --images, and prints them."""
    from tools.export import readings

    found = readings.read(bundle, *readings.labelled(values.images))
    threshold, text = readings.choose_threshold(found, values.false_readings, bundle.manifest.reading_threshold)
    judged_on = readings.outcomes(found, threshold)
    chosen, judged, allowed = _choose(judged_on, bundle, values, "labelled images", found.whole_cost.mean())
    lead = readings.lead_at(chosen["adaptive"].saliency_level)
    print(f"reading_threshold: {threshold:g}; {text}")
    print(f"exit_entropy: {_threshold(chosen['exit'].exit_entropy)} nats")
    print(f"vote_lead: {_threshold(lead)}")
    facts = {"dataset": ", ".join(Path(folder).name for folder in values.images), "split": "images"}
    thresholds = {"reading_threshold": threshold, "vote_lead": lead}
    return thresholds | record(facts, chosen, judged, values.loss, allowed)


def _named(samples) -> str:
    return f"{samples.split} images of {samples.dataset}"


def _threshold(value) -> str:
    return "none" if value is None else f"{value:.6g}"


if __name__ == "__main__":
    command.run(main)
