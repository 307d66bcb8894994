"""The tables of a comparison of a bundle with RapidOCR, for a screen and for Markdown files."""

from edge.output import table

OURS, THEIRS = "bundle", "rapidocr"  # the readers' names


def report(found: dict) -> str:
    """Returns the tables of a comparison, in Markdown."""
    images = found["images"]
    kind = "tight crops, " if images["crops"] else ""
    title = f"{images['count']} images of {images['source']}, {kind}{images['labelled']} with a label; one thread"
    parts = [title, table(*_main_table(found), numbers_from=1)]
    lengths = list(dict.fromkeys(length for own in found["readers"].values() for length in own["by_length"]))
    if len(lengths) > 1:
        counts = next(iter(found["readers"].values()))["by_length"]
        head = ["error, %, by digits", *(f"{length} ({counts[length]['images']})" for length in lengths)]
        rows = [
            [name, *(f"{own['by_length'][length]['percent']:.1f}" for length in lengths)]
            for name, own in found["readers"].items()
        ]
        parts.append(table(head, rows, numbers_from=1))
    parts += [f"not valid by the clock: {problem}" for problem in found["problems"]]
    return "\n\n".join(parts)


def _main_table(found):
    head = ["", "sequence error, %", "ms, median", "ms, p90", "ms of processor, median"]
    rows = [
        [
            name,
            _with_error(own["error"], "percent"),
            f"{own['milliseconds']['p50']:.1f}",
            f"{own['milliseconds']['p90']:.1f}",
            f"{own['cpu_milliseconds']['p50']:.1f}",
        ]
        for name, own in found["readers"].items()
    ]
    if "ratio" in found:
        shares = found["ratio"]
        points = _with_error(found["difference"], "points", "+")
        both = f"{OURS} beside {THEIRS}"
        rows.append([both, points, _fraction(shares["milliseconds"]), "", _fraction(shares["cpu_milliseconds"])])
    return head, rows


def _with_error(facts, name: str, sign: str = "") -> str:
    return "not known" if facts is None else f"{facts[name]:{sign}.1f} ± {facts['standard_error']:.1f}"


def _fraction(share) -> str:
    """Returns a ratio as 1/32, or where it is above 1 as 3.1 x."""
    if not share:
        return "not known"
    return f"1/{1 / share:.1f}" if share <= 1 else f"{share:.1f} x"
