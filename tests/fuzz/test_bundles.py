"""Whatever a bundle's manifest, its zip or a meter's file holds, what is wrong with it is one line."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import changed, damaged, in_one_line

from edge.bundle import load_bundle
from edge.bundle.content import check_content, parse_content
from edge.bundle.manifest import Manifest
from edge.comparison.labels import read_labels
from edge.energy.csv_file import read_samples
from edge.errors import UserError

MODELS = Path(__file__).parents[2] / "models"
BUNDLES = ("cluttered_mnist", "street_numbers")
FILES = {name: (MODELS / name / "manifest.json").read_bytes() for name in BUNDLES}
CONTENTS = {name: json.loads(file) for name, file in FILES.items()}
CSV = b"time,volts,amperes\n" + b"".join(b"17%08d.5,5.1%d,0.6\n" % (i, i % 10) for i in range(5))


@pytest.mark.parametrize("name", BUNDLES)
@given(data=st.data())
def test_manifests_with_damage(name, data):
    file = data.draw(damaged(FILES[name]))
    assert in_one_line(lambda: parse_content(file), UserError) is None or file == FILES[name]  # no damage is unseen
    content = in_one_line(lambda: parse_content(file, vouched=True), UserError)
    assert content is None or Manifest.from_content(content)


@pytest.mark.parametrize("name", BUNDLES)
@given(data=st.data())
def test_manifests_with_odd_values(name, data):
    content = data.draw(changed(CONTENTS[name]))
    in_one_line(lambda: check_content(content), UserError)
    in_one_line(lambda: parse_content(json.dumps(content).encode(), vouched=True), UserError)


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for file in ("manifest.json", "saliency.npz"):
            made.writestr(file, (MODELS / "cluttered_mnist" / file).read_bytes())
    return buffer.getvalue()


ARCHIVE = archive()


@given(file=damaged(ARCHIVE))
def test_zips_of_bundles(place, file):
    (place / "bundle.zip").write_bytes(file)
    assert in_one_line(lambda: load_bundle(place / "bundle.zip"), UserError) is None  # its models are missing


@given(content=st.one_of(damaged(CSV), damaged(CSV.decode().encode("utf-8-sig")), st.binary(max_size=60)))
def test_csv_meters(place, content):
    (place / "meter.csv").write_bytes(content)
    found = in_one_line(lambda: read_samples(place / "meter.csv"), UserError)
    if found:
        times, watts, ignored = found
        assert len(times) == len(watts)
        assert times == sorted(set(times))
        assert ignored >= 0


@given(content=changed([{"file": "1.png", "label": [2, 1]}, {"file": "2.png", "label": "door"}]))
def test_labels(place, content):
    (place / "labels.json").write_text(json.dumps(content))
    found = in_one_line(lambda: read_labels(place / "labels.json"), UserError)
    assert found is None or all(isinstance(label, str) for label in found.values())
