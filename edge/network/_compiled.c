/* Computes and copies what lies between the models, in C. saliency.py, patches.py and assembly.py beside this file say
   the same in NumPy; here no array and no call stands between any two sums. compiled.py documents the arguments. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "bytes are compared as in numbers of which the lowest byte comes first"
#endif

/* Sizes and places are at most this, so that no sum or product of two of them overflows. */
#define MOST INT32_MAX

/* Whether numbers are sizes or places that can be computed with. */
static int are_small(Py_ssize_t count, const Py_ssize_t *numbers)
{
    for (Py_ssize_t i = 0; i < count; i++)
        if (numbers[i] < -(Py_ssize_t)MOST || numbers[i] > MOST)
            return 0;
    return 1;
}
#define ARE_SMALL(...)                                                                                                \
    are_small(sizeof((Py_ssize_t[]){__VA_ARGS__}) / sizeof(Py_ssize_t), (Py_ssize_t[]){__VA_ARGS__})

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
        if (!are_small(views[i].ndim, views[i].shape)) { /* an array without values may be as long as it likes */
            PyErr_Format(PyExc_ValueError, "array %d is too large", i);
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

/* Writes an image's pixels into a canvas, less 128: as bytes of a sign, with the high bit turned over. */
static PyObject *put_pixels(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[2] = {{"B", 3, 0}, {"b", 3, 1}};
    PyObject *objects[2], *result = NULL;
    Py_buffer views[2] = {{0}};
    const Py_buffer *pixels = &views[0], *canvas = &views[1];
    Py_ssize_t above, before;
    if (!PyArg_ParseTuple(arguments, "OO(nn)", &objects[0], &objects[1], &above, &before))
        return NULL;
    if (get_arrays(2, objects, views, wanted) == 0) {
        Py_ssize_t rows = pixels->shape[0], row = pixels->shape[1] * pixels->shape[2], depth = canvas->shape[2];
        Py_ssize_t step = canvas->shape[1] * depth;
        if (ARE_SMALL(above, before) && above >= 0 && before >= 0 && above + rows <= canvas->shape[0] && pixels->shape[2] == depth &&
            before + pixels->shape[1] <= canvas->shape[1]) {
            const uint8_t *from = pixels->buf;
            uint8_t *restrict to = (uint8_t *)canvas->buf + above * step + before * depth;
            for (; rows > 0; rows--, from += row, to += step)
                for (Py_ssize_t i = 0; i < row; i++)
                    to[i] = from[i] ^ 0x80;
            result = Py_NewRef(Py_None);
        } else
            misfit();
    }
    release_arrays(2, views);
    return result;
}

/* The greatest activation of each filter, of sixteen filters at a time, which stay in registers; and one as a number. */
#define MAXIMA(TYPE)                                                                                                  \
    static inline __attribute__((always_inline)) void maxima_of_##TYPE(const TYPE *row, TYPE *restrict maxima,        \
                                                                       Py_ssize_t windows, Py_ssize_t filters,        \
                                                                       Py_ssize_t count)                              \
    {                                                                                                                 \
        TYPE greatest[16];                                                                                            \
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
        for (; filter + 16 <= filters; filter += 16)                                                                  \
            maxima_of_##TYPE(row + filter, greatest + filter, windows, filters, 16);                                  \
        maxima_of_##TYPE(row + filter, greatest + filter, windows, filters, filters - filter);                        \
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
    static const Wanted wanted[4] = {{"bBf", 2, 0}, {"d", 1, 0}, {"bBf", 1, 1}, {"d", 1, 1}};
    PyObject *objects[4], *result = NULL;
    Py_buffer views[4] = {{0}};
    const Py_buffer *activations = &views[0], *weights = &views[1], *maxima = &views[2], *log_probabilities = &views[3];
    if (!PyArg_ParseTuple(arguments, "OOOO", &objects[0], &objects[1], &objects[2], &objects[3]))
        return NULL;
    if (get_arrays(4, objects, views, wanted) == 0) {
        Py_ssize_t filters = maxima->shape[0], classes = log_probabilities->shape[0];
        if (activations->shape[0] > 0 && activations->shape[1] == filters && *activations->format == *maxima->format &&
            classes > 0 && weights->shape[0] == filters * (2 + classes) + classes) {
            double *logits = log_probabilities->buf;
            const double *gain = weights->buf, *offset = gain + filters, *dense = offset + filters;
            BY_TYPE(maxima, activations, activations, maxima);
            memcpy(logits, dense + filters * classes, log_probabilities->len); /* the bias */
            for (Py_ssize_t i = 0; i < filters; i++, dense += classes) {
                double pooled = BY_TYPE(number, maxima, maxima, i) * gain[i] + offset[i];
                if (pooled > 0)
                    for (Py_ssize_t j = 0; j < classes; j++)
                        logits[j] += pooled * dense[j];
            }
            result = PyFloat_FromDouble(log_softmax(logits, classes));
        } else
            misfit();
    }
    release_arrays(4, views);
    return result;
}

#define BITS 64 /* of a word of a mask */
#define NONE (-1)

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
} Top;

/* The filters whose activation is their maximum, of those that are wanted; says whether there are any. Bytes are compared
   eight at once. */
static int equal_to_maxima_int8_t(const Top *top, Py_ssize_t window, const uint64_t *wanted, uint64_t *mask)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f), gather = UINT64_C(0x0102040810204080);
    const uint8_t *activations = (const uint8_t *)top->activations + window * top->filters, *maxima = top->maxima;
    uint64_t any = 0;
    for (Py_ssize_t word = 0, filter = 0; word < top->words; word++) {
        uint64_t equal = 0;
        int bit = 0;
        for (; bit < BITS && filter + 8 <= top->filters; bit += 8, filter += 8) {
            uint64_t some, greatest;
            memcpy(&some, activations + filter, 8);
            memcpy(&greatest, maxima + filter, 8);
            uint64_t differing = some ^ greatest;
            uint64_t same = ~(((differing & low) + low) | differing | low); /* the high bit of each byte that is 0 */
            equal |= ((same >> 7) * gather >> 56) << bit;
        }
        for (; bit < BITS && filter < top->filters; bit++, filter++)
            equal |= (uint64_t)(activations[filter] == maxima[filter]) << bit;
        any |= mask[word] = equal & wanted[word];
    }
    return any != 0;
}
#define equal_to_maxima_uint8_t equal_to_maxima_int8_t

static int equal_to_maxima_float(const Top *top, Py_ssize_t window, const uint64_t *wanted, uint64_t *mask)
{
    const float *activations = (const float *)top->activations + window * top->filters, *maxima = top->maxima;
    uint64_t any = 0;
    for (Py_ssize_t word = 0, filter = 0; word < top->words; word++) {
        uint64_t equal = 0;
        for (int bit = 0; bit < BITS && filter < top->filters; bit++, filter++)
            equal |= (uint64_t)(activations[filter] == maxima[filter]) << bit;
        any |= mask[word] = equal & wanted[word];
    }
    return any != 0;
}

/* Whether two masks hold the same filters. */
static inline int equal_masks(const uint64_t *one, const uint64_t *other, Py_ssize_t words)
{
    uint64_t differing = 0;
    for (Py_ssize_t word = 0; word < words; word++)
        differing |= one[word] ^ other[word];
    return !differing;
}

/* Adds a window to its pattern, whose mask is behind those of the patterns that are known. */
static void add_to_pattern(Top *top, Py_ssize_t window)
{
    const uint64_t *mask = top->masks + top->patterns * top->words;
    Py_ssize_t pattern = 0;
    while (!equal_masks(top->masks + pattern * top->words, mask, top->words))
        pattern++;
    if (pattern == top->patterns)
        top->newest[top->patterns++] = NONE;
    top->older[window] = top->newest[pattern];
    top->newest[pattern] = (int32_t)window;
}

/* Lists the filters of each pattern, and divides their gradients among the windows that have the maximum. */
static void list_filters(Top *top, int32_t *counts)
{
    int32_t end = top->begins[0] = 0;
    memset(counts, 0, top->filters * sizeof *counts);
    for (Py_ssize_t pattern = 0; pattern < top->patterns; pattern++) {
        int32_t windows = 0;
        for (Py_ssize_t word = 0; word < top->words; word++)
            for (uint64_t mask = top->masks[pattern * top->words + word]; mask; mask &= mask - 1)
                top->at_max[end++] = (int32_t)(word * BITS + __builtin_ctzll(mask));
        for (int32_t window = top->newest[pattern]; window != NONE; window = top->older[window])
            windows++;
        for (int32_t i = top->begins[pattern]; i < end; i++)
            counts[top->at_max[i]] += windows;
        top->begins[pattern + 1] = end;
    }
    for (Py_ssize_t filter = 0; filter < top->filters; filter++)
        if (counts[filter])
            top->of_filters[filter] /= counts[filter];
}

/* One float of what add_NAME adds. */
static void add_one(const Top *top, float *gradient, const float *kernels, Py_ssize_t pattern)
{
    float sum = 0;
    for (int32_t i = top->begins[pattern]; i < top->begins[pattern + 1]; i++)
        sum += top->of_filters[top->at_max[i]] * kernels[top->at_max[i] * top->width * top->depth];
    for (int32_t window = top->newest[pattern]; window != NONE; window = top->older[window])
        gradient[top->first_cells[window]] += sum;
}

/* spread_NAME hands the gradients of all patterns on to their windows' cells, and add_NAME is its inner loop: it sums the
   weighted kernels of some filters in COUNT vectors of SIZE bytes, which stay in registers, and adds them to every window. A
   row of the kernels is done with before the next is begun: those of all filters together are as much as a small cache holds. */
#define SPREAD(NAME, ATTRIBUTE, SIZE, MOST)                                                                           \
    typedef float Vector_##NAME __attribute__((vector_size(SIZE), aligned(4), may_alias));                            \
    static inline __attribute__((always_inline)) ATTRIBUTE void add_##NAME(                                           \
        const Top *top, float *gradient, const float *kernels, Py_ssize_t pattern, int count)                         \
    {                                                                                                                 \
        Vector_##NAME parts[MOST] = {{0}};                                                                            \
        for (int32_t i = top->begins[pattern]; i < top->begins[pattern + 1]; i++) {                                   \
            int32_t filter = top->at_max[i];                                                                          \
            const Vector_##NAME *kernel = (const Vector_##NAME *)(kernels + filter * top->width * top->depth);        \
            float weight = top->of_filters[filter];                                                                   \
            _Pragma("GCC unroll 32")                                                                                  \
            for (int j = 0; j < count; j++)                                                                           \
                parts[j] += weight * kernel[j];                                                                       \
        }                                                                                                             \
        for (int32_t window = top->newest[pattern]; window != NONE; window = top->older[window]) {                    \
            Vector_##NAME *to = (Vector_##NAME *)(gradient + top->first_cells[window]);                               \
            _Pragma("GCC unroll 32")                                                                                  \
            for (int i = 0; i < count; i++)                                                                           \
                to[i] += parts[i];                                                                                    \
        }                                                                                                             \
    }                                                                                                                 \
    static ATTRIBUTE void spread_##NAME(const Top *top)                                                               \
    {                                                                                                                 \
        const Py_ssize_t one = SIZE / sizeof(float), most = MOST * one, run = top->width * top->depth;                \
        for (Py_ssize_t i = 0; i < top->height; i++)                                                                  \
            for (Py_ssize_t pattern = 0; pattern < top->patterns; pattern++) {                                        \
                const float *kernels = top->kernels + i * top->filters * run;                                         \
                float *gradient = top->gradient + i * top->gradient_width * top->depth;                               \
                Py_ssize_t left = run;                                                                                \
                for (; left >= most; left -= most, gradient += most, kernels += most)                                 \
                    add_##NAME(top, gradient, kernels, pattern, MOST);                                                \
                for (; left >= one; left -= one, gradient += one, kernels += one)                                     \
                    add_##NAME(top, gradient, kernels, pattern, 1);                                                   \
                for (; left > 0; left--, gradient++, kernels++)                                                       \
                    add_one(top, gradient, kernels, pattern);                                                         \
            }                                                                                                         \
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
    Py_ssize_t down, right; /* strides */
    uint64_t *memory = NULL;
    Top top = {0};
    if (!PyArg_ParseTuple(arguments, "OOOOdOO(nn)(nn)OO", &objects[0], &objects[1], &objects[2], &objects[3], &entropy,
                          &objects[4], &objects[5], &down, &right, &above, &before, &objects[6], &objects[7]))
        return NULL;
    if (get_arrays(8, objects, views, wanted) < 0)
        goto done;
    Py_ssize_t room_down = gradient->shape[0] - kernels->shape[0], room_right = gradient->shape[1] - kernels->shape[2];
    top.windows = activations->shape[0];
    top.filters = activations->shape[1];
    if (!ARE_SMALL(down, right, above, before) || gradient->len / 4 > MOST || activations->len > MOST || maxima->shape[0] != top.filters || positive->shape[0] != top.filters || dense->shape[0] != top.filters ||
        kernels->shape[1] != top.filters || *activations->format != *maxima->format ||
        dense->shape[1] != log_probabilities->shape[0] || kernels->shape[3] != gradient->shape[2] || room_down < 0 ||
        room_right < 0 || down < 1 || right < 1 || above < 0 || before < 0 ||
        top.windows != (room_down / down + 1) * (room_right / right + 1) ||
        gradient->shape[0] < above + saliency->shape[0] || gradient->shape[1] < before + saliency->shape[1]) {
        misfit();
        goto done;
    }
    top.words = (top.filters + BITS - 1) / BITS;
    Py_ssize_t of_masks = (top.windows + 2) * top.words;
    memory = PyMem_Malloc(of_masks * sizeof(uint64_t) +
                          (2 * top.filters + 4 * top.windows + 1 + top.windows * top.filters) * sizeof(int32_t));
    if (!memory) {
        PyErr_NoMemory();
        goto done;
    }
    top.height = kernels->shape[0];
    top.width = kernels->shape[2];
    top.depth = kernels->shape[3];
    top.gradient_width = gradient->shape[1];
    top.activations = activations->buf;
    top.maxima = maxima->buf;
    top.kernels = kernels->buf;
    top.gradient = gradient->buf;
    uint64_t *passing = memory; /* filters that pass a gradient on */
    top.masks = passing + top.words;
    int32_t *counts = (int32_t *)(memory + of_masks);
    top.of_filters = (float *)(counts + top.filters);
    top.first_cells = counts + 2 * top.filters;
    top.newest = top.first_cells + top.windows;
    top.older = top.newest + top.windows;
    top.begins = top.older + top.windows;
    top.at_max = top.begins + top.windows + 1;
    to_filters(positive, log_probabilities, entropy, dense, top.of_filters);
    memset(passing, 0, top.words * sizeof *passing);
    for (Py_ssize_t i = 0; i < top.filters; i++)
        passing[i / BITS] |= (uint64_t)(top.of_filters[i] != 0) << i % BITS;
    for (Py_ssize_t window = 0, row = 0; window < top.windows; row += down)
        for (Py_ssize_t column = 0; column <= room_right; column += right, window++) {
            top.first_cells[window] = (int32_t)((row * top.gradient_width + column) * top.depth);
            if (BY_TYPE(equal_to_maxima, activations, &top, window, passing, top.masks + top.patterns * top.words))
                add_to_pattern(&top, window);
        }
    list_filters(&top, counts);
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

/* Where windows lie on a canvas, and which of their pixels go into each group of an output. */
typedef struct {
    size_t pixel, row;            /* bytes of the canvas */
    Py_ssize_t height, width;     /* of a window, in pixels */
    Py_ssize_t high, wide;        /* groups of the output */
    Py_ssize_t rows, length;      /* of a group, in pixels */
    Py_ssize_t above, before;     /* margins of a window */
    Py_ssize_t down, right;       /* distance of groups, in pixels */
} Cut;

/* Copies groups of a row of the output that lie in a window with all of their pixels. */
static inline __attribute__((always_inline)) void copy_groups(const Cut *cut, char *restrict to, const char *restrict from,
                                                              Py_ssize_t count, Py_ssize_t rows, size_t size)
{
    size_t step = cut->right * cut->pixel, row = cut->row;
    for (; count > 0; count--, from += step, to += rows * size)
        _Pragma("GCC unroll 8")
        for (Py_ssize_t i = 0; i < rows; i++)
            memcpy(to + i * size, from + i * row, size);
}

/* Copies of a group the pixels that lie in a window. */
static void copy_part(const Cut *cut, const char *window, char *to, Py_ssize_t row, Py_ssize_t column)
{
    Py_ssize_t end = column + cut->length;
    Py_ssize_t from = column > 0 ? column : 0, until = end < cut->width ? end : cut->width;
    for (Py_ssize_t i = 0; i < cut->rows && from < until; i++, row++)
        if (row >= 0 && row < cut->height)
            memcpy(to + (i * cut->length + from - column) * cut->pixel, window + row * cut->row + from * cut->pixel,
                   (until - from) * cut->pixel);
}

/* The groups of a dimension, from begin to end, that lie in a window with all of their pixels. */
static void whole_groups(Py_ssize_t groups, Py_ssize_t size, Py_ssize_t pixels, Py_ssize_t margin, Py_ssize_t step,
                         Py_ssize_t *begin, Py_ssize_t *end)
{
    Py_ssize_t room = pixels + margin - size, first = (margin + step - 1) / step, last = room < 0 ? 0 : room / step + 1;
    *begin = first < groups ? first : groups;
    *end = last < *begin ? *begin : last < groups ? last : groups;
}

static void cut_window(const Cut *cut, const char *window, char *to)
{
    size_t size = cut->length * cut->pixel, group = cut->rows * size;
    Py_ssize_t top, bottom, left, right;
    whole_groups(cut->high, cut->rows, cut->height, cut->above, cut->down, &top, &bottom);
    whole_groups(cut->wide, cut->length, cut->width, cut->before, cut->right, &left, &right);
    for (Py_ssize_t i = 0; i < cut->high; i++, to += cut->wide * group) {
        Py_ssize_t row = i * cut->down - cut->above;
        Py_ssize_t begin = i < top || i >= bottom ? cut->wide : left, end = begin < right ? right : begin;
        for (Py_ssize_t j = 0; j < begin; j++)
            copy_part(cut, window, to + j * group, row, j * cut->right - cut->before);
        char *whole = to + begin * group;
        const char *from = window;
        if (begin < end)
            from += row * (Py_ssize_t)cut->row + (begin * cut->right - cut->before) * (Py_ssize_t)cut->pixel;
#define COPY(ROWS, SIZE)                                                                                              \
    else if (cut->rows == ROWS && size == SIZE)                                                                       \
        copy_groups(cut, whole, from, end - begin, ROWS, SIZE);
        if (begin == end)
            ;
        COPY(3, 4) COPY(3, 8) COPY(3, 12) COPY(3, 16) COPY(5, 8) COPY(5, 24) COPY(7, 8) COPY(7, 32) /* in one piece */
        else
            copy_groups(cut, whole, from, end - begin, cut->rows, size);
        for (Py_ssize_t j = end; j < cut->wide; j++)
            copy_part(cut, window, to + j * group, row, j * cut->right - cut->before);
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
    if (!PyArg_ParseTuple(arguments, "OO(nn)(nn)(nn)(nn)(nn)(nn)O", &objects[0], &objects[1], &first_row, &first_column,
                          &down, &right, &cut.height, &cut.width, &cut.above, &cut.before, &cut.rows, &cut.length,
                          &cut.down, &cut.right, &objects[2]))
        return NULL;
    if (get_arrays(3, objects, views, wanted) < 0)
        goto done;
    const Py_ssize_t *place = places->buf, count = places->shape[0], depth = canvas->shape[2];
    cut.pixel = depth * canvas->itemsize;
    cut.row = canvas->shape[1] * cut.pixel;
    cut.high = out->shape[1];
    cut.wide = out->shape[2];
    int fit = ARE_SMALL(first_row, first_column, down, right, cut.height, cut.width, cut.above, cut.before, cut.rows,
                        cut.length, cut.down, cut.right) &&
              *canvas->format == *out->format && out->shape[0] == count && places->shape[1] == 2 &&
              places->itemsize == sizeof *place && are_small(2 * count, place) && cut.rows > 0 && cut.length > 0 && cut.above >= 0 && cut.before >= 0 &&
              cut.down > 0 && cut.right > 0 && cut.height > 0 && cut.width > 0 && cut.rows * cut.length <= MOST &&
              out->shape[3] == cut.rows * cut.length * depth;
    for (Py_ssize_t i = 0; fit && i < count; i++) {
        Py_ssize_t row = first_row + place[2 * i] * down, column = first_column + place[2 * i + 1] * right;
        fit = row >= 0 && column >= 0 && row + cut.height <= canvas->shape[0] && column + cut.width <= canvas->shape[1];
    }
    if (fit) {
        size_t size = count ? out->len / count : 0;
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
    int fit = ARE_SMALL(above, before, down, right, step) && type == *fine->format && type == *canvas->format && type == *cut->format && fine->shape[0] == k && k > 0 &&
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

static PyMethodDef methods[] = {{"put_pixels", put_pixels, METH_VARARGS, NULL},
                                {"classify", classify, METH_VARARGS, NULL},
                                {"classifier_saliency", classifier_saliency, METH_VARARGS, NULL},
                                {"select_cells", select_cells, METH_VARARGS, NULL},
                                {"cut", cut, METH_VARARGS, NULL},
                                {"assemble", assemble, METH_VARARGS, NULL},
                                {"put_rows", put_rows, METH_VARARGS, NULL},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "edge.network._compiled", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit__compiled(void)
{
    return PyModule_Create(&module);
}
