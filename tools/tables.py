"""Makes RESULTS.md, and its pictures, out of what lies under results/.

python -m tools.tables           # write them
python -m tools.tables --check   # fail where they are not what results/ give

Every figure comes from a `result.json`, a `curves.csv`, or `published.json`, which holds what others published.
"""

from pathlib import Path

from edge.errors import WorkError
from edge.output import write
from tools import command
from tools.findings import cluttered_plots, cluttered_tables, house_number_tables, plots
from tools.findings.runs import read_kept, read_runs, read_sweep

HEAD = """# Results

Made by `python -m tools.tables` from the files in `results/`; the same figures give the same text. Errors are in % of test images.
Where there are several seeds, a figure is their mean ± the standard deviation of a run. Multiplications are
computed from the architecture (`dcn_tf.cost`, `tools.baselines.ram_model`), not measured; training times are of two cores that other work shared at times.
"""  # noqa: E501


def render(results: Path) -> tuple[str, dict[str, plots.Plot]]:
    """Returns the text of RESULTS.md and its plots, by file name; UserError where a file can't be read."""
    published = read_kept(results / "published.json")
    runs = read_runs(results)
    sweep, ablations = (read_sweep(results / name) for name in ("cluttered_mnist", "cluttered_mnist_ablations"))
    drawn = cluttered_plots.drawings(sweep, published["cluttered_mnist"])
    sections = [
        HEAD,
        *cluttered_tables.sections(sweep, ablations, published["cluttered_mnist"], drawn),
        *house_number_tables.sections(runs, published["svhn"]),
    ]
    return "\n".join(sections), drawn


def check(results: Path, out: Path) -> None:
    """Raises WorkError where RESULTS.md or a picture is not what `results` give."""
    text, drawn = render(results)
    stale = [] if _text_of(out) == text else [str(out)]
    stale += [
        str(results / "plots" / name)
        for name, plot in drawn.items()
        if not plots.shows(_text_of(results / "plots" / name), plot)
    ]
    if stale:
        raise WorkError(f"{', '.join(stale)} is not what {results} gives; run python -m tools.tables")


def make(results: Path, out: Path) -> None:
    """Writes RESULTS.md and its pictures; UserError where they cannot be written."""
    text, drawn = render(results)
    for name, plot in drawn.items():
        write(results / "plots" / name, plots.as_svg(plot))
    write(out, text)


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
