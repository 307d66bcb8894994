/* The saliency of a classifier's cells in closed form, as saliency.ClassifierSaliency computes it in NumPy. */

#include "saliency.h"

#include <math.h>
#include <string.h>

#include "spread.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "bytes are compared as in numbers of which the lowest byte comes first"
#endif

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

typedef float Four __attribute__((vector_size(16), aligned(4), may_alias));
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

int prepare_top(Top *top, const Py_buffer *activations, const Py_buffer *maxima, const Py_buffer *dense,
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

void find_saliency(Top *top, const char *positive, const double *log_probabilities, double entropy, float *norms)
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
    spread(top);
    if (top->depth == 24) /* the shipped one, known to the compiler */
        find_squares(top, 24, norms);
    else
        find_squares(top, top->depth, norms);
    for (Py_ssize_t i = 0; i < top->rows * top->columns; i++)
        norms[i] = sqrtf(norms[i]);
}

PyObject *classifier_saliency(PyObject *self, PyObject *arguments)
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
