"""Joules of each way to read an image, out of a trace of power that a meter recorded beside a benchmark.

python -m edge.benchmark --bundle=BUNDLE --energy=trace --json=RUN.json
python -m edge.replay --run=RUN.json --trace=POWER.csv [--clock_shift=S] [--json=FILE]

The same two files give the same joules, on any machine where the trace's times are numbers or have an offset. For its
columns see `edge.energy.csv_file`.
"""

import json
import sys

from edge.arguments import OneLineParser, number
from edge.comparison import findings
from edge.comparison.tables import as_text
from edge.energy.csv_file import read_samples
from edge.energy.windows import Windows, replay
from edge.errors import EXIT_FAILED, UserError, one_line, run_main
from edge.files import read_json
from edge.output import check_apart, check_writable, write

REMEDY = "name what edge.benchmark --energy=trace --json=FILE wrote"
MOST_SHIFT = 1e11  # seconds


def make_parser() -> OneLineParser:
    """Returns the parser of the command line."""
    parser = OneLineParser(prog="python -m edge.replay", description="Joules per image out of a recorded trace.")
    add = parser.add_argument
    add("--run", required=True, metavar="RUN.json", help="what edge.benchmark --energy=trace --json=RUN.json wrote")
    add("--trace", required=True, metavar="FILE.csv", help="columns time or time_ms, and watts or volts,amperes")
    shift = "seconds to add to the trace's times: what its clock is behind; or when it began, where it counts from 0"
    add("--clock_shift", type=number(-MOST_SHIFT, kind=float, cap=MOST_SHIFT), default=0.0, metavar="S", help=shift)
    add("--json", metavar="FILE", help="write the run, with the joules in it")
    return parser


def main(arguments) -> int:
    """Runs the command; returns its exit status: 1 where the trace gives no energy that may be used."""
    parsed = make_parser().parse_args(arguments)
    check_writable(parsed.json, "--json")
    check_apart({"--json": parsed.json}, {"--trace": parsed.trace})
    content = read_json(parsed.run, REMEDY)
    samples = read_samples(parsed.trace, parsed.clock_shift)
    if not samples.times:
        raise UserError(f"no line of {parsed.trace} holds a time since 1970 and its power; see --clock_shift, --help")
    try:
        runs = content.get("runs", [content])
        if not runs:
            raise ValueError("its runs are none")
        for found in runs:
            _fill(found, samples, parsed.trace)
        print("\n\n".join(map(as_text, runs)))
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"--run={parsed.run} holds no run of this kind: {one_line(error)}; {REMEDY}") from None
    if parsed.json:
        write(parsed.json, json.dumps(content, indent=2) + "\n")
    entries = [entry for found in runs for entry in found["variants"]]
    return 0 if all(entry["energy_measurement"]["valid"] for entry in entries) else EXIT_FAILED


def _fill(found: dict, samples, path):
    """Puts the energies into the findings of one run."""
    for entry in found["variants"]:
        if not entry.get("energy_windows"):
            raise ValueError(f"{entry['name']} has no energy_windows")
        findings.put_measurement(entry, replay(Windows.from_dict(entry["energy_windows"]), samples, path).to_dict())
    findings.put_savings(found["variants"])


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
