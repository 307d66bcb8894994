"""Makes RESULTS.md, and its pictures, out of what lies under results/.

python -m tools.tables           # write them
python -m tools.tables --check   # fail where they are not what results/ give

Every figure comes from a `result.json`, a `curves.csv`, or `published.json`, which holds what others published.
"""

from pathlib import Path

from absl import flags

from edge.errors import UserError, WorkError, one_line
from tools import command
from tools.findings import cluttered_plots, cluttered_tables, house_number_tables, plots
from tools.findings.runs import read_json, read_runs, read_sweep

HEAD = """# Results

Made by `python -m tools.tables` from the files in `results/`; the same figures give the same text. Errors are in % of test images.
Where there are several seeds, a figure is their mean ± the standard deviation of a run. Multiplications are
computed from the architecture (`dcn_tf.cost`, `tools.baselines.ram_model`), not measured; training times are of two cores that other work shared at times.
"""  # noqa: E501


def render(results: Path) -> tuple[str, dict[str, plots.Plot]]:
    """Returns the text of RESULTS.md and its plots, by file name.

    Raises:
        UserError: a file under `results` cannot be read.
    """
    published = read_json(results / "published.json")
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


def write(results: Path, out: Path) -> None:
    """Writes RESULTS.md and its pictures.

    Raises:
        UserError: they cannot be written.
    """
    text, drawn = render(results)
    files = {results / "plots" / name: plots.as_svg(plot) for name, plot in drawn.items()} | {out: text}
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.partial")
            partial.write_text(content, encoding="utf-8")
            partial.replace(path)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {one_line(error)}; name another place") from error


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def define_flags() -> None:
    """Defines the flags of this program."""
    flags.DEFINE_string("results", "results", "The folder that runs and sweeps were kept in.")
    flags.DEFINE_string("out", "RESULTS.md", "The file.")
    flags.DEFINE_boolean("check", False, "Write nothing; fail where the files are not what the results give.")


def main(values) -> None:
    """Writes or checks."""
    (check if values.check else write)(Path(values.results), Path(values.out))


if __name__ == "__main__":
    define_flags()
    command.run(main)
