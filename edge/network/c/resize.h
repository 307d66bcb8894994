#include "arrays.h"

/* Resizes an image of one channel; scaling.py says what the arguments are. */
PyObject *resize(PyObject *self, PyObject *arguments);
