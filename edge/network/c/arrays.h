/* What every file here needs of the arrays that Python passes. */

#ifndef ARRAYS_H
#define ARRAYS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

/* Sizes and places are at most this, so that no sum or product of two of them overflows. */
#define MOST INT32_MAX

typedef uint8_t Bytes __attribute__((vector_size(16)));

/* Whether numbers are sizes or places that can be computed with. */
int are_small(Py_ssize_t count, const Py_ssize_t *numbers);
#define ARE_SMALL(...)                                                                                                \
    are_small(sizeof((Py_ssize_t[]){__VA_ARGS__}) / sizeof(Py_ssize_t), (Py_ssize_t[]){__VA_ARGS__})

/* What is needed of an array whose values lie one after another: types, as of the struct module, and dimensions. */
typedef struct {
    const char *types;
    int dimensions, writable;
} Wanted;

/* Fills in the views of arrays; -1 and an exception where one is not what is wanted. */
int get_arrays(int count, PyObject **objects, Py_buffer *views, const Wanted *wanted);

void release_arrays(int count, Py_buffer *views);

/* Raises ValueError: the sizes of the arrays do not fit each other. */
PyObject *misfit(void);

#endif
