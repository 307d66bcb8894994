/* A classifier's answer from its top's activations. */

#ifndef ANSWER_H
#define ANSWER_H

#include "arrays.h"

int fits_classifier(const Py_buffer *activations, const Py_buffer *weights, const Py_buffer *maxima, Py_ssize_t classes);

/* Fills in the maxima and the log-probabilities; returns the entropy. */
double to_answer(const Py_buffer *activations, const Py_buffer *weights, const Py_buffer *maxima, double *logits,
                 Py_ssize_t classes);

PyObject *classify(PyObject *self, PyObject *arguments);

#endif
