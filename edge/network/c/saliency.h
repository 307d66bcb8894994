/* The saliency of a classifier's cells. */

#ifndef SALIENCY_H
#define SALIENCY_H

#include "arrays.h"

#define BITS 64 /* of a word of a mask */
#define NONE (-1) /* no window */

typedef struct {
    Py_ssize_t windows, filters;     /* of the activation map */
    Py_ssize_t height, width, depth; /* of a filter's kernel */
    Py_ssize_t gradient_width;       /* in cells, with padding */
    const void *activations, *maxima;
    const float *kernels; /* [height, filters, width, depth] */
    float *gradient;      /* [., gradient_width, depth], dH/dcells */
    float *of_filters;    /* dH/dmax of each filter, and then the share of each window that has the maximum */
    int32_t *first_cells; /* of each window: where its first cell begins in the gradient */
    /* Windows in which the same filters have their maximum are of one pattern, and pass the same gradient on. */
    Py_ssize_t patterns, words; /* of a mask */
    uint64_t *masks;            /* the filters of each pattern as bits */
    int32_t *newest, *older;    /* the last window of each pattern, and of each window the one before it, or NONE */
    int32_t *at_max, *begins;   /* the filters of the first pattern, of the second, ...; where those of each begin, and end */
    int32_t *counts;            /* of each filter's windows that have the maximum */
    uint64_t *passing;          /* the filters that pass a gradient on, as bits */
    char type;                  /* of the activations */
    float *of_classes;          /* the weights of each class, [classes, filters] */
    Py_ssize_t classes, down, right, room_right; /* strides, and by how much the last window is right of the first */
    Py_ssize_t above, before, rows, columns;     /* the part of the gradient that is cells */
    size_t gradient_bytes;
    void *memory; /* of all that is no array's, to be freed */
} Top;

/* Fills in what the saliency is computed with; -1 and an exception where the sizes do not fit each other. The strides,
   the place and size of the map, and the number of classes are filled in already. */
int prepare_top(Top *top, const Py_buffer *activations, const Py_buffer *maxima, const Py_buffer *dense,
                const Py_buffer *kernels, const Py_buffer *gradient);

/* Fills in the saliency of every cell. */
void find_saliency(Top *top, const char *positive, const double *log_probabilities, double entropy, float *norms);

PyObject *classifier_saliency(PyObject *self, PyObject *arguments);

#endif
