/* Writes pixels into the canvas that models read; pixels.py says the same in NumPy. */

#ifndef PIXELS_H
#define PIXELS_H

#include "arrays.h"

/* Writes an image's pixels, `row` bytes a row, into a canvas, less 128: as bytes of a sign, with the high bit turned over. */
void turn_over(const uint8_t *from, Py_ssize_t rows, Py_ssize_t row, const Py_buffer *canvas, Py_ssize_t above,
               Py_ssize_t before);

/* Whether a canvas holds an image of that many rows and columns at a place. */
int holds(const Py_buffer *canvas, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t above, Py_ssize_t before);

PyObject *put_pixels(PyObject *self, PyObject *arguments);

#endif
