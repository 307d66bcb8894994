"""The page about a finished training: its sections, in the order in which a reader wants to know them."""

from markupsafe import Markup

from tools.findings.house_number_tables import error_table, labelled, selector_table
from tools.findings.runs import inside, read_curves
from tools.page import facts, pictures, tables
from tools.page.html import bullets, code, joined, page, paragraph, side_by_side, table
from tools.page.plots import error_plots, reliability_plot, training_plots
from tools.page.readings import BINS, Readings, read, reliability
from tools.page.svg import figure
from tools.workdir import Training

PICTURES = 12  # of answers that are right, and as many of wrong ones
NOT_KEPT = "This training kept no test images (samples/test.npz): nothing can be read again for this page."
NO_CURVES = "This training has no curves.csv: it was made by a version that did not write one."


def render(training: Training) -> str:
    """Returns the page.

    Raises:
        UserError: `result.json` or `curves.csv` is not what a training writes, or kept samples are damaged.
    """
    facts.check_format(training)
    result, model = training.result, training.result["config"]["model"]
    curves = read_curves(training.directory / "curves.csv")
    place = facts.own_place(training)
    samples = training.samples("test")
    readings = samples and read(training, samples, facts.num_patches(training))
    sections = {
        "Errors": _errors(result),
        "Patches and cost": _by_patches(result) if "dcn" in result["error"] else None,
        "Course of training": _course(curves),
        **(_readings(training, readings) if readings else {"What it looks at": paragraph(NOT_KEPT, "missing")}),
        "Multiplications and weights": tables.cost(training),
        "Configuration": _configuration(training),
    }
    title = f"{result['dataset']}: {facts.MODELS[model]}"
    head = joined([_head(title, result), _tiles(training, place), bullets(facts.remarks(training, readings))])
    return page(f"{title}, seed {result['seed']}", head, [(n, content) for n, content in sections.items() if content])


def _head(title: str, result: dict) -> Markup:
    config = result["config"]
    images, seconds = result["steps"] * config["batch_size"], result["seconds"]
    time = f"{seconds:,.0f} seconds" if seconds < 120 else f"{seconds / 60:,.0f} minutes"
    return Markup("<h1>{}</h1>\n{}{}").format(
        title,
        paragraph(
            f"Preset {config['preset']}, {config.get('training', 'end_to_end').replace('_', ' ')}, "
            f"seed {result['seed']}, {result['steps']:,} steps of {config['batch_size']} images ({images:,} in all), "
            f"{time}.",
            "lead",
        ),
        paragraph(f"Data: {result['dataset_detail']}."),
    )


def _tiles(training: Training, place) -> Markup:
    return Markup('<dl class="tiles">\n{}</dl>\n').format(
        joined(
            Markup("<div><dt>{}</dt><dd>{}</dd><dd>{}</dd></div>\n").format(*tile)
            for tile in facts.figures(training, place)
        )
    )


def _errors(result: dict) -> Markup:
    errors = result["validation_error"]
    rows = [(label, f"{inside(errors, keys):.2f}") for label, *keys in labelled(errors)]
    validation = table("Validation: error in %", ["", "scale 1"], rows)
    tests = {name: _test(name, test) for name, test in facts.tests(result).items()}
    return joined(
        [side_by_side([*tests.pop("test"), validation], "tables"), *(side_by_side(t, "tables") for t in tests.values())]
    )


def _test(name: str, test: dict) -> list[Markup]:
    """Returns the tables of one test."""
    images = f"{test['test_images']:,} images"
    parts = [table(f"{name}, {images}: error in %, and million multiplications", *error_table(test))]
    if test.get("selectors"):
        parts.append(table(f"{name}: error in % by selector and number of patches", *selector_table(test)))
    return parts


def _by_patches(result: dict) -> Markup:
    tests = facts.tests(result)
    return side_by_side(figure(plot) for name, test in tests.items() for plot in error_plots(name, test))


def _course(curves) -> Markup:
    return side_by_side(map(figure, training_plots(curves))) if curves else paragraph(NO_CURVES, "missing")


def _readings(training: Training, readings: Readings) -> dict[str, Markup]:
    return {
        "What it looks at": _looks(training, readings),
        "What it confuses": tables.confusions(training.model.architecture, readings),
        "How sure it is": _sureness(readings),
    }


def _looks(training: Training, readings: Readings) -> Markup:
    legend = {
        "dcn": "Above the image; below it the same with the saliency as heat, and the patches as boxes, the most "
        f"salient one the strongest. {readings.num_patches} patches were looked at.",
        "coarse": "Above the image; below it the same with the saliency as heat: where patches would lie.",
        "fine": "The fine model reads the whole image.",
    }
    wrong, right = readings.surest(False, PICTURES), readings.spread(True, PICTURES)
    count = int((~readings.right).sum())
    return joined(
        [
            paragraph(f"{legend[readings.model]} In percent: the probability that the network gives its answer."),
            Markup("<h3>Read wrong: {}</h3>\n").format(
                f"the {len(wrong)} that it was surest of, of {count:,}" if count else "none"
            ),
            pictures.gallery(training.model, readings, wrong, "w"),
            Markup("<h3>Read right: {} from the surest to the least sure</h3>\n").format(len(right)),
            pictures.gallery(training.model, readings, right, "r"),
        ]
    )


def _sureness(readings: Readings) -> Markup:
    bins = reliability(readings.probability, readings.right)
    rows = [(f"{100 * p:.1f}", f"{100 * accuracy:.1f}", f"{count:,}") for p, accuracy, count in bins]
    caption = f"Images by the probability of their answer, in {BINS} equal bins"
    return side_by_side(
        [figure(reliability_plot(bins)), table(caption, ["probability, %", "read right, %", "images"], rows)]
    )


def _configuration(training: Training) -> Markup:
    result = training.result
    versions = ", ".join(f"{name} {version}" for name, version in result.get("versions", {}).items())
    rows = [
        (Markup("<b>--{}</b>" if changed else "--{}").format(name), value)
        for name, value, changed in facts.given_flags(result)
    ]
    known = "; those that differ from the defaults first, in bold" if "changed_flags" in result else ""
    return joined(
        [
            paragraph("The same training again:"),
            code(facts.command(result["config"])),
            paragraph(f"Made with {versions or 'unknown versions'}. {facts.model_file(training)}"),
            table(f"Flags{known}", ["flag", "value"], rows, "text"),
        ]
    )
