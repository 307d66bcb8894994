import json

from kept_results import RESULTS, row

from tools import tables


def test_single_runs_are_told_with_scales_selectors_and_further_tests(results):
    text = "\n".join(tables.render(results)[0].values())
    part = text[text.index("## street_numbers") :]
    result = json.loads((RESULTS / "street_numbers" / "result.json").read_text())
    cells = row(part, "DCN, 6 patches")
    assert cells[::2] == [f"{at['error']['dcn']['6']:.2f}" for at in result["scales"]]
    assert cells[1] == f"{result['multiplications']['dcn']['6'] / 1e6:,.1f}"
    assert row(part, "oracle") == [f"{error:.2f}" for error in result["selectors"]["oracle"].values()]
    assert all(f"Error on {name}, " in part for name in result["more_tests"])
