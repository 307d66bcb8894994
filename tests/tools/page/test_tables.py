import numpy as np

from tools.page.readings import Readings
from tools.page.tables import confusions
from tools.workdir import Samples


def readings_of(labels, categories, names):
    samples = Samples(None, np.array(labels), names, "tiny", "test")
    return Readings(samples, "fine", None, np.array(categories), np.ones(len(labels)), [], [], None, None)


def texts(table):
    """Returns name of the row -> texts of its other cells."""
    rows = {name: [getattr(cell, "text", cell) for cell in cells] for name, *cells in table.rows}
    return {"": table.header[1:]} | {str(name): cells for name, cells in rows.items()}


def test_classes_are_told_with_the_error_of_each(classifier):
    found = readings_of([[0], [0], [0], [0], [3]], [[0], [0], [0], [1], [3]], list("abcde"))
    (table,) = confusions(classifier.architecture, found)
    rows = texts(table)
    assert table.caption == "Classes: what is true in rows, what was read in columns"
    assert rows[""] == [*"abcde", "error, %"]
    assert rows["a"] == ["3", "1", "", "", "", "25.00"]
    assert rows["b"] == [*[""] * 5, None]
    assert rows["d"][-1] == "0.00"


def test_symbols_are_told_where_the_length_is_right(sequence):
    labels = [[1, 4, 7, 10], [0, 5, 10, 10], [2, 1, 2, 3]]
    categories = [[1, 4, 1, 10], [1, 5, 5, 10], [2, 1, 2, 3]]
    found = confusions(sequence.architecture, readings_of(labels, categories, list("0123456789")))
    lengths, symbols = map(texts, found)
    assert lengths["1"] == ["", "1", "", "100.00"]
    assert symbols["7"] == ["", "1", *[""] * 8, "100.00"]
    assert symbols["5"] == [*[""] * 10, None]


def test_of_many_classes_the_most_confused_are_told(classifier):
    labels = [[i] for i in range(30)]
    categories = [[29 if i == 7 else i] for i in range(30)]
    (table,) = confusions(classifier.architecture, readings_of(labels, categories, [f"c{i}" for i in range(30)]))
    assert table.caption.startswith("Classes, the 20 of 30 with most errors")
    rows = texts(table)
    assert rows["c7"][-2:] == ["1", "100.00"]
    assert "c29" in rows
    assert len(rows) == 21
