"""A Raspberry Pi emulated on the workstation: the same answers as here, and how many instructions they take."""
