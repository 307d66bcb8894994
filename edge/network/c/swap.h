/* What the swap of vectors changes. */

#ifndef SWAP_H
#define SWAP_H

#include "arrays.h"

/* How windows of the top's convolution lie on a map of vectors with zeros around it, and which of them hold each cell. */
typedef struct {
    Py_ssize_t above, before, down, right, few, step;
    Py_ssize_t wide, windows; /* in a row, and all of them */
    const Py_buffer *windows_of_cells, *canvas;
} Map;

/* Whether a map is of vectors such as `features`, [h, w, D], and has windows of height and width of `kernel`; fills in what
   follows from these. The indices have room for all windows, and more up to a multiple of step. */
int fits_map(Map *map, const Py_buffer *features, const Py_ssize_t *kernel, const Py_buffer *indices);

/* Whether cells, (row, column) of each, are on a map of rows and columns. */
int fits_cells(const Py_buffer *cells, Py_ssize_t rows, Py_ssize_t columns);

/* Lists the windows that hold one of the cells, in order; of more than a few the last again and again until there are a
   multiple of step. `held`: a 0 for every window, to be written to. */
Py_ssize_t list_windows(const Map *map, const Py_buffer *cells, char *held, Py_ssize_t *indices);

/* Writes the coarse vectors into a map, and the fine ones over those of their cells. */
void swap_vectors(const Map *map, const Py_buffer *features, const Py_buffer *fine, const Py_buffer *cells);

/* Copies windows out of a map. */
void copy_windows(const Map *map, const Py_ssize_t *indices, Py_ssize_t count, const Py_ssize_t *kernel, char *to);

/* Whether rows, one of each index, can be written into an array. */
int fits_rows(const Py_buffer *into, const Py_ssize_t *index, Py_ssize_t count, const Py_buffer *rows);

void write_rows(const Py_buffer *into, const Py_ssize_t *index, const Py_buffer *rows);

PyObject *assemble(PyObject *self, PyObject *arguments);

PyObject *put_rows(PyObject *self, PyObject *arguments);

#endif
