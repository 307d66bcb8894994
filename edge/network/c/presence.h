#include "arrays.h"

/* The coarse output where an image may hold nothing to read, and its saliency; presence.py says what they are. */
PyObject *see_cells(PyObject *self, PyObject *arguments);
PyObject *presence_saliency(PyObject *self, PyObject *arguments);
