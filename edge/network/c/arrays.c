#include "arrays.h"

#include <string.h>

int are_small(Py_ssize_t count, const Py_ssize_t *numbers)
{
    for (Py_ssize_t i = 0; i < count; i++)
        if (numbers[i] < -(Py_ssize_t)MOST || numbers[i] > MOST)
            return 0;
    return 1;
}

int get_arrays(int count, PyObject **objects, Py_buffer *views, const Wanted *wanted)
{
    for (int i = 0; i < count; i++) {
        int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (wanted[i].writable ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(objects[i], &views[i], flags) < 0)
            return -1;
        const char *type = views[i].format ? views[i].format : "B";
        if (strlen(type) != 1 || !strchr(wanted[i].types, *type) || views[i].ndim != wanted[i].dimensions) {
            PyErr_Format(PyExc_ValueError, "array %d must be of type %s with %d dimensions, received %s with %d", i,
                         wanted[i].types, wanted[i].dimensions, type, views[i].ndim);
            return -1;
        }
        if (!are_small(views[i].ndim, views[i].shape)) { /* an array without values may be as long as it likes */
            PyErr_Format(PyExc_ValueError, "array %d is too large", i);
            return -1;
        }
    }
    return 0;
}

void release_arrays(int count, Py_buffer *views)
{
    for (int i = 0; i < count; i++)
        PyBuffer_Release(&views[i]);
}

PyObject *misfit(void)
{
    PyErr_SetString(PyExc_ValueError, "the sizes of the arrays do not fit each other");
    return NULL;
}
