import json

import pytest

from edge.energy.arithmetic import ADD, COMPARE, MAC, MULTIPLY
from edge.energy.table import HOROWITZ, SCHEMA_FILE, load_table
from edge.errors import UserError


@pytest.fixture
def content():
    return json.loads(HOROWITZ.read_text())


def test_horowitz():
    table = load_table()
    assert table.picojoules(MAC, "float32") == pytest.approx(3.7 + 0.9)
    assert table.picojoules(MAC, "int8") == pytest.approx(0.2 + 0.1)  # added in 32 bits
    assert table.picojoules(MAC, "float16") == pytest.approx(1.1 + 0.4)
    assert table.picojoules(COMPARE, "int8") == table.picojoules(ADD, "int8") == 0.03
    assert (table.picojoules(MULTIPLY, "int32"), table.picojoules(ADD, "int32")) == (3.1, 0.1)
    assert [level.picojoules_per_byte for level in table.levels] == [10 / 8, 20 / 8, 100 / 8, 1300 / 8]


@pytest.mark.parametrize("what", [(MAC, "int64"), (ADD, "float32 x int8"), (MAC, "float32 x int8"), (MAC, "int16")])
def test_what_it_does_not_say(what):
    assert load_table().picojoules(*what) is None


def test_a_tensor_lies_in_the_smallest_memory_that_holds_it():
    table = load_table()
    for size, name in (
        (0, "8 KB cache"),
        (8 * 1024, "8 KB cache"),
        (8 * 1024 + 1, "32 KB cache"),
        (32 * 1024 + 1, "1 MB cache"),
        (1024 * 1024, "1 MB cache"),
        (1024 * 1024 + 1, "DRAM"),
        (10**12, "DRAM"),
    ):
        assert table.level(size).name == name


def test_another_table(tmp_path, content):
    content["picojoules"]["multiply"]["int8"] = 7
    content["levels"] = [{"name": "everything", "bytes": None, "picojoules_per_64_bits": 16}]
    (tmp_path / "table.json").write_text(json.dumps(content))
    table = load_table(tmp_path / "table.json")
    assert table.picojoules(MAC, "int8") == pytest.approx(7.1)
    assert table.level(5).picojoules_per_byte == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("source"), "energy_table.source is missing"),
        (lambda t: t["picojoules"].pop("add"), "energy_table.picojoules.add is missing"),
        (lambda t: t["picojoules"]["add"].update(int8=-1), "energy_table.picojoules.add.int8 must be at least 0"),
        (lambda t: t["picojoules"]["add"].update(int8="1"), "energy_table.picojoules.add.int8 must be a number"),
        (lambda t: t["picojoules"]["add"].update(int8=1e300), "energy_table.picojoules.add.int8 must be at most"),
        (lambda t: t.update(levels=[]), "energy_table.levels must be a list of at least 1"),
        (lambda t: t["levels"].pop(), "levels must grow and end with one whose bytes are null, received"),
        (lambda t: t["levels"].reverse(), "levels must grow and end"),
        (lambda t: t["levels"][0].update(bytes=0), r"energy_table.levels\[0\].bytes must be at least 1, received 0"),
        (lambda t: t["levels"][0].update(name="DRAM"), "levels must differ in name"),
    ],
)
def test_a_wrong_table_is_told_in_one_line(tmp_path, content, change, message):
    change(content)
    path = tmp_path / "table.json"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=message) as error:
        load_table(path)
    assert str(error.value).endswith(f"; correct {path}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "[", '{"name": NaN}', "\udcff", "[" * 100_000])
def test_what_is_no_json(tmp_path, text):
    path = tmp_path / "table.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match="cannot be read as JSON"):
        load_table(path)


def test_no_such_file(tmp_path):
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(UserError, match="cannot be read as JSON: .*; name a table of energies"):
            load_table(path)


def test_the_schema_is_one(content):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(content, schema)
