/* One call before and after each model of a classifier in int8, in the models' own tensors; see stages_in_place.py. */

#include "stages.h"

#include <string.h>

#include "answer.h"
#include "pixels.h"
#include "saliency.h"
#include "selection.h"
#include "swap.h"
#include "windows.h"

/* What a classifier in int8 needs between its models, checked once. Its methods are the steps of one image. */
enum { CANVAS, LAID_OUT, ACTIVATIONS, FEATURES, COARSE, REFINED, DENSE, KERNELS, GRADIENT, OF_CELLS, VECTORS, MAXIMA,
       POSITIVE, CHANGED, INDICES, ARRAYS };

typedef struct {
    PyObject_HEAD
    Py_buffer arrays[ARRAYS];
    Windows image, patches;
    Top top;
    Map map;
    Py_ssize_t above, before; /* of the image on its canvas */
    Py_ssize_t height, width; /* of the image */
    Py_ssize_t kernel[3];     /* height, width and depth */
    Py_ssize_t count;         /* of the windows that changed */
    int zero;                 /* the raw activation that stands for 0 */
    char *held;               /* room for list_windows */
    int8_t *refined;          /* room for the maxima of the answer */
} Stages;

static void stages_free(PyObject *self)
{
    Stages *stages = (Stages *)self;
    release_arrays(ARRAYS, stages->arrays);
    PyMem_Free(stages->top.memory);
    PyMem_Free(stages->held);
    PyMem_Free(stages->refined);
    Py_TYPE(self)->tp_free(self);
}

/* Whether the arrays fit each other; -1 and an exception where they do not. */
static int stages_check(Stages *stages)
{
    const Py_buffer *arrays = stages->arrays, *activations = &arrays[ACTIVATIONS], *features = &arrays[FEATURES];
    const Py_buffer *canvas = &arrays[CANVAS], *maxima = &arrays[MAXIMA], *laid_out = &arrays[LAID_OUT];
    static const Py_ssize_t whole[2] = {0, 0};
    const Py_buffer place = {.buf = (void *)whole, .itemsize = sizeof *whole, .shape = (Py_ssize_t[]){1, 2}};
    Top *top = &stages->top;
    top->classes = arrays[DENSE].shape[1];
    top->rows = features->shape[0];
    top->columns = features->shape[1];
    stages->map.windows_of_cells = &arrays[OF_CELLS];
    stages->map.canvas = &arrays[VECTORS];
    top->down = stages->map.down;
    top->right = stages->map.right;
    top->above = stages->map.above;
    top->before = stages->map.before;
    stages->kernel[0] = arrays[KERNELS].shape[0];
    stages->kernel[1] = arrays[KERNELS].shape[2];
    stages->kernel[2] = arrays[KERNELS].shape[3];
    if (!ARE_SMALL(stages->height, stages->width) || stages->height < 1 || stages->width < 1 ||
        !holds(canvas, stages->height, stages->width, stages->above, stages->before) || laid_out->shape[0] != 1 ||
        !fits_windows(&stages->image, canvas, laid_out) || !fits_places(&stages->image, canvas, &place) ||
        !fits_classifier(activations, &arrays[COARSE], maxima, top->classes) ||
        !fits_classifier(activations, &arrays[REFINED], maxima, top->classes) ||
        arrays[POSITIVE].shape[0] != maxima->shape[0] || arrays[CHANGED].shape[0] != activations->shape[0] ||
        arrays[CHANGED].shape[1] != activations->shape[1] ||
        !fits_map(&stages->map, features, stages->kernel, &arrays[INDICES]) ||
        stages->map.windows != activations->shape[0]) {
        misfit();
        return -1;
    }
    return prepare_top(top, activations, maxima, &arrays[DENSE], &arrays[KERNELS], &arrays[GRADIENT]);
}

static PyObject *stages_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static const Wanted wanted[ARRAYS] = {{"b", 3, 1}, {"b", 4, 1}, {"b", 2, 0}, {"b", 3, 0}, {"d", 1, 0},
                                          {"d", 1, 0}, {"f", 2, 0}, {"f", 4, 0}, {"f", 3, 1}, {"i", 3, 0},
                                          {"b", 3, 1}, {"b", 1, 1}, {"?", 1, 1}, {"b", 2, 1}, {"lq", 1, 1}};
    PyObject *objects[ARRAYS], *list;
    Stages *stages = (Stages *)type->tp_alloc(type, 0);
    if (!stages)
        return NULL;
    if (!PyArg_ParseTuple(arguments, "O!(nn)(nn)(" WINDOWS ")(" WINDOWS ")(nn)(nn)(nn)i", &PyTuple_Type, &list, &stages->height,
                          &stages->width, &stages->above, &stages->before, WINDOWS_MEMBERS(&stages->image),
                          WINDOWS_MEMBERS(&stages->patches), &stages->map.down, &stages->map.right, &stages->map.above,
                          &stages->map.before, &stages->map.few, &stages->map.step, &stages->zero))
        goto failed;
    if (PyTuple_GET_SIZE(list) != ARRAYS) {
        misfit();
        goto failed;
    }
    for (int i = 0; i < ARRAYS; i++)
        objects[i] = PyTuple_GET_ITEM(list, i);
    if (get_arrays(ARRAYS, objects, stages->arrays, wanted) < 0 || stages_check(stages) < 0)
        goto failed;
    stages->held = PyMem_Malloc(stages->map.windows);
    stages->refined = PyMem_Malloc(stages->top.filters);
    if (stages->held && stages->refined)
        return (PyObject *)stages;
    PyErr_NoMemory();
failed:
    Py_DECREF(stages);
    return NULL;
}

/* Pixels, [h, w, C] or [h, w], into the input of the coarse model. */
static PyObject *stages_put(PyObject *self, PyObject *image)
{
    static const Py_ssize_t whole[2] = {0, 0};
    Stages *stages = (Stages *)self;
    const Py_buffer *canvas = &stages->arrays[CANVAS];
    Py_buffer pixels;
    if (PyObject_GetBuffer(image, &pixels, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0)
        return NULL;
    int fit = pixels.ndim >= 2 && pixels.ndim <= 3 && (!pixels.format || strcmp(pixels.format, "B") == 0) &&
              pixels.shape[0] == stages->height && pixels.shape[1] == stages->width &&
              (pixels.ndim == 3 ? pixels.shape[2] : 1) == canvas->shape[2];
    if (fit) {
        turn_over(pixels.buf, stages->height, stages->width * canvas->shape[2], canvas, stages->above, stages->before);
        cut_windows(&stages->image, canvas, whole, &stages->arrays[LAID_OUT]);
    }
    PyBuffer_Release(&pixels);
    return fit ? Py_NewRef(Py_None) : misfit();
}

/* The coarse output: fills in its log-probabilities, [classes], and returns its entropy. */
static PyObject *stages_glance(PyObject *self, PyObject *array)
{
    static const Wanted wanted[1] = {{"d", 1, 1}};
    Stages *stages = (Stages *)self;
    Py_buffer view = {0};
    PyObject *result = NULL;
    if (get_arrays(1, &array, &view, wanted) == 0)
        result = view.shape[0] != stages->top.classes
                     ? misfit()
                     : PyFloat_FromDouble(to_answer(&stages->arrays[ACTIVATIONS], &stages->arrays[COARSE],
                                                    &stages->arrays[MAXIMA], view.buf, view.shape[0]));
    release_arrays(1, &view);
    return result;
}

/* Patches of cells into the input of the fine model. */
static PyObject *stages_cut(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[2] = {{"lq", 2, 0}, {"b", 4, 1}};
    Stages *stages = (Stages *)self;
    const Py_buffer *canvas = &stages->arrays[CANVAS];
    PyObject *objects[2], *result = NULL;
    Py_buffer views[2] = {{0}};
    if (!PyArg_ParseTuple(arguments, "OO", &objects[0], &objects[1]))
        return NULL;
    if (get_arrays(2, objects, views, wanted) == 0) {
        if (views[1].shape[0] == views[0].shape[0] && fits_windows(&stages->patches, canvas, &views[1]) &&
            fits_places(&stages->patches, canvas, &views[0])) {
            cut_windows(&stages->patches, canvas, views[0].buf, &views[1]);
            result = Py_NewRef(Py_None);
        } else
            misfit();
    }
    release_arrays(2, views);
    return result;
}

/* From the coarse output, (log-probabilities, entropy), to saliency, [h, w], the most salient cells, [k, 2], and their
   patches in the input of the fine model. Returns the number of cells whose saliency is at least `level`: only where these are
   all of the k are patches cut. */
static PyObject *stages_look(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[4] = {{"d", 1, 0}, {"f", 2, 1}, {"lq", 2, 1}, {"b", 4, 1}};
    Stages *stages = (Stages *)self;
    Top *top = &stages->top;
    const Py_buffer *canvas = &stages->arrays[CANVAS], *maxima = &stages->arrays[MAXIMA];
    PyObject *objects[4], *result = NULL;
    Py_buffer views[4] = {{0}};
    const Py_buffer *saliency = &views[1], *cells = &views[2], *out = &views[3];
    double entropy;
    float level;
    if (!PyArg_ParseTuple(arguments, "OdOOOf", &objects[0], &entropy, &objects[1], &objects[2], &objects[3], &level))
        return NULL;
    if (get_arrays(4, objects, views, wanted) < 0)
        goto done;
    if (views[0].shape[0] != top->classes || saliency->shape[0] != top->rows || saliency->shape[1] != top->columns ||
        !fits_selection(saliency, cells) || out->shape[0] != cells->shape[0] ||
        !fits_windows(&stages->patches, canvas, out)) {
        misfit();
        goto done;
    }
    char *positive = stages->arrays[POSITIVE].buf;
    for (Py_ssize_t i = 0; i < maxima->shape[0]; i++)
        positive[i] = ((const int8_t *)maxima->buf)[i] > stages->zero;
    find_saliency(top, positive, views[0].buf, entropy, saliency->buf);
    to_cells(saliency, cells);
    const Py_ssize_t *cell = cells->buf;
    const float *values = saliency->buf;
    Py_ssize_t count = 0;
    while (count < cells->shape[0] && values[cell[2 * count] * top->columns + cell[2 * count + 1]] >= level)
        count++;
    if (!fits_places(&stages->patches, canvas, cells)) {
        misfit();
        goto done;
    }
    if (count == cells->shape[0])
        cut_windows(&stages->patches, canvas, cell, out);
    result = PyLong_FromSsize_t(count);
done:
    release_arrays(4, views);
    return result;
}

/* The number of windows that hold one of the cells, [k, 2]. */
static PyObject *stages_changed(PyObject *self, PyObject *array)
{
    static const Wanted wanted[1] = {{"lq", 2, 0}};
    Stages *stages = (Stages *)self;
    Py_buffer cells = {0};
    PyObject *result = NULL;
    if (get_arrays(1, &array, &cells, wanted) == 0) {
        if (fits_cells(&cells, stages->top.rows, stages->top.columns)) {
            memset(stages->held, 0, stages->map.windows);
            stages->count = list_windows(&stages->map, &cells, stages->held, stages->arrays[INDICES].buf);
            result = PyLong_FromSsize_t(stages->count);
        } else
            misfit();
    }
    release_arrays(1, &cells);
    return result;
}

/* The windows that `changed` counted, with the fine vectors, [k, D], of the cells, into the input of the top. */
static PyObject *stages_swap(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[3] = {{"b", 2, 0}, {"lq", 2, 0}, {"b", 4, 1}};
    Stages *stages = (Stages *)self;
    const Py_ssize_t *kernel = stages->kernel;
    PyObject *objects[3], *result = NULL;
    Py_buffer views[3] = {{0}};
    const Py_buffer *fine = &views[0], *cells = &views[1], *out = &views[2];
    if (!PyArg_ParseTuple(arguments, "OOO", &objects[0], &objects[1], &objects[2]))
        return NULL;
    if (get_arrays(3, objects, views, wanted) == 0) {
        if (fits_cells(cells, stages->top.rows, stages->top.columns) && fine->shape[0] == cells->shape[0] &&
            fine->shape[1] == kernel[2] && out->shape[0] == stages->count && out->shape[1] == kernel[0] &&
            out->shape[2] == kernel[1] && out->shape[3] == kernel[2]) {
            swap_vectors(&stages->map, &stages->arrays[FEATURES], fine, cells);
            copy_windows(&stages->map, stages->arrays[INDICES].buf, stages->count, kernel, out->buf);
            result = Py_NewRef(Py_None);
        } else
            misfit();
    }
    release_arrays(3, views);
    return result;
}

/* The answer: fills in its log-probabilities, [classes], from what the top gives for the windows that changed,
   [windows, 1, 1, filters]. */
static PyObject *stages_answer(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[2] = {{"b", 4, 0}, {"d", 1, 1}};
    Stages *stages = (Stages *)self;
    const Py_buffer *changed = &stages->arrays[CHANGED], *activations = &stages->arrays[ACTIVATIONS];
    const Py_ssize_t *indices = stages->arrays[INDICES].buf;
    PyObject *objects[2], *result = NULL;
    Py_buffer views[2] = {{0}};
    if (!PyArg_ParseTuple(arguments, "OO", &objects[0], &objects[1]))
        return NULL;
    if (get_arrays(2, objects, views, wanted) == 0) {
        Py_buffer rows = views[0];
        rows.shape = (Py_ssize_t[]){rows.shape[0], rows.shape[1] * rows.shape[2] * rows.shape[3]};
        if (views[1].shape[0] == stages->top.classes && fits_rows(changed, indices, stages->count, &rows)) {
            memcpy(changed->buf, activations->buf, activations->len);
            write_rows(changed, indices, &rows);
            /* The maxima of the coarse output are wanted again, by another look. */
            Py_buffer maxima = stages->arrays[MAXIMA];
            maxima.buf = stages->refined;
            to_answer(changed, &stages->arrays[REFINED], &maxima, views[1].buf, views[1].shape[0]);
            result = Py_NewRef(Py_None);
        } else
            misfit();
    }
    release_arrays(2, views);
    return result;
}

static PyMethodDef stages_methods[] = {{"put", stages_put, METH_O, NULL},
                                       {"glance", stages_glance, METH_O, NULL},
                                       {"look", stages_look, METH_VARARGS, NULL},
                                       {"cut", stages_cut, METH_VARARGS, NULL},
                                       {"changed", stages_changed, METH_O, NULL},
                                       {"swap", stages_swap, METH_VARARGS, NULL},
                                       {"answer", stages_answer, METH_VARARGS, NULL},
                                       {NULL, NULL, 0, NULL}};

PyTypeObject stages_type = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "edge.network._compiled.Stages",
                                   .tp_basicsize = sizeof(Stages),
                                   .tp_flags = Py_TPFLAGS_DEFAULT,
                                   .tp_new = stages_new,
                                   .tp_dealloc = stages_free,
                                   .tp_methods = stages_methods};
