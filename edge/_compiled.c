/* What a classifier's answer and saliency cost between the models, in C: the sums of edge.saliency, without an array and a
   call between any two of them. edge.compiled documents the arguments. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef float Four __attribute__((vector_size(16), aligned(4), may_alias));

/* What is needed of an array whose values lie one after another: types, as of the struct module, and dimensions. */
typedef struct {
    const char *types;
    int dimensions, writable;
} Wanted;

/* Fills in the views of arrays; -1 and an exception where one is not what is wanted. */
static int get_arrays(int count, PyObject **objects, Py_buffer *views, const Wanted *wanted)
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
    }
    return 0;
}

static void release_arrays(int count, Py_buffer *views)
{
    for (int i = 0; i < count; i++)
        PyBuffer_Release(&views[i]);
}

static PyObject *misfit(void)
{
    PyErr_SetString(PyExc_ValueError, "the sizes of the arrays do not fit each other");
    return NULL;
}

/* Calls the function of a name for the type of an array of activations. */
#define BY_TYPE(NAME, ARRAY, ...)                                                                                     \
    (*(ARRAY)->format == 'b'   ? NAME##_int8_t(__VA_ARGS__)                                                           \
     : *(ARRAY)->format == 'B' ? NAME##_uint8_t(__VA_ARGS__)                                                          \
                               : NAME##_float(__VA_ARGS__))

/* The greatest activation of each filter, and one of them as a number. */
#define MAXIMA(TYPE)                                                                                                  \
    static void maxima_##TYPE(const Py_buffer *activations, const Py_buffer *maxima)                                  \
    {                                                                                                                 \
        Py_ssize_t windows = activations->shape[0], filters = activations->shape[1];                                  \
        const TYPE *row = activations->buf;                                                                           \
        TYPE *restrict greatest = maxima->buf;                                                                        \
        memcpy(greatest, row, filters * sizeof(TYPE));                                                                \
        for (Py_ssize_t window = 1; window < windows; window++) {                                                     \
            row += filters;                                                                                           \
            for (Py_ssize_t filter = 0; filter < filters; filter++)                                                   \
                greatest[filter] = row[filter] > greatest[filter] ? row[filter] : greatest[filter];                   \
        }                                                                                                             \
    }                                                                                                                 \
    static double number_##TYPE(const Py_buffer *array, Py_ssize_t index)                                             \
    {                                                                                                                 \
        return ((const TYPE *)array->buf)[index];                                                                     \
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

static PyObject *classify(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[7] = {{"bBf", 2, 0}, {"d", 1, 0}, {"d", 1, 0}, {"d", 2, 0},
                                     {"d", 1, 0},  {"bBf", 1, 1}, {"d", 1, 1}};
    PyObject *objects[7], *result = NULL;
    Py_buffer views[7] = {{0}};
    const Py_buffer *activations = &views[0], *gain = &views[1], *offset = &views[2], *dense = &views[3], *bias = &views[4],
                    *maxima = &views[5], *log_probabilities = &views[6];
    if (!PyArg_ParseTuple(arguments, "OOOOOOO", &objects[0], &objects[1], &objects[2], &objects[3], &objects[4], &objects[5],
                          &objects[6]))
        return NULL;
    if (get_arrays(7, objects, views, wanted) == 0) {
        Py_ssize_t filters = maxima->shape[0], classes = log_probabilities->shape[0];
        if (activations->shape[0] > 0 && activations->shape[1] == filters && *activations->format == *maxima->format &&
            gain->shape[0] == filters && offset->shape[0] == filters && dense->shape[0] == filters &&
            dense->shape[1] == classes && bias->shape[0] == classes && classes > 0) {
            double *logits = log_probabilities->buf;
            BY_TYPE(maxima, activations, activations, maxima);
            memcpy(logits, bias->buf, bias->len);
            for (Py_ssize_t i = 0; i < filters; i++) {
                double pooled = BY_TYPE(number, maxima, maxima, i) * ((double *)gain->buf)[i] + ((double *)offset->buf)[i];
                if (pooled > 0)
                    for (Py_ssize_t j = 0; j < classes; j++)
                        logits[j] += pooled * ((double *)dense->buf)[i * classes + j];
            }
            result = PyFloat_FromDouble(log_softmax(logits, classes));
        } else
            misfit();
    }
    release_arrays(7, views);
    return result;
}

typedef struct {
    Py_ssize_t windows, windows_wide, filters;  /* of the activation map */
    Py_ssize_t height, width, depth;            /* of a filter's kernel */
    Py_ssize_t stride_down, stride_right;
    Py_ssize_t gradient_width; /* in cells, with padding */
    const void *activations, *maxima;
    const float *kernels; /* [filters, height, width, depth] */
    float *gradient;      /* [., gradient_width, depth], dH/dcells */
    float *of_filters;    /* dH/dmax of each filter, and then the share of each window that has the maximum */
    int32_t *counts;      /* of windows that have the maximum of each filter */
    int32_t *at_max;      /* the filters that have their maximum in the first window, in the second, ... */
    int32_t *ends;        /* where those of each window end */
} Top;

/* Lists the filters that have their maximum in each window, without those that no gradient reaches. */
#define FIND_MAXIMA(TYPE)                                                                                             \
    static void find_maxima_##TYPE(const Top *top)                                                                    \
    {                                                                                                                 \
        const TYPE *activations = top->activations, *maxima = top->maxima;                                            \
        int32_t end = 0;                                                                                              \
        for (Py_ssize_t window = 0; window < top->windows; window++, activations += top->filters) {                   \
            for (Py_ssize_t filter = 0; filter < top->filters; filter++)                                              \
                if (activations[filter] == maxima[filter] && top->of_filters[filter] != 0) {                          \
                    top->counts[filter]++;                                                                            \
                    top->at_max[end++] = filter;                                                                      \
                }                                                                                                     \
            top->ends[window] = end;                                                                                  \
        }                                                                                                             \
    }
FIND_MAXIMA(int8_t)
FIND_MAXIMA(uint8_t)
FIND_MAXIMA(float)

/* Adds the weighted kernels of some filters to 4 * vectors sums, which stay in registers meanwhile. */
static inline __attribute__((always_inline)) void add_kernels(const Top *top, float *sums, const float *kernels,
                                                              const int32_t *filters, const int32_t *end, int vectors)
{
    Four parts[8], *to = (Four *)sums;
    Py_ssize_t size = top->height * top->width * top->depth;
    for (int i = 0; i < vectors; i++)
        parts[i] = to[i];
    for (; filters < end; filters++) {
        const Four *kernel = (const Four *)(kernels + *filters * size);
        float weight = top->of_filters[*filters];
        for (int i = 0; i < vectors; i++)
            parts[i] += weight * kernel[i];
    }
    for (int i = 0; i < vectors; i++)
        to[i] = parts[i];
}

/* Hands the gradient of a window on to its cells. */
static void spread(const Top *top, Py_ssize_t window, const int32_t *filters, const int32_t *end)
{
    Py_ssize_t run = top->width * top->depth, row = top->gradient_width * top->depth;
    float *cells = top->gradient + window / top->windows_wide * top->stride_down * row +
                   window % top->windows_wide * top->stride_right * top->depth;
    for (Py_ssize_t i = 0; i < top->height; i++, cells += row) {
        const float *kernels = top->kernels + i * run;
        Py_ssize_t j = 0;
        for (; j + 32 <= run; j += 32)
            add_kernels(top, cells + j, kernels + j, filters, end, 8);
        for (; j + 4 <= run; j += 4)
            add_kernels(top, cells + j, kernels + j, filters, end, 1);
        for (; j < run; j++)
            for (const int32_t *filter = filters; filter < end; filter++)
                cells[j] += top->of_filters[*filter] * kernels[*filter * top->height * run + j];
    }
}

/* The Euclidean norm, as four sums side by side. */
static float norm(const float *values, Py_ssize_t count)
{
    float sums[4] = {0, 0, 0, 0};
    Py_ssize_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (int j = 0; j < 4; j++)
            sums[j] += values[i + j] * values[i + j];
    for (; i < count; i++)
        sums[0] += values[i] * values[i];
    return sqrtf((sums[0] + sums[2]) + (sums[1] + sums[3]));
}

/* Fills in dH/dmax of each filter: dense times dH/dlogits, nothing where the maximum is not above 0. */
static void to_filters(const Py_buffer *positive, const Py_buffer *log_probabilities, double entropy, const Py_buffer *dense,
                       float *of_filters)
{
    Py_ssize_t filters = dense->shape[0], classes = dense->shape[1];
    const double *log_p = log_probabilities->buf;
    const float *weights = dense->buf;
    memset(of_filters, 0, filters * sizeof *of_filters);
    for (Py_ssize_t j = 0; j < classes; j++) {
        float of_logit = (float)(-exp(log_p[j]) * (log_p[j] + entropy));
        for (Py_ssize_t i = 0; i < filters; i++)
            of_filters[i] += weights[i * classes + j] * of_logit;
    }
    for (Py_ssize_t i = 0; i < filters; i++)
        if (!((const char *)positive->buf)[i])
            of_filters[i] = 0;
}

static PyObject *classifier_saliency(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[8] = {{"bBf", 2, 0}, {"bBf", 1, 0}, {"?", 1, 0}, {"d", 1, 0},
                                     {"f", 2, 0},  {"f", 4, 0},  {"f", 3, 1}, {"f", 2, 1}};
    PyObject *objects[8], *result = NULL;
    Py_buffer views[8] = {{0}};
    const Py_buffer *activations = &views[0], *maxima = &views[1], *positive = &views[2], *log_probabilities = &views[3],
                    *dense = &views[4], *kernels = &views[5], *gradient = &views[6], *saliency = &views[7];
    double entropy;
    Py_ssize_t above, before;
    int32_t *memory = NULL;
    Top top;
    if (!PyArg_ParseTuple(arguments, "OOOOdOO(nn)(nn)OO", &objects[0], &objects[1], &objects[2], &objects[3], &entropy,
                          &objects[4], &objects[5], &top.stride_down, &top.stride_right, &above, &before, &objects[6],
                          &objects[7]))
        return NULL;
    if (get_arrays(8, objects, views, wanted) < 0)
        goto done;
    Py_ssize_t down = gradient->shape[0] - kernels->shape[1], right = gradient->shape[1] - kernels->shape[2];
    top.windows = activations->shape[0];
    top.filters = activations->shape[1];
    if (maxima->shape[0] != top.filters || positive->shape[0] != top.filters || dense->shape[0] != top.filters ||
        kernels->shape[0] != top.filters || *activations->format != *maxima->format ||
        dense->shape[1] != log_probabilities->shape[0] || kernels->shape[3] != gradient->shape[2] || down < 0 || right < 0 ||
        top.stride_down < 1 || top.stride_right < 1 || above < 0 || before < 0 ||
        top.windows != (down / top.stride_down + 1) * (right / top.stride_right + 1) ||
        gradient->shape[0] < above + saliency->shape[0] || gradient->shape[1] < before + saliency->shape[1]) {
        misfit();
        goto done;
    }
    memory = PyMem_Calloc(2 * top.filters + top.windows + top.windows * top.filters, sizeof *memory);
    if (!memory) {
        PyErr_NoMemory();
        goto done;
    }
    top.windows_wide = right / top.stride_right + 1;
    top.height = kernels->shape[1];
    top.width = kernels->shape[2];
    top.depth = kernels->shape[3];
    top.gradient_width = gradient->shape[1];
    top.activations = activations->buf;
    top.maxima = maxima->buf;
    top.kernels = kernels->buf;
    top.gradient = gradient->buf;
    top.of_filters = (float *)memory;
    top.counts = memory + top.filters;
    top.ends = top.counts + top.filters;
    top.at_max = top.ends + top.windows;
    to_filters(positive, log_probabilities, entropy, dense, top.of_filters);
    BY_TYPE(find_maxima, activations, &top);
    for (Py_ssize_t i = 0; i < top.filters; i++)
        if (top.counts[i])
            top.of_filters[i] /= top.counts[i];
    memset(gradient->buf, 0, gradient->len);
    for (Py_ssize_t i = 0; i < top.windows; i++)
        spread(&top, i, top.at_max + (i ? top.ends[i - 1] : 0), top.at_max + top.ends[i]);
    for (Py_ssize_t i = 0; i < saliency->shape[0]; i++)
        for (Py_ssize_t j = 0; j < saliency->shape[1]; j++)
            ((float *)saliency->buf)[i * saliency->shape[1] + j] =
                norm(top.gradient + ((i + above) * top.gradient_width + j + before) * top.depth, top.depth);
    result = Py_NewRef(Py_None);
done:
    PyMem_Free(memory);
    release_arrays(8, views);
    return result;
}

/* The indices of the k greatest values, the greatest first, and of equal ones the first first. */
static void select_greatest(const float *values, Py_ssize_t count, Py_ssize_t *selected, Py_ssize_t k)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t place = i < k ? i : k;
        for (; place > 0 && values[i] > values[selected[place - 1]]; place--)
            if (place < k)
                selected[place] = selected[place - 1];
        if (place < k)
            selected[place] = i;
    }
}

static PyObject *select_cells(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[2] = {{"f", 2, 0}, {"lq", 2, 1}};
    PyObject *objects[2], *result = NULL;
    Py_buffer views[2] = {{0}};
    const Py_buffer *saliency = &views[0], *cells = &views[1];
    if (!PyArg_ParseTuple(arguments, "OO", &objects[0], &objects[1]))
        return NULL;
    if (get_arrays(2, objects, views, wanted) == 0) {
        Py_ssize_t count = saliency->shape[0] * saliency->shape[1], k = cells->shape[0], *to = cells->buf;
        if (k <= count && cells->shape[1] == 2 && cells->itemsize == sizeof *to) {
            Py_ssize_t *selected = to + k; /* the second half: each is read before it is overwritten */
            select_greatest(saliency->buf, count, selected, k);
            for (Py_ssize_t i = 0; i < k; i++) {
                Py_ssize_t cell = selected[i];
                to[2 * i] = cell / saliency->shape[1];
                to[2 * i + 1] = cell % saliency->shape[1];
            }
            result = Py_NewRef(Py_None);
        } else
            misfit();
    }
    release_arrays(2, views);
    return result;
}

static PyMethodDef methods[] = {{"classify", classify, METH_VARARGS, NULL},
                                {"classifier_saliency", classifier_saliency, METH_VARARGS, NULL},
                                {"select_cells", select_cells, METH_VARARGS, NULL},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "edge._compiled", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit__compiled(void)
{
    return PyModule_Create(&module);
}
