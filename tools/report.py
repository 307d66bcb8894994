"""Writes one HTML page about a finished training: errors, cost, curves, and images with what it looked at.

python -m tools.report WORKDIR [--out=FILE.html]

The page needs no network and no other file; it holds some of the test images. The same workdir gives the same page.
"""

from pathlib import Path

from edge.output import check_apart, check_writable, files_in, write
from edge.quiet import quiet
from tools import command


def main(arguments) -> None:
    """Runs the command."""
    parser = command.make_parser("tools.report", __doc__)
    parser.add_argument("workdir", metavar="WORKDIR", help="the --workdir of a finished training")
    parser.add_argument("--out", metavar="FILE", help="the page; WORKDIR/report.html by default")
    values = parser.parse_args(arguments)
    out = Path(values.out or Path(values.workdir) / "report.html")
    check_writable(out, "--out")
    kept = files_in(values.workdir, "WORKDIR")
    check_apart({"--out": out}, {what: path for what, path in kept.items() if Path(path).suffix != ".html"})
    with quiet():  # importing TensorFlow writes several lines
        from tools import workdir
        from tools.page import sections
    training = workdir.load_training(values.workdir)
    write(out, sections.render(training))
    print(f"written: {out}")


if __name__ == "__main__":
    command.run(main)
