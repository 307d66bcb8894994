"""Energy of one inference: measured by a meter, or modelled from the operations in the .tflite files.

    from edge.energy.measure import measure
    from edge.energy.meters import make_meter
    from edge.energy.model import load_table, mixture, modelled_energy

    meter = make_meter("auto")           # or rapl, pmic, ina219, ina228, ina260, csv:FILE; None where there is none
    measured = measure(meter, run_once)  # to_dict() has valid, why_not, energy_uj, net_energy_uj, source and more
    modelled = modelled_energy(bundle, ("coarse", "fine", "top"), num_patches=8)  # to_dict() has microjoules and more

A two-stage run whose coarse answer stood is `("coarse",)`, the whole fine model `("whole_fine",)`, and runs that differ
from image to image are `mixture([(share, modelled), ...])`. What is modelled says so in its `source` and is never set
beside measured joules without it.
"""
