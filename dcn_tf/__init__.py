"""Dynamic Capacity Networks (Almahairi et al., ICML 2016) on Keras and TensorFlow.

`architecture`, `geometry`, `cost` and `presets` need nothing but Python; the other modules import TensorFlow, and only
when they are imported themselves.
"""

__version__ = "0.2.0"
