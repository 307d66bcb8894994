/* Computes and copies what lies between the models, in C. saliency.py, patches.py and assembly.py beside this file say
   the same in NumPy; here no array and no call stands between any two sums. compiled.py documents the arguments. */

#include "c/arrays.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "c/clock.h"
#include "c/presence.h"
#include "c/resize.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "bytes are compared as in numbers of which the lowest byte comes first"
#endif

/* Keeps the compiler from moving reads and writes past here, where moved ones would have to be kept in memory meanwhile, or
   could no longer be paired. */
#define IN_ORDER __asm__ volatile("" ::: "memory")

/* Calls the function of a name for the type of an array of activations. */
#define BY_TYPE(NAME, ARRAY, ...)                                                                                     \
    (*(ARRAY)->format == 'b'   ? NAME##_int8_t(__VA_ARGS__)                                                           \
     : *(ARRAY)->format == 'B' ? NAME##_uint8_t(__VA_ARGS__)                                                          \
                               : NAME##_float(__VA_ARGS__))

static inline void turn_sixteen(const uint8_t *from, uint8_t *to)
{
    Bytes some;
    memcpy(&some, from, 16);
    some ^= 0x80;
    memcpy(to, &some, 16);
}

/* Writes an image's pixels, `row` bytes a row, into a canvas, less 128: as bytes of a sign, with the high bit turned over. */
static void turn_over(const uint8_t *from, Py_ssize_t rows, Py_ssize_t row, const Py_buffer *canvas, Py_ssize_t above,
                      Py_ssize_t before)
{
    Py_ssize_t depth = canvas->shape[2], step = canvas->shape[1] * depth;
    uint8_t *restrict to = (uint8_t *)canvas->buf + above * step + before * depth;
    for (; rows > 0; rows--, from += row, to += step) {
        Py_ssize_t i = 0;
        for (; i + 64 <= row; i += 64) {
            turn_sixteen(from + i, to + i);
            turn_sixteen(from + i + 16, to + i + 16);
            turn_sixteen(from + i + 32, to + i + 32);
            turn_sixteen(from + i + 48, to + i + 48);
        }
        for (; i + 16 <= row; i += 16)
            turn_sixteen(from + i, to + i);
        if (i < row && row >= 16)
            turn_sixteen(from + row - 16, to + row - 16); /* some of them again */
        else
            for (; i < row; i++)
                to[i] = from[i] ^ 0x80;
    }
}

/* Whether a canvas holds an image of that many rows and columns at a place. */
static int holds(const Py_buffer *canvas, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t above, Py_ssize_t before)
{
    return ARE_SMALL(above, before) && above >= 0 && before >= 0 && above + rows <= canvas->shape[0] &&
           before + columns <= canvas->shape[1];
}

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
        if (pixels->shape[2] == canvas->shape[2] && holds(canvas, pixels->shape[0], pixels->shape[1], above, before)) {
            turn_over(pixels->buf, pixels->shape[0], pixels->shape[1] * pixels->shape[2], canvas, above, before);
            result = Py_NewRef(Py_None);
        } else
            misfit();
    }
    release_arrays(2, views);
    return result;
}

/* The greatest activation of each filter, of 48 or 16 filters at a time, which stay in registers; and one as a number. */
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

static int fits_classifier(const Py_buffer *activations, const Py_buffer *weights, const Py_buffer *maxima, Py_ssize_t classes)
{
    Py_ssize_t filters = maxima->shape[0];
    return activations->shape[0] > 0 && activations->shape[1] == filters && *activations->format == *maxima->format &&
           classes > 0 && weights->shape[0] == filters * (2 + classes) + classes;
}

/* Fills in the maxima and the log-probabilities; returns the entropy. */
static double to_answer(const Py_buffer *activations, const Py_buffer *weights, const Py_buffer *maxima, double *logits,
                        Py_ssize_t classes)
{
    Py_ssize_t filters = maxima->shape[0];
    const double *gain = weights->buf, *offset = gain + filters, *dense = offset + filters;
    BY_TYPE(maxima, activations, activations, maxima);
    memcpy(logits, dense + filters * classes, classes * sizeof *logits); /* the bias */
    for (Py_ssize_t i = 0; i < filters; i++, dense += classes) {
        double pooled = BY_TYPE(number, maxima, maxima, i) * gain[i] + offset[i];
        if (pooled > 0)
            for (Py_ssize_t j = 0; j < classes; j++)
                logits[j] += pooled * dense[j];
    }
    return log_softmax(logits, classes);
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
        Py_ssize_t classes = log_probabilities->shape[0];
        if (fits_classifier(activations, weights, maxima, classes))
            result = PyFloat_FromDouble(to_answer(activations, weights, maxima, log_probabilities->buf, classes));
        else
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
    int32_t *counts;            /* of each filter's windows that have the maximum */
    uint64_t *passing;          /* the filters that pass a gradient on, as bits */
    char type;                  /* of the activations */
    float *of_classes;          /* the weights of each class, [classes, filters] */
    Py_ssize_t classes, down, right, room_right; /* strides, and by how much the last window is right of the first */
    Py_ssize_t above, before, rows, columns;     /* the part of the gradient that is cells */
    size_t gradient_bytes;
    void *memory; /* of all that is no array's, to be freed */
} Top;

/* A bit for each of eight bytes that are 0xff or 0. */
static inline uint64_t bits_of(uint64_t bytes)
{
    return (bytes & UINT64_C(0x8040201008040201)) * UINT64_C(0x0101010101010101) >> 56;
}

/* The filters whose activation is their maximum, of those that are wanted; says whether there are any. Sixteen bytes are
   compared at once, most of which are no maximum. */
static int equal_to_maxima_int8_t(const Top *top, Py_ssize_t window, const uint64_t *wanted, uint64_t *mask)
{
    const uint8_t *activations = (const uint8_t *)top->activations + window * top->filters, *maxima = top->maxima;
    uint64_t any = 0;
    for (Py_ssize_t word = 0, filter = 0; word < top->words; word++) {
        uint64_t equal = 0;
        int bit = 0;
        for (; bit < BITS && filter + 16 <= top->filters; bit += 16, filter += 16) {
            Bytes some, greatest;
            memcpy(&some, activations + filter, 16);
            memcpy(&greatest, maxima + filter, 16);
            Bytes same = (Bytes)(some == greatest);
            uint64_t halves[2];
            memcpy(halves, &same, 16);
            if (halves[0] | halves[1])
                equal |= (bits_of(halves[0]) | bits_of(halves[1]) << 8) << bit;
        }
        for (; bit < BITS && filter < top->filters; bit++, filter++)
            equal |= (uint64_t)(activations[filter] == maxima[filter]) << bit;
        any |= mask[word] = equal & wanted[word];
    }
    return any != 0;
}
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
    for (const uint64_t *known = top->masks; *known != *mask || !equal_masks(known, mask, top->words); known += top->words)
        pattern++;
    if (pattern == top->patterns)
        top->newest[top->patterns++] = NONE;
    top->older[window] = top->newest[pattern];
    top->newest[pattern] = (int32_t)window;
}

/* Lists the filters of each pattern, and divides their gradients among the windows that have the maximum. */
static void list_filters(Top *top)
{
    int32_t end = top->begins[0] = 0, *counts = top->counts;
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
        const Py_ssize_t run = top->width * top->depth;                                                               \
        const float *of_filters = top->of_filters;                                                                    \
        const int32_t *at_max = top->at_max + top->begins[pattern], *end = top->at_max + top->begins[pattern + 1];    \
        for (; at_max != end; at_max++) {                                                                             \
            const Vector_##NAME *kernel = (const Vector_##NAME *)(kernels + *at_max * run);                           \
            float weight = of_filters[*at_max];                                                                       \
            _Pragma("GCC unroll 32")                                                                                  \
            for (int j = 0; j < count; j++) {                                                                         \
                parts[j] += weight * kernel[j];                                                                       \
                if (j % 4 == 3)                                                                                       \
                    IN_ORDER;                                                                                         \
            }                                                                                                         \
        }                                                                                                             \
        for (int32_t window = top->newest[pattern]; window != NONE; window = top->older[window]) {                    \
            Vector_##NAME *to = (Vector_##NAME *)(gradient + top->first_cells[window]);                               \
            __asm__("" : "+r"(to)); /* one address, and not one for each vector */                                    \
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

typedef float Four __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t Words __attribute__((vector_size(16)));
typedef float Two __attribute__((vector_size(8), aligned(4), may_alias));

/* The sum of squares, as four sums side by side. */
static inline __attribute__((always_inline)) float squares(const float *values, Py_ssize_t count)
{
    Four sums = {0, 0, 0, 0};
    Py_ssize_t i = 0;
    _Pragma("GCC unroll 8")
    for (; i + 4 <= count; i += 4)
        sums += *(const Four *)(values + i) * *(const Four *)(values + i);
    for (; i < count; i++)
        sums[0] += values[i] * values[i];
    Two low = {sums[0], sums[1]}, high = {sums[2], sums[3]};
    low += high;
    return low[0] + low[1];
}

/* Fills in the squared norm of every cell's gradient. */
static inline __attribute__((always_inline)) void find_squares(const Top *top, Py_ssize_t depth, float *squared)
{
    for (Py_ssize_t i = 0; i < top->rows; i++) {
        const float *cell = top->gradient + ((i + top->above) * top->gradient_width + top->before) * depth;
        for (Py_ssize_t j = 0; j < top->columns; j++, cell += depth)
            *squared++ = squares(cell, depth);
    }
}

/* Fills in dH/dmax of each filter: dense times dH/dlogits, nothing where the maximum is not above 0. */
static void to_filters(Top *top, const char *positive, const double *log_p, double entropy)
{
    Py_ssize_t filters = top->filters;
    float *restrict of_filters = top->of_filters;
    memset(of_filters, 0, filters * sizeof *of_filters);
    for (Py_ssize_t j = 0; j < top->classes; j++) {
        const float of_logit = (float)(-exp(log_p[j]) * (log_p[j] + entropy)), *of_class = top->of_classes + j * filters;
        for (Py_ssize_t i = 0; i < filters; i++)
            of_filters[i] += of_class[i] * of_logit;
    }
    memset(top->passing, 0, top->words * sizeof *top->passing);
    for (Py_ssize_t i = 0; i < top->filters; i++) {
        if (!positive[i])
            top->of_filters[i] = 0;
        top->passing[i / BITS] |= (uint64_t)(top->of_filters[i] != 0) << i % BITS;
    }
}

/* Fills in what the saliency is computed with; -1 and an exception where the sizes do not fit each other. The strides,
   the place and size of the map, and the number of classes are filled in already. */
static int prepare_top(Top *top, const Py_buffer *activations, const Py_buffer *maxima, const Py_buffer *dense,
                       const Py_buffer *kernels, const Py_buffer *gradient)
{
    Py_ssize_t room_down = gradient->shape[0] - kernels->shape[0], room_right = gradient->shape[1] - kernels->shape[2];
    top->windows = activations->shape[0];
    top->filters = activations->shape[1];
    if (!ARE_SMALL(top->down, top->right, top->above, top->before) || gradient->len / 4 > MOST ||
        activations->len > MOST || maxima->shape[0] != top->filters || dense->shape[0] != top->filters ||
        kernels->shape[1] != top->filters || *activations->format != *maxima->format ||
        dense->len > MOST || dense->shape[1] != top->classes || kernels->shape[3] != gradient->shape[2] || room_down < 0 ||
        room_right < 0 || top->down < 1 || top->right < 1 || top->above < 0 || top->before < 0 ||
        top->windows != (room_down / top->down + 1) * (room_right / top->right + 1) ||
        gradient->shape[0] < top->above + top->rows || gradient->shape[1] < top->before + top->columns) {
        misfit();
        return -1;
    }
    top->words = (top->filters + BITS - 1) / BITS;
    Py_ssize_t of_masks = (top->windows + 2) * top->words;
    uint64_t *memory = top->memory =
        PyMem_Malloc(of_masks * sizeof(uint64_t) +
                     ((2 + top->classes) * top->filters + 4 * top->windows + 1 + top->windows * top->filters) *
                         sizeof(int32_t));
    if (!memory) {
        PyErr_NoMemory();
        return -1;
    }
    top->height = kernels->shape[0];
    top->width = kernels->shape[2];
    top->depth = kernels->shape[3];
    top->gradient_width = gradient->shape[1];
    top->gradient_bytes = gradient->len;
    top->room_right = room_right;
    top->type = *activations->format;
    top->activations = activations->buf;
    top->maxima = maxima->buf;
    top->kernels = kernels->buf;
    top->gradient = gradient->buf;
    top->passing = memory;
    top->masks = top->passing + top->words;
    top->counts = (int32_t *)(memory + of_masks);
    top->of_filters = (float *)(top->counts + top->filters);
    top->first_cells = top->counts + 2 * top->filters;
    top->newest = top->first_cells + top->windows;
    top->older = top->newest + top->windows;
    top->begins = top->older + top->windows;
    top->at_max = top->begins + top->windows + 1;
    top->of_classes = (float *)(top->at_max + top->windows * top->filters);
    for (Py_ssize_t j = 0; j < top->classes; j++)
        for (Py_ssize_t i = 0; i < top->filters; i++)
            top->of_classes[j * top->filters + i] = ((const float *)dense->buf)[i * top->classes + j];
    for (Py_ssize_t window = 0, row = 0; window < top->windows; row += top->down)
        for (Py_ssize_t column = 0; column <= room_right; column += top->right, window++)
            top->first_cells[window] = (int32_t)((row * top->gradient_width + column) * top->depth);
    return 0;
}

/* Fills in the saliency of every cell. */
static void find_saliency(Top *top, const char *positive, const double *log_probabilities, double entropy, float *norms)
{
    to_filters(top, positive, log_probabilities, entropy);
    top->patterns = 0;
    for (Py_ssize_t window = 0; window < top->windows; window++) {
        uint64_t *mask = top->masks + top->patterns * top->words;
        if (top->type == 'f' ? equal_to_maxima_float(top, window, top->passing, mask)
                             : equal_to_maxima_int8_t(top, window, top->passing, mask))
            add_to_pattern(top, window);
    }
    list_filters(top);
    memset(top->gradient, 0, top->gradient_bytes);
    SPREAD_HERE(top);
    if (top->depth == 24) /* the shipped one, known to the compiler */
        find_squares(top, 24, norms);
    else
        find_squares(top, top->depth, norms);
    for (Py_ssize_t i = 0; i < top->rows * top->columns; i++)
        norms[i] = sqrtf(norms[i]);
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
    Top top = {0};
    if (!PyArg_ParseTuple(arguments, "OOOOdOO(nn)(nn)OO", &objects[0], &objects[1], &objects[2], &objects[3], &entropy,
                          &objects[4], &objects[5], &top.down, &top.right, &top.above, &top.before, &objects[6],
                          &objects[7]))
        return NULL;
    if (get_arrays(8, objects, views, wanted) == 0) {
        top.rows = saliency->shape[0];
        top.columns = saliency->shape[1];
        top.classes = log_probabilities->shape[0];
        if (positive->shape[0] != maxima->shape[0])
            misfit();
        else if (prepare_top(&top, activations, maxima, dense, kernels, gradient) == 0) {
            find_saliency(&top, positive->buf, log_probabilities->buf, entropy, saliency->buf);
            result = Py_NewRef(Py_None);
        }
    }
    PyMem_Free(top.memory);
    release_arrays(8, views);
    return result;
}

/* Whether any of eight values is above another. */
static inline int any_above(const float *values, float other)
{
    const Four first = *(const Four *)values, second = *(const Four *)(values + 4), others = {other, other, other, other};
    const Words above = (first > others) | (second > others);
    uint64_t halves[2];
    memcpy(halves, &above, 16);
    return (halves[0] | halves[1]) != 0;
}

/* The indices of the k greatest values, the greatest first, and of equal ones the first first. */
static void select_greatest(const float *values, Py_ssize_t count, Py_ssize_t *selected, Py_ssize_t k)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t place = i;
        if (i >= k) { /* as nearly all are: those that are not above the last one are no more than compared */
            if (k == 0)
                break;
            float last = values[selected[k - 1]];
            for (; i + 8 <= count && !any_above(values + i, last); i += 8)
                ;
            while (i < count && !(values[i] > last))
                i++;
            if (i == count)
                break;
            place = k - 1; /* of the last one, which is none any more */
        }
        for (; place > 0 && values[i] > values[selected[place - 1]]; place--)
            selected[place] = selected[place - 1];
        selected[place] = i;
    }
}

static int fits_selection(const Py_buffer *saliency, const Py_buffer *cells)
{
    return cells->shape[0] <= saliency->shape[0] * saliency->shape[1] && cells->shape[1] == 2 &&
           cells->itemsize == sizeof(Py_ssize_t);
}

/* Fills in the (row, column) of the cells of highest saliency. */
static void to_cells(const Py_buffer *saliency, const Py_buffer *cells)
{
    Py_ssize_t count = saliency->shape[0] * saliency->shape[1], k = cells->shape[0], *to = cells->buf;
    Py_ssize_t *selected = to + k; /* the second half: each is read before it is overwritten */
    select_greatest(saliency->buf, count, selected, k);
    for (Py_ssize_t i = 0; i < k; i++) {
        Py_ssize_t cell = selected[i];
        to[2 * i] = cell / saliency->shape[1];
        to[2 * i + 1] = cell % saliency->shape[1];
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
        if (fits_selection(saliency, cells)) {
            to_cells(saliency, cells);
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

/* Copies groups of some rows of the output that lie in a window with all of their pixels, `count` of each row. */
static void copy_groups(const Cut *cut, char *restrict to, const char *restrict from, Py_ssize_t rows, Py_ssize_t count)
{
    size_t step = cut->right * cut->pixel, row = cut->row, size = cut->length * cut->pixel, group = cut->rows * size;
    for (; rows > 0; rows--, from += cut->down * row, to += cut->wide * group)
        for (Py_ssize_t j = 0; j < count; j++)
            for (Py_ssize_t i = 0; i < cut->rows; i++)
                memcpy(to + j * group + i * size, from + j * step + i * row, size);
}

/* The same of groups of a size that is known here: all of one is read before it is written, which takes half of the
   instructions. */
#define COPY_GROUPS(ROWS, SIZE)                                                                                       \
    static __attribute__((noinline)) void copy_groups_##ROWS##_##SIZE(const Cut *cut, char *restrict to,              \
                                                                      const char *restrict from, Py_ssize_t rows,    \
                                                              Py_ssize_t count)                              \
    {                                                                                                                 \
        const size_t step = cut->right * cut->pixel, row = cut->row, down = cut->down * row - count * step;           \
        const size_t gap = (cut->wide - count) * ROWS * SIZE;                                                         \
        for (; rows > 0; rows--, from += down, to += gap)                                                             \
            for (const char *end = from + count * step; from != end; from += step, to += ROWS * SIZE) {               \
                struct {                                                                                              \
                    char of[SIZE];                                                                                    \
                } parts[ROWS];                                                                                        \
                _Pragma("GCC unroll 8")                                                                               \
                for (int i = 0; i < ROWS; i++)                                                                        \
                    memcpy(&parts[i], from + i * row, SIZE);                                                          \
                IN_ORDER;                                                                                             \
                memcpy(to, parts, ROWS * SIZE);                                                                       \
            }                                                                                                         \
    }
COPY_GROUPS(3, 4)
COPY_GROUPS(3, 8)
COPY_GROUPS(3, 12)
COPY_GROUPS(3, 16)
COPY_GROUPS(5, 8)
COPY_GROUPS(5, 24)
COPY_GROUPS(7, 8)
COPY_GROUPS(7, 32)

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

/* Copies the groups of the rows from top to bottom and of the columns from left to right, which lie in a window. */
static void cut_whole(const Cut *cut, const char *window, char *to, Py_ssize_t top, Py_ssize_t bottom, Py_ssize_t left,
                      Py_ssize_t right)
{
    size_t size = cut->length * cut->pixel;
    if (top == bottom || left == right)
        return;
    to += (top * cut->wide + left) * cut->rows * size;
    window += (top * cut->down - cut->above) * (Py_ssize_t)cut->row +
              (left * cut->right - cut->before) * (Py_ssize_t)cut->pixel;
#define COPY(ROWS, SIZE)                                                                                              \
    if (cut->rows == ROWS && size == SIZE)                                                                            \
        copy_groups_##ROWS##_##SIZE(cut, to, window, bottom - top, right - left);                                     \
    else
    COPY(3, 4) COPY(3, 8) COPY(3, 12) COPY(3, 16) COPY(5, 8) COPY(5, 24) COPY(7, 8) COPY(7, 32)
        copy_groups(cut, to, window, bottom - top, right - left);
}

static void cut_window(const Cut *cut, const char *window, char *to)
{
    size_t group = cut->rows * cut->length * cut->pixel;
    Py_ssize_t top, bottom, left, right;
    whole_groups(cut->high, cut->rows, cut->height, cut->above, cut->down, &top, &bottom);
    whole_groups(cut->wide, cut->length, cut->width, cut->before, cut->right, &left, &right);
    cut_whole(cut, window, to, top, bottom, left, right);
    if (bottom - top == cut->high && right - left == cut->wide)
        return;
    for (Py_ssize_t i = 0; i < cut->high; i++, to += cut->wide * group) {
        Py_ssize_t row = i * cut->down - cut->above;
        Py_ssize_t begin = i < top || i >= bottom ? cut->wide : left, end = begin < right ? right : begin;
        for (Py_ssize_t j = 0; j < begin; j++)
            copy_part(cut, window, to + j * group, row, j * cut->right - cut->before);
        for (Py_ssize_t j = end; j < cut->wide; j++)
            copy_part(cut, window, to + j * group, row, j * cut->right - cut->before);
    }
}

/* Windows of one size that lie on a canvas at a regular distance, and how they are laid out. */
typedef struct {
    Cut cut;
    Py_ssize_t first_row, first_column, down, right;
} Windows;

#define WINDOWS "(nn)(nn)(nn)(nn)(nn)(nn)" /* as arguments, which go into the members in this order */
#define WINDOWS_MEMBERS(W)                                                                                            \
    &(W)->first_row, &(W)->first_column, &(W)->down, &(W)->right, &(W)->cut.height, &(W)->cut.width, &(W)->cut.above, \
        &(W)->cut.before, &(W)->cut.rows, &(W)->cut.length, &(W)->cut.down, &(W)->cut.right

/* Whether windows can be cut out of a canvas into an output, [count, high, wide, group]; fills in what follows from these. */
static int fits_windows(Windows *windows, const Py_buffer *canvas, const Py_buffer *out)
{
    Cut *cut = &windows->cut;
    cut->pixel = canvas->shape[2] * canvas->itemsize;
    cut->row = canvas->shape[1] * cut->pixel;
    cut->high = out->shape[1];
    cut->wide = out->shape[2];
    return ARE_SMALL(windows->first_row, windows->first_column, windows->down, windows->right, cut->height, cut->width,
                     cut->above, cut->before, cut->rows, cut->length, cut->down, cut->right) &&
           *canvas->format == *out->format && cut->rows > 0 && cut->length > 0 && cut->above >= 0 && cut->before >= 0 &&
           cut->down > 0 && cut->right > 0 && cut->height > 0 && cut->width > 0 && cut->rows * cut->length <= MOST &&
           out->shape[3] == cut->rows * cut->length * canvas->shape[2];
}

/* Whether places, (row, column) of each, are of windows that lie on the canvas. */
static int fits_places(const Windows *windows, const Py_buffer *canvas, const Py_buffer *places)
{
    if (places->shape[1] != 2 || places->itemsize != sizeof(Py_ssize_t) || !are_small(2 * places->shape[0], places->buf))
        return 0;
    const Py_ssize_t *place = places->buf;
    for (Py_ssize_t i = 0; i < places->shape[0]; i++) {
        Py_ssize_t row = windows->first_row + place[2 * i] * windows->down;
        Py_ssize_t column = windows->first_column + place[2 * i + 1] * windows->right;
        if (row < 0 || column < 0 || row + windows->cut.height > canvas->shape[0] ||
            column + windows->cut.width > canvas->shape[1])
            return 0;
    }
    return 1;
}

static void cut_windows(const Windows *windows, const Py_buffer *canvas, const Py_ssize_t *place, const Py_buffer *out)
{
    const Cut *cut = &windows->cut;
    Py_ssize_t count = out->shape[0], size = count ? out->len / count : 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t row = windows->first_row + place[2 * i] * windows->down;
        Py_ssize_t column = windows->first_column + place[2 * i + 1] * windows->right;
        cut_window(cut, (char *)canvas->buf + row * cut->row + column * cut->pixel, (char *)out->buf + i * size);
    }
}

static PyObject *cut(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[3] = {{"bBf", 3, 0}, {"lq", 2, 0}, {"bBf", 4, 1}};
    PyObject *objects[3], *result = NULL;
    Py_buffer views[3] = {{0}};
    const Py_buffer *canvas = &views[0], *places = &views[1], *out = &views[2];
    Windows windows;
    if (!PyArg_ParseTuple(arguments, "OO" WINDOWS "O", &objects[0], &objects[1], WINDOWS_MEMBERS(&windows), &objects[2]))
        return NULL;
    if (get_arrays(3, objects, views, wanted) == 0) {
        if (fits_windows(&windows, canvas, out) && out->shape[0] == places->shape[0] &&
            fits_places(&windows, canvas, places)) {
            cut_windows(&windows, canvas, places->buf, out);
            result = Py_NewRef(Py_None);
        } else
            misfit();
    }
    release_arrays(3, views);
    return result;
}

/* How windows of the top's convolution lie on a map of vectors with zeros around it, and which of them hold each cell. */
typedef struct {
    Py_ssize_t above, before, down, right, few, step;
    Py_ssize_t wide, windows; /* in a row, and all of them */
    const Py_buffer *windows_of_cells, *canvas;
} Map;

static int in_range(const int32_t *values, Py_ssize_t count, Py_ssize_t end)
{
    for (Py_ssize_t i = 0; i < count; i++)
        if (values[i] < 0 || values[i] >= end)
            return 0;
    return 1;
}

/* Whether a map is of vectors such as `features`, [h, w, D], and has windows of height and width of `kernel`; fills in what
   follows from these. The indices have room for all windows, and more up to a multiple of step. */
static int fits_map(Map *map, const Py_buffer *features, const Py_ssize_t *kernel, const Py_buffer *indices)
{
    const Py_buffer *canvas = map->canvas, *of_cells = map->windows_of_cells;
    if (!ARE_SMALL(map->above, map->before, map->down, map->right, map->few, map->step) ||
        *features->format != *canvas->format ||
        canvas->shape[2] != features->shape[2] || kernel[2] != features->shape[2] ||
        of_cells->shape[0] != features->shape[0] || of_cells->shape[1] != features->shape[1] || map->down < 1 ||
        map->right < 1 || map->few < 0 || map->step < 1 ||
        !holds(canvas, features->shape[0], features->shape[1], map->above, map->before) ||
        kernel[0] > canvas->shape[0] || kernel[1] > canvas->shape[1] || indices->itemsize != sizeof(Py_ssize_t))
        return 0;
    map->wide = (canvas->shape[1] - kernel[1]) / map->right + 1;
    map->windows = ((canvas->shape[0] - kernel[0]) / map->down + 1) * map->wide;
    const Py_ssize_t most = (map->windows + map->step - 1) / map->step * map->step;
    return indices->shape[0] >= (map->windows > map->few ? most : map->windows) &&
           in_range(of_cells->buf, of_cells->len / 4, map->windows);
}

/* Whether cells, (row, column) of each, are on a map of rows and columns. */
static int fits_cells(const Py_buffer *cells, Py_ssize_t rows, Py_ssize_t columns)
{
    const Py_ssize_t *cell = cells->buf;
    int fit = cells->shape[0] > 0 && cells->shape[1] == 2 && cells->itemsize == sizeof *cell;
    for (Py_ssize_t i = 0; fit && i < cells->shape[0]; i++)
        fit = cell[2 * i] >= 0 && cell[2 * i] < rows && cell[2 * i + 1] >= 0 && cell[2 * i + 1] < columns;
    return fit;
}

/* Lists the windows that hold one of the cells, in order; of more than a few the last again and again until there
   are a multiple of step.
   `held`: a 0 for every window, to be written to. */
static Py_ssize_t list_windows(const Map *map, const Py_buffer *cells, char *held, Py_ssize_t *indices)
{
    Py_ssize_t width = map->windows_of_cells->shape[1], most = map->windows_of_cells->shape[2], count = 0;
    for (Py_ssize_t i = 0; i < cells->shape[0]; i++) {
        const Py_ssize_t *cell = (const Py_ssize_t *)cells->buf + 2 * i;
        const int32_t *of_cell = (const int32_t *)map->windows_of_cells->buf + (cell[0] * width + cell[1]) * most;
        for (Py_ssize_t j = 0; j < most; j++)
            held[of_cell[j]] = 1;
    }
    for (Py_ssize_t window = 0; window < map->windows; window++)
        if (held[window])
            indices[count++] = window;
    for (; count > map->few && count % map->step; count++)
        indices[count] = indices[count - 1];
    return count;
}

/* Writes the coarse vectors into a map, and the fine ones over those of their cells. */
static void swap_vectors(const Map *map, const Py_buffer *features, const Py_buffer *fine, const Py_buffer *cells)
{
    size_t vector = map->canvas->shape[2] * map->canvas->itemsize, row = map->canvas->shape[1] * vector;
    char *first = (char *)map->canvas->buf + map->above * row + map->before * vector;
    const Py_ssize_t *cell = cells->buf;
    for (Py_ssize_t i = 0; i < features->shape[0]; i++)
        memcpy(first + i * row, (char *)features->buf + i * features->shape[1] * vector, features->shape[1] * vector);
    for (Py_ssize_t i = 0; i < cells->shape[0]; i++)
        memcpy(first + cell[2 * i] * row + cell[2 * i + 1] * vector, (char *)fine->buf + i * vector, vector);
}

/* Copies windows out of a map. */
static void copy_windows(const Map *map, const Py_ssize_t *indices, Py_ssize_t count, const Py_ssize_t *kernel, char *to)
{
    size_t vector = map->canvas->shape[2] * map->canvas->itemsize, row = map->canvas->shape[1] * vector;
    size_t part = kernel[1] * vector;
    for (Py_ssize_t i = 0; i < count; i++) {
        const char *from = (char *)map->canvas->buf + indices[i] / map->wide * map->down * row +
                           indices[i] % map->wide * map->right * vector;
        for (Py_ssize_t j = 0; j < kernel[0]; j++, to += part)
            memcpy(to, from + j * row, part);
    }
}

static PyObject *assemble(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[7] = {{"bBf", 3, 0}, {"bBf", 2, 0}, {"lq", 2, 0}, {"i", 3, 0},
                                     {"bBf", 3, 1}, {"bBf", 4, 1}, {"lq", 1, 1}};
    PyObject *objects[7], *result = NULL;
    Py_buffer views[7] = {{0}};
    const Py_buffer *features = &views[0], *fine = &views[1], *cells = &views[2], *cut = &views[5], *indices = &views[6];
    Map map = {.windows_of_cells = &views[3], .canvas = &views[4]};
    if (!PyArg_ParseTuple(arguments, "OOOOO(nn)(nn)(nn)OO", &objects[0], &objects[1], &objects[2], &objects[3], &objects[4],
                          &map.above, &map.before, &map.down, &map.right, &map.few, &map.step, &objects[5],
                          &objects[6]))
        return NULL;
    char *held = NULL;
    if (get_arrays(7, objects, views, wanted) < 0)
        goto done;
    const Py_ssize_t *kernel = cut->shape + 1;
    if (*features->format != *fine->format || *features->format != *cut->format || fine->shape[0] != cells->shape[0] ||
        fine->shape[1] != features->shape[2] || cut->shape[0] != indices->shape[0] ||
        !fits_cells(cells, features->shape[0], features->shape[1]) || !fits_map(&map, features, kernel, indices)) {
        misfit();
        goto done;
    }
    held = PyMem_Calloc(map.windows, 1);
    if (!held) {
        PyErr_NoMemory();
        goto done;
    }
    swap_vectors(&map, features, fine, cells);
    Py_ssize_t count = list_windows(&map, cells, held, indices->buf);
    copy_windows(&map, indices->buf, count, kernel, cut->buf);
    result = PyLong_FromSsize_t(count);
done:
    PyMem_Free(held);
    release_arrays(7, views);
    return result;
}

/* Whether rows, one of each index, can be written into an array. */
static int fits_rows(const Py_buffer *into, const Py_ssize_t *index, Py_ssize_t count, const Py_buffer *rows)
{
    int fit = *into->format == *rows->format && into->shape[1] == rows->shape[1] && rows->shape[0] == count;
    for (Py_ssize_t i = 0; fit && i < count; i++)
        fit = index[i] >= 0 && index[i] < into->shape[0];
    return fit;
}

static void write_rows(const Py_buffer *into, const Py_ssize_t *index, const Py_buffer *rows)
{
    size_t row = into->shape[1] * into->itemsize;
    for (Py_ssize_t i = 0; i < rows->shape[0]; i++)
        memcpy((char *)into->buf + index[i] * row, (char *)rows->buf + i * row, row);
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
        if (indices->itemsize == sizeof(Py_ssize_t) && fits_rows(into, indices->buf, indices->shape[0], rows)) {
            write_rows(into, indices->buf, rows);
            result = Py_NewRef(Py_None);
        } else
            misfit();
    }
    release_arrays(3, views);
    return result;
}

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

static PyTypeObject stages_type = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "edge.network._compiled.Stages",
                                   .tp_basicsize = sizeof(Stages),
                                   .tp_flags = Py_TPFLAGS_DEFAULT,
                                   .tp_new = stages_new,
                                   .tp_dealloc = stages_free,
                                   .tp_methods = stages_methods};

static PyMethodDef methods[] = {{"put_pixels", put_pixels, METH_VARARGS, NULL},
                                {"classify", classify, METH_VARARGS, NULL},
                                {"classifier_saliency", classifier_saliency, METH_VARARGS, NULL},
                                {"select_cells", select_cells, METH_VARARGS, NULL},
                                {"cut", cut, METH_VARARGS, NULL},
                                {"assemble", assemble, METH_VARARGS, NULL},
                                {"put_rows", put_rows, METH_VARARGS, NULL},
                                {"resize", resize, METH_VARARGS, NULL},
                                {"see_cells", see_cells, METH_VARARGS, NULL},
                                {"presence_saliency", presence_saliency, METH_VARARGS, NULL},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "edge.network._compiled", .m_size = -1, .m_methods = methods};

#define VERSION 5 /* of what is here, which compiled.py asks for; one more with every change of it */

PyMODINIT_FUNC PyInit__compiled(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made && (PyModule_AddType(made, &stages_type) < 0 || PyModule_AddType(made, &clock_type) < 0 ||
                 PyModule_AddIntConstant(made, "VERSION", VERSION) < 0))
        Py_CLEAR(made);
    return made;
}
