from xml.etree import ElementTree

from edge.comparison.charts import svg_bars, text_bars


def test_text_bars_have_the_lengths_of_their_values():
    lines = text_bars({"a": 4.0, "long": 1.0, "none": 0.0}, "mJ", width=8).splitlines()
    assert lines == ["a     ████████ 4.00 mJ", "long  ██ 1.00 mJ", "none   0.00 mJ"]
    assert text_bars({"a": 16.0, "b": 1.0}, "mJ", width=8).splitlines()[1] == "b  ▌ 1.00 mJ"
    assert text_bars({"a": 0.0}, "mJ", width=8) == "a   0.00 mJ"


def test_svg_bars_have_the_lengths_of_their_values_and_text_is_escaped():
    picture = ElementTree.fromstring(svg_bars({"a<b": 2.0, "c": 0.5}, "mJ", "modelled & more"))
    names = {"svg": "http://www.w3.org/2000/svg"}
    _, first, second = picture.findall("svg:rect", names)
    assert float(first.get("width")) == 4 * float(second.get("width")) > 0
    texts = [text.text for text in picture.findall("svg:text", names)]
    assert texts == ["modelled & more", "a<b", "2.00 mJ", "c", "0.50 mJ"]
