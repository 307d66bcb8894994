import pytest

from tools.pi.classes import CLASSES, PIPELINES, least_cycles


def counts(**some):
    return dict.fromkeys(CLASSES, 0) | some


@pytest.mark.parametrize(
    ("core", "some", "cycles", "busiest"),
    [
        ("a72", {"vector": 100, "vector_load": 60}, 60, "loads"),
        ("a72", {"vector": 200, "vector_load": 60}, 100, "vector"),
        ("a72", {"vector": 100, "vector_load": 60, "scalar": 140}, 100, "decoding"),
        ("a76", {"vector": 100, "vector_load": 60}, 50, "vector"),
        ("a76", {"vector": 100, "load": 60, "store": 80}, 70, "loads and stores"),
        ("a76", {"scalar": 90, "branch": 40}, 40, "branches"),
    ],
)
def test_the_busiest_pipelines_decide(core, some, cycles, busiest):
    assert least_cycles(core, counts(**some)) == (cycles, busiest)


def test_each_class_has_a_pipeline_of_its_own():
    for pipelines in PIPELINES.values():
        apart = [kind for name, (kinds, _) in pipelines.items() if name != "decoding" for kind in kinds]
        assert sorted(apart) == sorted(CLASSES)
