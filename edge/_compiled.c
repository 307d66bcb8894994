/* What is computed and copied between the models, in C: what edge.saliency, edge.patches and edge.assembly say in NumPy, without
   an array and a call between any two sums. edge.compiled documents the arguments. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "bytes are compared as in numbers of which the lowest byte comes first"
#endif

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
    const float *kernels; /* [height, filters, width, depth] */
    float *gradient;      /* [., gradient_width, depth], dH/dcells */
    float *of_filters;    /* dH/dmax of each filter, and then the share of each window that has the maximum */
    int32_t *counts;      /* of windows that have the maximum of each filter */
    int32_t *at_max;      /* the filters that have their maximum in the first window, in the second, ... */
    int32_t *ends;        /* where those of each window end */
} Top;

/* Notes that a filter has its maximum in a window; one that no gradient reaches is left out. */
static inline int32_t note_maximum(const Top *top, Py_ssize_t filter, int32_t end)
{
    top->at_max[end] = (int32_t)filter;
    int counts = top->of_filters[filter] != 0;
    top->counts[filter] += counts;
    return end + counts;
}

/* Lists the filters that have their maximum in each window, activations being bytes: eight of them are compared at once. */
static void find_maxima_int8_t(const Top *top)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    const uint8_t *activations = top->activations, *maxima = top->maxima;
    int32_t end = 0;
    for (Py_ssize_t window = 0; window < top->windows; window++, activations += top->filters) {
        Py_ssize_t filter = 0;
        for (; filter + 8 <= top->filters; filter += 8) {
            uint64_t some, greatest;
            memcpy(&some, activations + filter, 8);
            memcpy(&greatest, maxima + filter, 8);
            uint64_t differing = some ^ greatest;
            uint64_t equal = ~(((differing & low) + low) | differing | low); /* the high bit of each byte that is 0 */
            for (; equal; equal &= equal - 1)
                end = note_maximum(top, filter + __builtin_ctzll(equal) / 8, end);
        }
        for (; filter < top->filters; filter++)
            if (activations[filter] == maxima[filter])
                end = note_maximum(top, filter, end);
        top->ends[window] = end;
    }
}
#define find_maxima_uint8_t find_maxima_int8_t

static void find_maxima_float(const Top *top)
{
    const float *activations = top->activations, *maxima = top->maxima;
    int32_t end = 0;
    for (Py_ssize_t window = 0; window < top->windows; window++, activations += top->filters) {
        for (Py_ssize_t filter = 0; filter < top->filters; filter++)
            if (activations[filter] == maxima[filter])
                end = note_maximum(top, filter, end);
        top->ends[window] = end;
    }
}

/* spread_NAME hands the gradients of all windows on to their cells, and add_NAME is its inner loop: it adds the weighted
   kernels of some filters to COUNT vectors of SIZE bytes, which stay in registers meanwhile. A row of the kernels is done with
   before the next is begun: those of all filters together are as much as a small cache holds. */
#define SPREAD(NAME, ATTRIBUTE, SIZE, MOST)                                                                           \
    typedef float Vector_##NAME __attribute__((vector_size(SIZE), aligned(4), may_alias));                            \
    static inline __attribute__((always_inline)) ATTRIBUTE void add_##NAME(                                           \
        const Top *top, float *sums, const float *kernels, const int32_t *filters, const int32_t *end, int count)     \
    {                                                                                                                 \
        Vector_##NAME parts[MOST], *to = (Vector_##NAME *)sums;                                                       \
        Py_ssize_t run = top->width * top->depth;                                                                     \
        _Pragma("GCC unroll 32")                                                                                      \
        for (int i = 0; i < count; i++)                                                                               \
            parts[i] = to[i];                                                                                         \
        for (; filters < end; filters++) {                                                                            \
            const Vector_##NAME *kernel = (const Vector_##NAME *)(kernels + *filters * run);                          \
            float weight = top->of_filters[*filters];                                                                 \
            _Pragma("GCC unroll 32")                                                                                  \
            for (int i = 0; i < count; i++)                                                                           \
                parts[i] += weight * kernel[i];                                                                       \
        }                                                                                                             \
        _Pragma("GCC unroll 32")                                                                                      \
        for (int i = 0; i < count; i++)                                                                               \
            to[i] = parts[i];                                                                                         \
    }                                                                                                                 \
    static ATTRIBUTE void spread_##NAME(const Top *top)                                                               \
    {                                                                                                                 \
        const Py_ssize_t one = SIZE / sizeof(float), most = MOST * one;                                               \
        Py_ssize_t run = top->width * top->depth, row = top->gradient_width * top->depth;                             \
        for (Py_ssize_t i = 0; i < top->height; i++) {                                                                \
            const int32_t *filters = top->at_max;                                                                     \
            for (Py_ssize_t window = 0; window < top->windows; window++) {                                            \
                const int32_t *end = top->at_max + top->ends[window];                                                 \
                const float *kernels = top->kernels + i * top->filters * run;                                         \
                float *cells = top->gradient + (window / top->windows_wide * top->stride_down + i) * row +            \
                               window % top->windows_wide * top->stride_right * top->depth;                           \
                Py_ssize_t left = run;                                                                                \
                for (; left >= most; left -= most, cells += most, kernels += most)                                    \
                    add_##NAME(top, cells, kernels, filters, end, MOST);                                              \
                for (; left >= one; left -= one, cells += one, kernels += one)                                        \
                    add_##NAME(top, cells, kernels, filters, end, 1);                                                 \
                for (; left > 0; left--, cells++, kernels++)                                                          \
                    for (const int32_t *filter = filters; filter < end; filter++)                                     \
                        *cells += top->of_filters[*filter] * kernels[*filter * run];                                  \
                filters = end;                                                                                        \
            }                                                                                                         \
        }                                                                                                             \
    }
#ifdef __x86_64__ /* every one has SSE2, most have AVX2, and what runs is chosen by what the processor has */
SPREAD(sse2, , 16, 8)
SPREAD(avx2, __attribute__((target("avx2,fma"))), 32, 12)
#define SPREAD_HERE(TOP) (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? spread_avx2(TOP) : spread_sse2(TOP))
#else
SPREAD(simd, , 16, 24)
#define SPREAD_HERE(TOP) spread_simd(TOP)
#endif

/* The sum of squares, as four sums side by side. */
static float squares(const float *values, Py_ssize_t count)
{
    float sums[4] = {0, 0, 0, 0};
    Py_ssize_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (int j = 0; j < 4; j++)
            sums[j] += values[i + j] * values[i + j];
    for (; i < count; i++)
        sums[0] += values[i] * values[i];
    return (sums[0] + sums[2]) + (sums[1] + sums[3]);
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
    Py_ssize_t down = gradient->shape[0] - kernels->shape[0], right = gradient->shape[1] - kernels->shape[2];
    top.windows = activations->shape[0];
    top.filters = activations->shape[1];
    if (maxima->shape[0] != top.filters || positive->shape[0] != top.filters || dense->shape[0] != top.filters ||
        kernels->shape[1] != top.filters || *activations->format != *maxima->format ||
        dense->shape[1] != log_probabilities->shape[0] || kernels->shape[3] != gradient->shape[2] || down < 0 || right < 0 ||
        top.stride_down < 1 || top.stride_right < 1 || above < 0 || before < 0 ||
        top.windows != (down / top.stride_down + 1) * (right / top.stride_right + 1) ||
        gradient->shape[0] < above + saliency->shape[0] || gradient->shape[1] < before + saliency->shape[1]) {
        misfit();
        goto done;
    }
    memory = PyMem_Malloc((2 * top.filters + top.windows + top.windows * top.filters + 1) * sizeof *memory);
    if (!memory) {
        PyErr_NoMemory();
        goto done;
    }
    top.windows_wide = right / top.stride_right + 1;
    top.height = kernels->shape[0];
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
    memset(top.counts, 0, top.filters * sizeof *top.counts);
    to_filters(positive, log_probabilities, entropy, dense, top.of_filters);
    BY_TYPE(find_maxima, activations, &top);
    for (Py_ssize_t i = 0; i < top.filters; i++)
        if (top.counts[i])
            top.of_filters[i] /= top.counts[i];
    memset(gradient->buf, 0, gradient->len);
    SPREAD_HERE(&top);
    float *norms = saliency->buf;
    for (Py_ssize_t i = 0; i < saliency->shape[0]; i++)
        for (Py_ssize_t j = 0; j < saliency->shape[1]; j++)
            norms[i * saliency->shape[1] + j] =
                squares(top.gradient + ((i + above) * top.gradient_width + j + before) * top.depth, top.depth);
    for (Py_ssize_t i = 0; i < saliency->shape[0] * saliency->shape[1]; i++)
        norms[i] = sqrtf(norms[i]);
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

/* Where windows lie on a canvas, and what of their rows goes into each group of an output. */
typedef struct {
    size_t pixel, row;                /* bytes of the canvas */
    Py_ssize_t height, width;         /* of a window, in pixels */
    Py_ssize_t groups, length;        /* of a row of the output; a group holds so many pixels */
    Py_ssize_t above, before, step;   /* margins of a window, and the distance of groups */
} Cut;

/* Copies groups that lie in a window's row with all of their pixels. */
static inline __attribute__((always_inline)) void copy_groups(char *to, const char *from, Py_ssize_t count, size_t step,
                                                              size_t size)
{
    for (; count > 0; count--, to += size, from += step)
        memcpy(to, from, size);
}

/* Copies of a group the pixels that lie in a window's row. */
static void copy_part(const Cut *cut, const char *row, char *to, Py_ssize_t group)
{
    Py_ssize_t begin = group * cut->step - cut->before, end = begin + cut->length;
    Py_ssize_t from = begin > 0 ? begin : 0, until = end < cut->width ? end : cut->width;
    if (from < until)
        memcpy(to + group * cut->length * cut->pixel + (from - begin) * cut->pixel, row + from * cut->pixel,
               (until - from) * cut->pixel);
}

static void cut_window(const Cut *cut, const char *row, char *to)
{
    size_t size = cut->length * cut->pixel, step = cut->step * cut->pixel;
    Py_ssize_t begin = (cut->before + cut->step - 1) / cut->step, room = cut->width + cut->before - cut->length;
    Py_ssize_t end = room < 0 ? 0 : room / cut->step + 1; /* groups from begin to end have all of their pixels */
    begin = begin < cut->groups ? begin : cut->groups;
    end = end < begin ? begin : end < cut->groups ? end : cut->groups;
    to += cut->above * cut->groups * size;
    for (Py_ssize_t i = 0; i < cut->height; i++, row += cut->row, to += cut->groups * size) {
        for (Py_ssize_t group = 0; group < begin; group++)
            copy_part(cut, row, to, group);
        char *whole = to + begin * size;
        const char *from = row + (begin * cut->step - cut->before) * cut->pixel;
        switch (size) { /* the usual sizes are named, to be copied in one piece */
        case 4: copy_groups(whole, from, end - begin, step, 4); break;
        case 8: copy_groups(whole, from, end - begin, step, 8); break;
        case 12: copy_groups(whole, from, end - begin, step, 12); break;
        case 16: copy_groups(whole, from, end - begin, step, 16); break;
        case 32: copy_groups(whole, from, end - begin, step, 32); break;
        default: copy_groups(whole, from, end - begin, step, size);
        }
        for (Py_ssize_t group = end; group < cut->groups; group++)
            copy_part(cut, row, to, group);
    }
}

static PyObject *cut(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[3] = {{"bBf", 3, 0}, {"lq", 2, 0}, {"bBf", 4, 1}};
    PyObject *objects[3], *result = NULL;
    Py_buffer views[3] = {{0}};
    const Py_buffer *canvas = &views[0], *places = &views[1], *out = &views[2];
    Py_ssize_t first_row, first_column, down, right;
    Cut cut;
    if (!PyArg_ParseTuple(arguments, "OO(nn)(nn)(nn)(nn)nO", &objects[0], &objects[1], &first_row, &first_column, &down,
                          &right, &cut.height, &cut.width, &cut.above, &cut.before, &cut.step, &objects[2]))
        return NULL;
    if (get_arrays(3, objects, views, wanted) < 0)
        goto done;
    const Py_ssize_t *place = places->buf, count = places->shape[0], depth = canvas->shape[2];
    cut.pixel = depth * canvas->itemsize;
    cut.row = canvas->shape[1] * cut.pixel;
    cut.groups = out->shape[2];
    int fit = *canvas->format == *out->format && out->shape[0] == count && places->shape[1] == 2 &&
              places->itemsize == sizeof *place && depth > 0 && out->shape[3] % depth == 0 && cut.above >= 0 &&
              cut.before >= 0 && cut.step > 0 && cut.height > 0 && cut.width > 0 &&
              cut.above + cut.height <= out->shape[1];
    cut.length = fit ? out->shape[3] / depth : 0;
    for (Py_ssize_t i = 0; fit && i < count; i++) {
        Py_ssize_t row = first_row + place[2 * i] * down, column = first_column + place[2 * i + 1] * right;
        fit = row >= 0 && column >= 0 && row + cut.height <= canvas->shape[0] && column + cut.width <= canvas->shape[1];
    }
    if (fit) {
        size_t size = out->shape[1] * cut.groups * out->shape[3] * out->itemsize;
        for (Py_ssize_t i = 0; i < count; i++) {
            Py_ssize_t row = first_row + place[2 * i] * down, column = first_column + place[2 * i + 1] * right;
            cut_window(&cut, (char *)canvas->buf + row * cut.row + column * cut.pixel, (char *)out->buf + i * size);
        }
        result = Py_NewRef(Py_None);
    } else
        misfit();
done:
    release_arrays(3, views);
    return result;
}

/* Lists the windows that hold one of the cells, in order; the last again and again until there are a multiple of step. */
static Py_ssize_t list_windows(const Py_buffer *cells, const Py_buffer *windows_of_cells, char *held, Py_ssize_t windows,
                               Py_ssize_t step, Py_ssize_t *indices)
{
    Py_ssize_t width = windows_of_cells->shape[1], most = windows_of_cells->shape[2], count = 0;
    for (Py_ssize_t i = 0; i < cells->shape[0]; i++) {
        const Py_ssize_t *cell = (const Py_ssize_t *)cells->buf + 2 * i;
        const int32_t *of_cell = (const int32_t *)windows_of_cells->buf + (cell[0] * width + cell[1]) * most;
        for (Py_ssize_t j = 0; j < most; j++)
            held[of_cell[j]] = 1;
    }
    for (Py_ssize_t window = 0; window < windows; window++)
        if (held[window])
            indices[count++] = window;
    for (; count % step; count++)
        indices[count] = indices[count - 1];
    return count;
}

static int in_range(const int32_t *values, Py_ssize_t count, Py_ssize_t end)
{
    for (Py_ssize_t i = 0; i < count; i++)
        if (values[i] < 0 || values[i] >= end)
            return 0;
    return 1;
}

static PyObject *assemble(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[7] = {{"bBf", 3, 0}, {"bBf", 2, 0}, {"lq", 2, 0}, {"i", 3, 0},
                                     {"bBf", 3, 1}, {"bBf", 4, 1}, {"lq", 1, 1}};
    PyObject *objects[7], *result = NULL;
    Py_buffer views[7] = {{0}};
    const Py_buffer *features = &views[0], *fine = &views[1], *cells = &views[2], *windows_of_cells = &views[3],
                    *canvas = &views[4], *cut = &views[5], *indices = &views[6];
    Py_ssize_t above, before, down, right, step;
    char *held = NULL;
    if (!PyArg_ParseTuple(arguments, "OOOOO(nn)(nn)nOO", &objects[0], &objects[1], &objects[2], &objects[3], &objects[4],
                          &above, &before, &down, &right, &step, &objects[5], &objects[6]))
        return NULL;
    if (get_arrays(7, objects, views, wanted) < 0)
        goto done;
    const Py_ssize_t *map = features->shape, *kernel = cut->shape + 1, depth = map[2], k = cells->shape[0];
    const char type = *features->format;
    const Py_ssize_t *cell = cells->buf;
    int fit = type == *fine->format && type == *canvas->format && type == *cut->format && fine->shape[0] == k && k > 0 &&
              fine->shape[1] == depth && canvas->shape[2] == depth && kernel[2] == depth && cells->shape[1] == 2 &&
              cells->itemsize == sizeof *cell && windows_of_cells->shape[0] == map[0] &&
              windows_of_cells->shape[1] == map[1] && above >= 0 && before >= 0 && down > 0 && right > 0 && step > 0 &&
              above + map[0] <= canvas->shape[0] && before + map[1] <= canvas->shape[1] && kernel[0] <= canvas->shape[0] &&
              kernel[1] <= canvas->shape[1] && cut->shape[0] == indices->shape[0];
    for (Py_ssize_t i = 0; fit && i < k; i++)
        fit = cell[2 * i] >= 0 && cell[2 * i] < map[0] && cell[2 * i + 1] >= 0 && cell[2 * i + 1] < map[1];
    Py_ssize_t wide = fit ? (canvas->shape[1] - kernel[1]) / right + 1 : 0;
    Py_ssize_t windows = fit ? ((canvas->shape[0] - kernel[0]) / down + 1) * wide : 0;
    if (!fit || indices->shape[0] < (windows + step - 1) / step * step ||
        !in_range(windows_of_cells->buf, windows_of_cells->len / 4, windows)) {
        misfit();
        goto done;
    }
    held = PyMem_Calloc(windows, 1);
    if (!held) {
        PyErr_NoMemory();
        goto done;
    }
    size_t vector = depth * canvas->itemsize, row = canvas->shape[1] * vector, part = kernel[1] * vector;
    char *first = (char *)canvas->buf + above * row + before * vector, *to = cut->buf;
    for (Py_ssize_t i = 0; i < map[0]; i++)
        memcpy(first + i * row, (char *)features->buf + i * map[1] * vector, map[1] * vector);
    for (Py_ssize_t i = 0; i < k; i++)
        memcpy(first + cell[2 * i] * row + cell[2 * i + 1] * vector, (char *)fine->buf + i * vector, vector);
    Py_ssize_t count = list_windows(cells, windows_of_cells, held, windows, step, indices->buf);
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t window = ((Py_ssize_t *)indices->buf)[i];
        const char *from = (char *)canvas->buf + window / wide * down * row + window % wide * right * vector;
        for (Py_ssize_t j = 0; j < kernel[0]; j++, to += part)
            memcpy(to, from + j * row, part);
    }
    result = PyLong_FromSsize_t(count);
done:
    PyMem_Free(held);
    release_arrays(7, views);
    return result;
}

static PyObject *put_rows(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[3] = {{"bBf", 2, 1}, {"lq", 1, 0}, {"bBf", 2, 0}};
    PyObject *objects[3], *result = NULL;
    Py_buffer views[3] = {{0}};
    const Py_buffer *into = &views[0], *indices = &views[1], *rows = &views[2];
    if (!PyArg_ParseTuple(arguments, "OOO", &objects[0], &objects[1], &objects[2]))
        return NULL;
    if (get_arrays(3, objects, views, wanted) == 0) {
        const Py_ssize_t *index = indices->buf, count = indices->shape[0];
        int fit = *into->format == *rows->format && into->shape[1] == rows->shape[1] && rows->shape[0] == count &&
                  indices->itemsize == sizeof *index;
        for (Py_ssize_t i = 0; fit && i < count; i++)
            fit = index[i] >= 0 && index[i] < into->shape[0];
        if (fit) {
            size_t row = into->shape[1] * into->itemsize;
            for (Py_ssize_t i = 0; i < count; i++)
                memcpy((char *)into->buf + index[i] * row, (char *)rows->buf + i * row, row);
            result = Py_NewRef(Py_None);
        } else
            misfit();
    }
    release_arrays(3, views);
    return result;
}

static PyMethodDef methods[] = {{"classify", classify, METH_VARARGS, NULL},
                                {"classifier_saliency", classifier_saliency, METH_VARARGS, NULL},
                                {"select_cells", select_cells, METH_VARARGS, NULL},
                                {"cut", cut, METH_VARARGS, NULL},
                                {"assemble", assemble, METH_VARARGS, NULL},
                                {"put_rows", put_rows, METH_VARARGS, NULL},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "edge._compiled", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit__compiled(void)
{
    return PyModule_Create(&module);
}
