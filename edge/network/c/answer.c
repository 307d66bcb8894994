/* A classifier's answer, as saliency.Classifier gives it in NumPy. */

#include "answer.h"

#include <math.h>
#include <string.h>

/* Calls the function of a name for the type of an array of activations. */
#define BY_TYPE(NAME, ARRAY, ...)                                                                                     \
    (*(ARRAY)->format == 'b'   ? NAME##_int8_t(__VA_ARGS__)                                                           \
     : *(ARRAY)->format == 'B' ? NAME##_uint8_t(__VA_ARGS__)                                                          \
                               : NAME##_float(__VA_ARGS__))

/* The greatest activation of each filter, of 48 or 16 filters at a time, which stay in registers; and what the maxima above 0
   add to the logits. */
#define MAXIMA(TYPE)                                                                                                  \
    static inline __attribute__((always_inline)) void maxima_of_##TYPE(const TYPE *row, TYPE *restrict maxima,        \
                                                                       Py_ssize_t windows, Py_ssize_t filters,        \
                                                                       Py_ssize_t count)                              \
    {                                                                                                                 \
        TYPE greatest[48];                                                                                            \
        memcpy(greatest, row, count * sizeof(TYPE));                                                                  \
        for (Py_ssize_t window = 1; window < windows; window++) {                                                     \
            row += filters;                                                                                           \
            for (Py_ssize_t i = 0; i < count; i++)                                                                    \
                greatest[i] = row[i] > greatest[i] ? row[i] : greatest[i];                                            \
        }                                                                                                             \
        memcpy(maxima, greatest, count * sizeof(TYPE));                                                               \
    }                                                                                                                 \
    static void maxima_##TYPE(const Py_buffer *activations, const Py_buffer *maxima)                                  \
    {                                                                                                                 \
        Py_ssize_t windows = activations->shape[0], filters = activations->shape[1], filter = 0;                      \
        const TYPE *row = activations->buf;                                                                           \
        TYPE *greatest = maxima->buf;                                                                                 \
        for (; filter + 48 <= filters; filter += 48)                                                                  \
            maxima_of_##TYPE(row + filter, greatest + filter, windows, filters, 48);                                  \
        for (; filter + 16 <= filters; filter += 16)                                                                  \
            maxima_of_##TYPE(row + filter, greatest + filter, windows, filters, 16);                                  \
        maxima_of_##TYPE(row + filter, greatest + filter, windows, filters, filters - filter);                        \
    }                                                                                                                 \
    static void add_##TYPE(const Py_buffer *maxima, const double *gain, const double *offset, const double *dense,    \
                           double *restrict logits, Py_ssize_t classes)                                               \
    {                                                                                                                 \
        const TYPE *greatest = maxima->buf, *end = greatest + maxima->shape[0];                                       \
        for (; greatest != end; greatest++, gain++, offset++, dense += classes) {                                     \
            double pooled = *greatest * *gain + *offset;                                                              \
            if (pooled > 0)                                                                                           \
                for (Py_ssize_t j = 0; j < classes; j++)                                                              \
                    logits[j] += pooled * dense[j];                                                                   \
        }                                                                                                             \
    }
MAXIMA(int8_t)
MAXIMA(uint8_t)
MAXIMA(float)

/* Turns logits into log-probabilities, in place; returns the entropy. */
static double log_softmax(double *logits, Py_ssize_t classes)
{
    double highest = logits[0], total = 0, entropy = 0;
    for (Py_ssize_t i = 1; i < classes; i++)
        highest = logits[i] > highest ? logits[i] : highest;
    for (Py_ssize_t i = 0; i < classes; i++)
        total += exp(logits[i] - highest);
    double log_total = highest + log(total);
    for (Py_ssize_t i = 0; i < classes; i++) {
        logits[i] -= log_total;
        entropy -= exp(logits[i]) * logits[i];
    }
    return entropy;
}

int fits_classifier(const Py_buffer *activations, const Py_buffer *weights, const Py_buffer *maxima, Py_ssize_t classes)
{
    Py_ssize_t filters = maxima->shape[0];
    return activations->shape[0] > 0 && activations->shape[1] == filters && *activations->format == *maxima->format &&
           classes > 0 && weights->shape[0] == filters * (2 + classes) + classes;
}

double to_answer(const Py_buffer *activations, const Py_buffer *weights, const Py_buffer *maxima, double *logits,
                 Py_ssize_t classes)
{
    Py_ssize_t filters = maxima->shape[0];
    const double *gain = weights->buf, *offset = gain + filters, *dense = offset + filters;
    BY_TYPE(maxima, activations, activations, maxima);
    memcpy(logits, dense + filters * classes, classes * sizeof *logits); /* the bias */
    BY_TYPE(add, maxima, maxima, gain, offset, dense, logits, classes);
    return log_softmax(logits, classes);
}

PyObject *classify(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[4] = {{"bBf", 2, 0}, {"d", 1, 0}, {"bBf", 1, 1}, {"d", 1, 1}};
    PyObject *objects[4], *result = NULL;
    Py_buffer views[4] = {{0}};
    const Py_buffer *activations = &views[0], *weights = &views[1], *maxima = &views[2], *log_probabilities = &views[3];
    if (!PyArg_ParseTuple(arguments, "OOOO", &objects[0], &objects[1], &objects[2], &objects[3]))
        return NULL;
    if (get_arrays(4, objects, views, wanted) == 0) {
        Py_ssize_t classes = log_probabilities->shape[0];
        if (fits_classifier(activations, weights, maxima, classes))
            result = PyFloat_FromDouble(to_answer(activations, weights, maxima, log_probabilities->buf, classes));
        else
            misfit();
    }
    release_arrays(4, views);
    return result;
}
