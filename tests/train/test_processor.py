"""What the machine says of itself is a small file system here."""

import pytest

from train.processor import fastest_dtype

FLAGS = (
    "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu avx512f {}avx512_vnni\nbugs\t: amx_bf16 is no flag here\n"
)


def machine(path, cpuinfo, has_gpu=False):
    (path / "proc").mkdir()
    (path / "dev").mkdir()
    (path / "proc/cpuinfo").write_text(cpuinfo)
    if has_gpu:
        (path / "dev/nvidia0").touch()
    return path


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [("", "float32"), ("avx512_bf16 ", "bfloat16"), ("amx_bf16 amx_tile ", "bfloat16"), ("amx_int8 ", "float32")],
)
def test_a_processor_that_multiplies_bfloat16(tmp_path, flags, dtype):
    assert fastest_dtype(root=machine(tmp_path, FLAGS.format(flags))) == dtype


def test_with_a_gpu_the_processor_says_nothing(tmp_path):
    assert fastest_dtype(root=machine(tmp_path, FLAGS.format("amx_bf16 "), has_gpu=True)) == "float32"


def test_several_machines_compute_alike(tmp_path):
    assert fastest_dtype("multiworker", machine(tmp_path, FLAGS.format("amx_bf16 "))) == "float32"


def test_other_machines_have_float32(tmp_path):
    assert fastest_dtype(root=tmp_path) == "float32"
    assert fastest_dtype(root=machine(tmp_path, "processor : 0\nFeatures : fp asimd bf16\n")) == "float32"
