from tools.findings.markdown import bullets, table


def test_a_table_leaves_out_rows_that_hold_nothing():
    rows = [("one", "1", None), ("nothing", None, None), ("two", None, "2")]
    assert table(["", "a", "b"], rows) == "|  | a | b |\n|---|---|---|\n| one | 1 |  |\n| two |  | 2 |\n"


def test_a_list_has_a_line_each():
    assert bullets(["a", "b"]) == "- a\n- b\n"
