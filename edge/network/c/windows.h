/* Windows of a canvas, laid out as a model takes them. */

#ifndef WINDOWS_H
#define WINDOWS_H

#include "arrays.h"

/* Where windows lie on a canvas, and which of their pixels go into each group of an output. */
typedef struct {
    size_t pixel, row;            /* bytes of the canvas */
    Py_ssize_t height, width;     /* of a window, in pixels */
    Py_ssize_t high, wide;        /* groups of the output */
    Py_ssize_t rows, length;      /* of a group, in pixels */
    Py_ssize_t above, before;     /* margins of a window */
    Py_ssize_t down, right;       /* distance of groups, in pixels */
} Cut;

/* Windows of one size that lie on a canvas at a regular distance, and how they are laid out. */
typedef struct {
    Cut cut;
    Py_ssize_t first_row, first_column, down, right;
} Windows;

#define WINDOWS "(nn)(nn)(nn)(nn)(nn)(nn)" /* as arguments, which go into the members in this order */
#define WINDOWS_MEMBERS(W)                                                                                            \
    &(W)->first_row, &(W)->first_column, &(W)->down, &(W)->right, &(W)->cut.height, &(W)->cut.width, &(W)->cut.above, \
        &(W)->cut.before, &(W)->cut.rows, &(W)->cut.length, &(W)->cut.down, &(W)->cut.right

/* Whether windows can be cut out of a canvas into an output, [count, high, wide, group]; fills in what follows from these. */
int fits_windows(Windows *windows, const Py_buffer *canvas, const Py_buffer *out);

/* Whether places, (row, column) of each, are of windows that lie on the canvas. */
int fits_places(const Windows *windows, const Py_buffer *canvas, const Py_buffer *places);

void cut_windows(const Windows *windows, const Py_buffer *canvas, const Py_ssize_t *place, const Py_buffer *out);

PyObject *cut(PyObject *self, PyObject *arguments);

#endif
