import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from edge.energy import graph
from edge.energy.graph import GraphTensor, read_operators
from edge.errors import UserError

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "models" / "cluttered_mnist"


@pytest.fixture(params=graph.SCHEMAS)
def schema(request, monkeypatch):
    """Only one of the two libraries that read the files."""
    if importlib.util.find_spec(request.param.partition(".")[0]) is None:
        pytest.skip(f"{request.param} is not installed")
    monkeypatch.setattr(graph, "SCHEMAS", (request.param,))
    graph._schema.cache_clear()
    yield request.param
    graph._schema.cache_clear()


def test_operators_in_their_order(schema):
    pool = next(o for o in read_operators((SHIPPED / "fine.tflite").read_bytes()) if o.name == "MAX_POOL_2D")
    assert (pool.name, pool.window, pool.activation) == ("MAX_POOL_2D", (2, 2), "NONE")
    assert pool.inputs == (GraphTensor((8, 12, 12, 24), "int8"),)
    assert pool.outputs == (GraphTensor((8, 6, 6, 24), "int8"),)
    convolutions = [o for o in read_operators((SHIPPED / "coarse.tflite").read_bytes()) if o.name == "CONV_2D"]
    assert [(o.window, o.activation) for o in convolutions] == [(None, "RELU"), (None, "RELU"), (None, "NONE")]
    assert convolutions[1].inputs[1:] == (
        GraphTensor((24, 3, 3, 12), "int8", constant=True),
        GraphTensor((24,), "int32", constant=True),
    )


def test_another_number_of_patches_changes_what_holds_it(schema):
    content = (SHIPPED / "fine.tflite").read_bytes()
    for own, other in zip(read_operators(content), read_operators(content, 3)):
        for before, after in zip(own.inputs + own.outputs, other.inputs + other.outputs):
            assert after.shape == (before.shape if before.constant else (3, *before.shape[1:]))


def test_an_operator_that_no_runtime_has(edge_cases, schema):
    operators = read_operators((edge_cases / "broken" / "custom.tflite").read_bytes())
    assert operators[0].name == "custom MyOperator"
    assert operators[0].outputs[0].dtype == "int8"


def test_sizes():
    assert GraphTensor((2, 3), "float32").bytes == 2 * 3 * 4
    assert GraphTensor((3, 3), "int4").bytes == 5
    assert GraphTensor((), "int64").bytes == 8
    assert GraphTensor((0, 7), "int8").elements == 0
    assert (GraphTensor(None, "int8").elements, GraphTensor(None, "int8").bytes) == (None, None)
    assert (GraphTensor((2,), "string").elements, GraphTensor((2,), "string").bytes) == (2, None)


def test_files_that_are_none(schema):
    content = (SHIPPED / "top.tflite").read_bytes()
    for wrong in (b"", b"PK\3\4 zip", content[:4]):
        with pytest.raises(UserError, match=r"^top.tflite is not a .tflite file; export"):
            read_operators(wrong, name="top.tflite")
    for wrong in (content[:8], content[:200], content[:1] + b"\xff" * 3 + content[4:]):
        with pytest.raises(UserError, match=r"^top.tflite cannot be read as a .tflite file: .*; export"):
            read_operators(wrong, name="top.tflite")


def test_without_a_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(graph, "SCHEMAS", ("no_such_module",))
    graph._schema.cache_clear()
    with pytest.raises(UserError, match="pip install tflite$"):
        read_operators((SHIPPED / "top.tflite").read_bytes())
    graph._schema.cache_clear()


def test_the_library_is_imported_when_asked_for():
    code = "import sys, edge.operations; print(sorted({'flatbuffers', 'tflite', 'ai_edge_litert'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
