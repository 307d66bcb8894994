"""Makes the page about a finished training: gathers what each of its sections shows, and fills `report.html` with it.

The page needs nothing else: no script, and no font, style or image of another place.
"""

import base64

import jinja2

from tools.findings.house_number_tables import error_table, labelled, selector_table
from tools.findings.interval_tables import interval_table
from tools.findings.plots import Plot, as_svg
from tools.findings.runs import inside, read_curves
from tools.page import facts, pictures, tables
from tools.page.plots import error_plots, sureness_plot, training_plots
from tools.page.readings import BINS, Readings, read, reliability
from tools.page.tables import Table
from tools.workdir import Training

PICTURES = 12  # of answers that are right, and as many of wrong ones
PLOT_SIZE = (4.6, 3.2)  # inches


def render(training: Training) -> str:
    """Returns the page; UserError where `result.json`, `curves.csv` or kept samples are not what a training writes."""
    facts.check_format(training)
    result, samples = training.result, training.samples("test")
    readings = samples and read(training, samples, facts.num_patches(training))
    tests = facts.tests(result)
    return _template().render(
        title=f"{result['dataset']}: {facts.MODELS[result['config']['model']]}",
        lead=facts.lead(result),
        result=result,
        tiles=facts.figures(training, facts.own_place(training)),
        remarks=facts.remarks(training, readings),
        errors=[_test(name, test) + [_validation(result)] * (test is result) for name, test in tests.items()],
        by_patches=[plot for name, test in tests.items() for plot in error_plots(name, test)],
        course=training_plots(read_curves(training.directory / "curves.csv")),
        readings=readings,
        **(_of_readings(training, readings) if readings else {}),
        costs=tables.costs(training),
        command=facts.command(result["config"]),
        versions=", ".join(f"{name} {version}" for name, version in result.get("versions", {}).items()),
        model_file=facts.model_file(training),
        flags=tables.flags(result),
    )


def _template() -> jinja2.Template:
    environment = jinja2.Environment(loader=jinja2.PackageLoader("tools.page", ""), autoescape=True)
    environment.filters["picture"] = _picture
    return environment.get_template("report.html")


def _picture(plot: Plot) -> str:
    """Returns a plot as SVG inside its own address."""
    return "data:image/svg+xml;base64," + base64.b64encode(as_svg(plot, PLOT_SIZE).encode()).decode()


def _test(name: str, test: dict) -> list[Table]:
    images = f"{test['test_images']:,} images"
    parts = [Table(f"{name}, {images}: error in %, and million multiplications", *error_table(test))]
    if test.get("interval"):
        caption = f"{name}: how sure that is; intervals by bootstrap over what the images were made of"
        parts.append(Table(caption, *interval_table(test)))
    if test.get("selectors"):
        parts.append(Table(f"{name}: error in % by selector and number of patches", *selector_table(test)))
    return parts


def _validation(result: dict) -> Table:
    errors = result["validation_error"]
    rows = [(label, f"{inside(errors, keys):.2f}") for label, *keys in labelled(errors)]
    return Table("Validation: error in %", ["", "scale 1"], rows)


def _of_readings(training: Training, readings: Readings) -> dict:
    bins = reliability(readings.probability, readings.right)
    rows = [(f"{100 * p:.1f}", f"{100 * accuracy:.1f}", f"{count:,}") for p, accuracy, count in bins]
    caption = f"Images by the probability of their answer, in {BINS} equal bins"
    return {
        "wrong": pictures.cards(training.model, readings, readings.surest(False, PICTURES), "w"),
        "wrong_images": int((~readings.right).sum()),
        "right": pictures.cards(training.model, readings, readings.spread(True, PICTURES), "r"),
        "confusions": tables.confusions(training.model.architecture, readings),
        "sureness": sureness_plot(bins),
        "bins": Table(caption, ["probability, %", "read right, %", "images"], rows),
    }
