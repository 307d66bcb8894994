"""Classes of instructions, and the least cycles in which a core can issue them.

A core has so many pipelines for each class, and decodes so many instructions a cycle. A program takes no fewer cycles
than its busiest pipelines do: a bound, and no time. Caches, memory, branches that are guessed wrong, results that are
waited for, and instructions that occupy a pipeline longer come on top of it.

Pipelines: Arm, Cortex-A72 and Cortex-A76 Software Optimization Guides, their chapters on the pipeline.
"""

CLASSES = ("vector_load", "vector_store", "vector", "load", "store", "branch", "scalar")  # as instructions.c names them
LOADS, STORES = ("vector_load", "load"), ("vector_store", "store")
A72 = {"loads": (LOADS, 1), "stores": (STORES, 1), "vector": (("vector",), 2), "branches": (("branch",), 1)}
A76 = {"loads and stores": ((*LOADS, *STORES), 2), "vector": (("vector",), 2), "branches": (("branch",), 1)}
EVERY = {"a72": 3, "a76": 4}  # instructions of all classes that are decoded in a cycle
PIPELINES = {
    core: pipelines | {"scalar": (("scalar",), 3), "decoding": (CLASSES, EVERY[core])}
    for core, pipelines in (("a72", A72), ("a76", A76))
}


def least_cycles(core: str, counts: dict) -> tuple[float, str]:
    """Returns in how many cycles a core issues instructions at the least, and what it is that takes them.

    Args:
        core: 'a72' or 'a76'.
        counts: class -> instructions.
    """
    cycles = {name: sum(counts[kind] for kind in kinds) / width for name, (kinds, width) in PIPELINES[core].items()}
    busiest = max(cycles, key=lambda name: cycles[name])
    return cycles[busiest], busiest
