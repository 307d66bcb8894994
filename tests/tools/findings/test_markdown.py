from tools.findings.markdown import bullets, table


def test_a_table_leaves_out_rows_that_hold_nothing():
    rows = [("one", "1", None), ("nothing", None, None), ("two", None, "2")]
    lines = table(["", "a", "b"], rows).splitlines()
    assert lines == ["|     |   a |   b |", "|:----|----:|----:|", "| one |   1 |     |", "| two |     |   2 |"]


def test_a_list_has_a_line_each():
    assert bullets(["a", "b"]) == "- a\n- b\n"
