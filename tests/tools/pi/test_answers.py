import json

import pytest

from edge.errors import WorkError
from tools.pi.answers import Sameness, format_rows, read_lines, same


def answer(prediction="7", probability=0.5, cells=((1, 2), (3, 4))):
    return {"prediction": prediction, "probability": probability, "cells": [list(cell) for cell in cells]}


def test_every_difference_is_counted():
    expected = {name: answer() for name in "abcd"}
    assert same(expected, expected) == Sameness(4, 4, 4, 0)
    assert same(expected, expected).identical
    found = expected | {"a": answer(prediction="1"), "b": answer(cells=[(3, 4), (1, 2)]), "c": answer(probability=0.25)}
    assert same(expected, found) == Sameness(4, 3, 3, 0.25)


@pytest.mark.parametrize("change", [{"prediction": "1"}, {"probability": 0.500001}, {"cells": []}])
def test_one_difference_is_enough(change):
    assert not same({"a": answer(), "b": answer()}, {"a": answer(), "b": answer() | change}).identical


@pytest.mark.parametrize("found", [{}, {"a": answer()}, {"a": answer(), "c": answer()}])
def test_runs_over_other_images_are_told(found):
    with pytest.raises(WorkError, match=f"over 2 and {len(found)} images"):
        same({"a": answer(), "b": answer()}, found)


def test_nothing_is_not_equal():
    with pytest.raises(WorkError, match="over 0 and 0 images"):
        same({}, {})


def test_images_are_known_by_their_file_names():
    lines = [json.dumps({"path": f"/some/where/{name}.png"} | answer(probability=i)) for i, name in enumerate("ab")]
    found = read_lines("\n".join(lines))
    assert {name: line["probability"] for name, line in found.items()} == {"a.png": 0, "b.png": 1}


def test_an_image_that_could_not_be_read_is_told():
    with pytest.raises(WorkError, match=r"^no such file: x\.png$"):
        read_lines('{"path": "x.png", "error": "no such file: x.png"}\n')


def test_the_table():
    header, _, row = format_rows({("edge", "a72"): Sameness(200, 199, 198, 0.0125)}).splitlines()
    assert header.split() == ["runtime", "core", "images", "equal", "predictions", "equal", "cells", "probability"]
    assert row.split() == ["edge", "a72", "200", "199", "198", "0.012500"]
