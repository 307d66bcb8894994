/* Splits time into stages, as clock.py does in Python, for a third of the instructions. */

#include "clock.h"

#include <time.h>

typedef struct {
    PyObject_HEAD
    PyObject *laps; /* stage -> microseconds */
    int64_t last;
} Clock;

static int64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static PyObject *clock_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    Clock *clock = (Clock *)type->tp_alloc(type, 0);
    if (!clock)
        return NULL;
    clock->laps = PyDict_New();
    clock->last = nanoseconds();
    if (!clock->laps)
        Py_CLEAR(clock);
    return (PyObject *)clock;
}

static void clock_free(PyObject *self)
{
    Py_XDECREF(((Clock *)self)->laps);
    Py_TYPE(self)->tp_free(self);
}

/* Ends a stage that took so long before. */
static PyObject *end_stage(Clock *clock, PyObject *stage, double before)
{
    const int64_t now = nanoseconds();
    PyObject *microseconds = PyFloat_FromDouble(before + (double)(now - clock->last) / 1e3);
    if (!microseconds)
        return NULL;
    clock->last = now;
    const int status = PyDict_SetItem(clock->laps, stage, microseconds);
    Py_DECREF(microseconds);
    return status < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *clock_lap(PyObject *self, PyObject *stage)
{
    return end_stage((Clock *)self, stage, 0);
}

static PyObject *clock_add(PyObject *self, PyObject *stage)
{
    PyObject *before = PyDict_GetItemWithError(((Clock *)self)->laps, stage);
    if (!before && PyErr_Occurred())
        return NULL;
    return end_stage((Clock *)self, stage, before ? PyFloat_AsDouble(before) : 0);
}

static PyObject *clock_laps(PyObject *self, void *unused)
{
    return Py_NewRef(((Clock *)self)->laps);
}

static PyObject *clock_total(PyObject *self, void *unused)
{
    PyObject *stage, *microseconds;
    Py_ssize_t place = 0;
    double total = 0;
    while (PyDict_Next(((Clock *)self)->laps, &place, &stage, &microseconds))
        total += PyFloat_AsDouble(microseconds);
    return PyErr_Occurred() ? NULL : PyFloat_FromDouble(total);
}

static PyMethodDef clock_methods[] = {
    {"lap", clock_lap, METH_O, NULL}, {"add", clock_add, METH_O, NULL}, {NULL, NULL, 0, NULL}};

static PyGetSetDef clock_values[] = {{"laps", clock_laps, NULL, NULL, NULL},
                                     {"total_us", clock_total, NULL, NULL, NULL},
                                     {NULL, NULL, NULL, NULL, NULL}};

PyTypeObject clock_type = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "edge.network._compiled.Clock",
                           .tp_basicsize = sizeof(Clock),
                           .tp_flags = Py_TPFLAGS_DEFAULT,
                           .tp_new = clock_new,
                           .tp_dealloc = clock_free,
                           .tp_methods = clock_methods,
                           .tp_getset = clock_values};
