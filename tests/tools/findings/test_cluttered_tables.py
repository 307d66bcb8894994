from kept_results import keep_run, row

from tools import tables


def test_the_first_table_has_means_spreads_and_what_was_published(results):
    text = "\n".join(tables.render(results)[0].values())
    # 1.1 and the standard deviation of 1.0 and 1.2 as a sample: sqrt(2 * 0.1**2 / 1)
    assert row(text, "DCN with hint") == ["1.39", "1.20", "1.10 ± 0.14", "2", "12,800", "23.0", "10", "1,000"]
    assert row(text, "coarse") == ["3.69", "2.49", "3.70", "1", "12,800", "6.4", "10", "1,000"]
    assert row(text, "DCN without hint") == ["1.71", "1.44", "", "", "", "", "", ""]
    assert row(text, "RAM") == ["8.11", "", "9.00", "1", "12,800", "2.0", "10", "1,000"]
    assert row(text, "DRAW") == ["3.36", "", "", "", "", "", "", ""]


def test_errors_by_patches_stand_below_each_other(results):
    text = "\n".join(tables.render(results)[0].values())
    assert row(text, "paper, figure 3b") == ["3.70", "1.84", "1.44"]
    assert row(text, "here, DCN with hint") == ["2.20 ± 0.28", "1.10 ± 0.14", "0.99 ± 0.13"]
    assert row(text, "M multiplications") == ["14.9", "23.0", "32.2"]


def test_only_what_was_trained_or_published_has_a_row(results):
    assert "batches of 32" not in "".join(tables.render(results)[0].values())
    keep_run(results / "cluttered_mnist" / "dcn_hint_batch_32_seed0", error=1.1)
    text = "\n".join(tables.render(results)[0].values())
    assert row(text, "DCN with hint, batches of 32")[:4] == ["", "", "1.10", "1"]


def test_errors_by_glimpses_stand_above_their_cost(results):
    text = "\n".join(tables.render(results)[0].values())
    assert row(text, "here, RAM") == ["27.00", "9.00"]
    assert row(text, "RAM's M multiplications") == ["0.26", "2.03"]


def test_selectors_and_ablations_have_tables(results):
    text = "\n".join(tables.render(results)[0].values())
    assert row(text, "random") == ["60.00 ± 0.00", "50.00 ± 0.00", "40.00 ± 0.00"]
    header = next(line for line in text.splitlines() if "`hint_weight`" in line)
    names = ["", "`hint_weight`", "`patch_size`", "coarse", "fine", "k = 1", "k = 8", "k = 16"]
    assert [name.strip() for name in header.split("|")[1:-1]] == [*names, "M multiplications, k = 8", "seeds"]
    assert row(text, "`patch_18`") == ["0.05", "18", "4.00", "1.50", "2.80", "1.40", "1.26", "23.0", "1"]
    assert row(text, "`hint_0.2`")[:2] == ["0.2", ""]
