"""Makes RESULTS.md, the long tables in results/tables/, and their pictures, out of what lies under results/.

python -m tools.tables           # write them
python -m tools.tables --check   # fail where they are not what results/ give

Every figure comes from a `result.json`, a `curves.csv`, what a tool wrote about a bundle, or `published.json`, which
holds what others published.
"""

from pathlib import Path

from edge.errors import WorkError
from edge.output import write
from tools import command
from tools.findings import claims, cluttered_plots, cluttered_tables, house_number_claims, house_number_tables, plots
from tools.findings.runs import read_kept, read_runs, read_sweep

PAGE = "RESULTS.md"
TABLES = "tables"  # in the folder of results
BUNDLES = "cluttered_mnist_50000"  # in the same
COMPARISONS = "ocr"  # in the same
HEAD = """# Results

Made by `python -m tools.tables` from the files in `results/`; the same figures give the same text. Errors are in % of test images.
Where there are several seeds, a figure is their mean ± the standard deviation of a run. Multiplications are computed from the architecture
(`dcn_tf.cost`, `tools.baselines`), not measured; training times are of one or two cores that other work shared at times.
All tables: [Cluttered MNIST](results/tables/cluttered_mnist.md), [house numbers](results/tables/house_numbers.md).
"""  # noqa: E501


def render(results: Path) -> tuple[dict[str, str], dict[str, plots.Plot]]:
    """Returns the texts and the plots, each by file name; UserError where a file can't be read.

    Links in the texts begin at the folder that RESULTS.md lies in.
    """
    published = read_kept(results / "published.json")
    runs = read_runs(results)
    sweep, ablations = (read_sweep(results / name) for name in ("cluttered_mnist", "cluttered_mnist_ablations"))
    bundles, comparisons = (
        {path.stem: read_kept(path) for path in sorted((results / name).glob("*.json"))}
        for name in (BUNDLES, COMPARISONS)
    )
    of_digits, of_numbers = published["cluttered_mnist"], published["svhn"]
    drawn = cluttered_plots.drawings(sweep, of_digits)
    page = [HEAD, "## Cluttered MNIST\n", *cluttered_tables.main_table(sweep, of_digits)]
    page += claims.sections(sweep, bundles, of_digits)
    page += ["## House numbers\n", *house_number_claims.sections(runs, comparisons)]
    page += ["### The paper's own figures\n", *house_number_tables.main_table(of_numbers)]
    texts = {
        PAGE: page,
        "cluttered_mnist.md": ["# Cluttered MNIST\n", *cluttered_tables.sections(sweep, ablations, of_digits, drawn)],
        "house_numbers.md": ["# House numbers, and other single runs\n", *house_number_tables.sections(runs)],
    }
    return {name: "\n".join(parts) for name, parts in texts.items()}, drawn


def check(results: Path, out: Path) -> None:
    """Raises WorkError where a text or a picture is not what `results` give."""
    texts, drawn = _placed(results, out)
    stale = [str(path) for path, text in texts.items() if _text_of(path) != text]
    stale += [str(path) for path, plot in drawn.items() if not plots.shows(_text_of(path), plot)]
    if stale:
        raise WorkError(f"{', '.join(stale)} is not what {results} gives; run python -m tools.tables")


def make(results: Path, out: Path) -> None:
    """Writes RESULTS.md, the long tables and the pictures; UserError where they cannot be written."""
    texts, drawn = _placed(results, out)
    for path, plot in drawn.items():
        write(path, plots.as_svg(plot))
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, text)


def _placed(results: Path, out: Path) -> tuple[dict[Path, str], dict[Path, plots.Plot]]:
    """Returns the texts, with links from where they lie, and the plots, each by path."""
    texts, drawn = render(results)
    page = texts.pop(PAGE)
    tables = {results / TABLES / name: text.replace("](results/", "](../") for name, text in texts.items()}
    return {out: page} | tables, {results / "plots" / name: plot for name, plot in drawn.items()}


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main(arguments) -> None:
    """Writes or checks."""
    parser = command.make_parser("tools.tables", __doc__)
    add = parser.add_argument
    add("--results", default="results", metavar="FOLDER", help="that runs and sweeps were kept in (default results)")
    add("--out", default="RESULTS.md", metavar="FILE", help="the file (default RESULTS.md)")
    add("--check", action="store_true", help="write nothing; fail where the files are not what the results give")
    values = parser.parse_args(arguments)
    (check if values.check else make)(Path(values.results), Path(values.out))


if __name__ == "__main__":
    command.run(main)
