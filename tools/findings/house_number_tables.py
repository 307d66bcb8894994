"""The tables about house numbers: the paper's own, for RESULTS.md, and those of runs that belong to no sweep."""

from tools.findings.markdown import bullets, table
from tools.findings.runs import Variant, inside

NAMES = {"soft_attention": "soft attention", "fine_inverse_entropy": "fine, inverse entropy"}


def main_table(published: dict) -> list[str]:
    """Returns the paper's table, and what differs from the runs here."""
    paper, scales = published["paper"], ["1 scale", "2 scales", "3 scales"]
    rows = [(name, *(None if e is None else f"{e:.1f}" for e in errors)) for name, errors in paper["error"].items()]
    return [
        f"The paper's errors, % of sequences ({paper['source']}):\n",
        table(["", *scales], rows),
        "What differs from the runs here:\n",
        bullets(published["differences"]),
    ]


def sections(runs: dict[str, Variant]) -> list[str]:
    """Returns the tables of single runs, by folder name, as Markdown."""
    return [part for name, run in runs.items() for part in _run(name, run)]


def _run(name: str, variant: Variant) -> list[str]:
    run, config = variant.runs[0], variant.config
    parts = [
        f"## {name}\n",
        f"{run['dataset_detail']}. "
        f"{variant.images:,} training images ({run['steps']:,} steps of {config['batch_size']}), "
        f"preset `{config['preset']}`, seed {run['seed']}, {run['seconds'] / 60:.0f} minutes; "
        f"[flags](results/{name}/flags.txt), [log](results/{name}/log.txt).\n",
    ]
    parts += _test("", run)
    for test, result in run.get("more_tests", {}).items():
        parts += _test(f" on {test}", result)
    return parts


def _test(where: str, result: dict) -> list[str]:
    """Returns the tables of one test."""
    parts = [f"Error{where}, {result['test_images']:,} images:\n", table(*error_table(result))]
    if result.get("selectors"):
        first = by_scales(result)[0]["scales"][0]
        parts += [f"By selector and number of patches{where}, at scale {first:g}:\n", table(*selector_table(result))]
    return parts


def by_scales(result: dict) -> list[dict]:
    """Returns the `scales`, `error` and `multiplications` of one test at one scale, two, ..."""
    return result.get("scales") or [result | {"scales": [1.0]}]


def error_table(result: dict) -> tuple[list[str], list[tuple]]:
    """Returns header and rows of one test: error and multiplications of every model at every number of scales."""
    scales = by_scales(result)
    first, *more = scales[-1]["scales"]
    header = [f"scale {first:g}", "M multiplications"]
    for scale in more:
        header += [f"and {scale:g}", "M multiplications"]
    rows = []
    for label, *keys in labelled(result["error"]):
        cells = []
        for at in scales:
            cells += [f"{inside(at['error'], keys):.2f}", f"{inside(at['multiplications'], keys) / 1e6:,.1f}"]
        rows.append((label, *cells))
    return ["", *header], rows


def selector_table(result: dict) -> tuple[list[str], list[tuple]]:
    """Returns the header and the rows of one test's selectors: error by number of patches, at the first scale."""
    every = {"entropy gradient (the network's own)": result["error"]["dcn"]} | result["selectors"]
    counts = list(result["error"]["dcn"])
    rows = [
        (name.replace("_", " "), *(f"{errors[k]:.2f}" if k in errors else None for k in counts))
        for name, errors in every.items()
    ]
    return ["", *counts], rows


def labelled(errors: dict):
    """Yields (label, key, ...) for every figure."""
    for name, value in errors.items():
        if isinstance(value, dict):
            yield from ((f"DCN, {k} patch{'es' * (k != '1')}", name, k) for k in value)
        else:
            yield NAMES.get(name, name), name
