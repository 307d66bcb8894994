/* The cells of highest saliency. */

#ifndef SELECTION_H
#define SELECTION_H

#include "arrays.h"

int fits_selection(const Py_buffer *saliency, const Py_buffer *cells);

/* Fills in the (row, column) of the cells of highest saliency. */
void to_cells(const Py_buffer *saliency, const Py_buffer *cells);

PyObject *select_cells(PyObject *self, PyObject *arguments);

#endif
