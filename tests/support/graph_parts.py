"""Tensors and operators as they are read from .tflite files."""

from edge.energy.graph import GraphTensor, Operator
from edge.energy.operations import count


def values(*shape, dtype="float32"):
    return GraphTensor(shape, dtype)


def weights(*shape, dtype="float32"):
    return GraphTensor(shape, dtype, constant=True)


def counted(name, inputs, output, **options):
    return count(Operator(name, tuple(inputs), (output,), **options))
