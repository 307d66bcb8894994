/* Pools what the cells of an image see, and finds the saliency of the most salient ones, as presence.py does in NumPy.

   Nearly all cells have next to no weight. What a cell sees is computed from its logits where it is needed, and never kept;
   and cells whose weight alone rules them out are no more than compared. */

#include "presence.h"

#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define BLOCK 256          /* cells whose sums are float32 before they go into sums of more digits */
#define SIDE 4             /* rows of the weights that are multiplied at once, and columns */
#define STEP 16            /* by how much less cells weigh from pass to pass */
#define SLACK 1e-4         /* of a bound, for what float32 rounds */
#define TINY 1e-37         /* a probability whose logarithm is taken */
#define LEAST_LOGIT -80.0f /* less than the greatest one; its exponential is still a number in float32 */

typedef float Four __attribute__((vector_size(16), aligned(4), may_alias));

/* Logits of cells: that of nothing, those of the lengths from 1 on, and those of every position. */
typedef struct {
    Py_ssize_t cells, lengths, positions, categories, logits;
    const int8_t *bytes;              /* raw; NULL where they are float32 */
    const float *floats;              /* real */
    const float *exponentials, *falls; /* of each byte, for positions; and of by how many steps a length is less */
    float scale;
    Py_ssize_t zero;
} Logits;

/* What there is of one cell: of its lengths and its positions, not yet divided by the sums. */
typedef struct {
    float *lengths, *positions, of_lengths; /* the last: their sum */
    float *of_positions;                    /* the sum of each */
} Cell;

/* Fills in the exponentials of the lengths, but for a factor; returns the log odds that there is something. */
INLINE float see_lengths(const Logits *logits, Py_ssize_t index, Cell *cell)
{
    const Py_ssize_t lengths = logits->lengths;
    float sum = 0, highest, nothing;
    if (logits->bytes) {
        const int8_t *raw = logits->bytes + index * logits->logits;
        int peak = raw[1];
        for (Py_ssize_t i = 2; i <= lengths; i++)
            peak = raw[i] > peak ? raw[i] : peak;
        for (Py_ssize_t i = 1; i <= lengths; i++)
            sum += cell->lengths[i - 1] = logits->falls[peak - raw[i]];
        highest = (float)(peak - logits->zero) * logits->scale;
        nothing = (float)(raw[0] - logits->zero) * logits->scale;
    } else {
        const float *real = logits->floats + index * logits->logits;
        highest = real[1], nothing = real[0];
        for (Py_ssize_t i = 2; i <= lengths; i++)
            highest = real[i] > highest ? real[i] : highest;
        for (Py_ssize_t i = 1; i <= lengths; i++)
            sum += cell->lengths[i - 1] = expf(real[i] - highest);
    }
    cell->of_lengths = sum;
    return highest + logf(sum) - nothing;
}

/* Fills in the exponentials of the positions, but for a factor, and their sums. */
INLINE void see_positions(const Logits *logits, Py_ssize_t index, Py_ssize_t categories, Cell *cell)
{
    const Py_ssize_t first = index * logits->logits + 1 + logits->lengths, count = logits->positions * categories;
    float *to = cell->positions;
    if (logits->bytes) {
        const int8_t *raw = logits->bytes + first;
        const float *of_zero = logits->exponentials + 128;
        _Pragma("GCC unroll 8")
        for (Py_ssize_t i = 0; i < count; i++)
            to[i] = of_zero[raw[i]];
    } else {
        const float *real = logits->floats + first;
        float highest = real[0];
        for (Py_ssize_t i = 1; i < count; i++)
            highest = real[i] > highest ? real[i] : highest;
        for (Py_ssize_t i = 0; i < count; i++)
            to[i] = expf(real[i] - highest > LEAST_LOGIT ? real[i] - highest : LEAST_LOGIT);
    }
    for (Py_ssize_t i = 0; i < logits->positions; i++, to += categories) {
        float sum = 0;
        for (Py_ssize_t j = 0; j < categories; j++)
            sum += to[j];
        cell->of_positions[i] = sum;
    }
}

/* Fills in the cells' shares, [cells]; returns the highest log odds. */
static float weigh_cells(const Logits *logits, float power, Cell *cell, float *weights)
{
    float highest = see_lengths(logits, 0, cell);
    double sum = 0;
    weights[0] = highest;
    for (Py_ssize_t i = 1; i < logits->cells; i++) {
        weights[i] = see_lengths(logits, i, cell);
        highest = weights[i] > highest ? weights[i] : highest;
    }
    for (Py_ssize_t i = 0; i < logits->cells; i++)
        sum += weights[i] = expf(power * (weights[i] - highest));
    for (Py_ssize_t i = 0; i < logits->cells; i++)
        weights[i] /= (float)sum;
    return highest;
}

/* Adds the weighted probabilities of some cells: `pooled`, those of the lengths and then of the positions. */
INLINE void add_cells(const Logits *logits, const float *weights, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t categories,
                      Cell *cell, float *pooled)
{
    for (Py_ssize_t index = begin; index < end; index++) {
        float *to = pooled;
        see_lengths(logits, index, cell);
        see_positions(logits, index, categories, cell);
        const float share = weights[index] / cell->of_lengths;
        for (Py_ssize_t i = 0; i < logits->lengths; i++)
            *to++ += share * cell->lengths[i];
        for (Py_ssize_t i = 0; i < logits->positions; i++, to += categories) {
            const float factor = weights[index] / cell->of_positions[i], *from = cell->positions + i * categories;
            Py_ssize_t j = 0;
            for (; j + 4 <= categories; j += 4)
                *(Four *)(to + j) += factor * *(const Four *)(from + j);
            for (; j < categories; j++)
                to[j] += factor * from[j];
        }
    }
}

/* Fills in what the cells see together: log-probabilities, [logits]. `sums`, `part`: room for as many numbers. */
static void pool_cells(const Logits *logits, const float *weights, float odds, Cell *cell, double *sums, float *part,
                       float *log_probabilities)
{
    const Py_ssize_t count = logits->logits - 1;
    memset(sums, 0, count * sizeof *sums);
    for (Py_ssize_t begin = 0; begin < logits->cells; begin += BLOCK) {
        const Py_ssize_t end = begin + BLOCK < logits->cells ? begin + BLOCK : logits->cells;
        memset(part, 0, count * sizeof *part);
        if (logits->categories == 11) /* the shipped ones, known to the compiler */
            add_cells(logits, weights, begin, end, 11, cell, part);
        else
            add_cells(logits, weights, begin, end, logits->categories, cell, part);
        for (Py_ssize_t i = 0; i < count; i++)
            sums[i] += part[i];
    }
    const double rest = log1p(exp(-fabs(odds))); /* the image holds what its surest cell sees */
    log_probabilities[0] = (float)(-rest - (odds > 0 ? odds : 0));
    for (Py_ssize_t i = 0; i < count; i++) {
        const double value = log(sums[i] > TINY ? sums[i] : TINY);
        log_probabilities[1 + i] = (float)(i < logits->lengths ? value - rest - (odds < 0 ? -odds : 0) : value);
    }
}

/* The entropy of the positions that count. */
static double entropy_of(const Logits *logits, const float *log_p, const char *counted)
{
    double entropy = 0;
    for (Py_ssize_t i = 0; i < logits->positions; i++)
        for (Py_ssize_t j = 0; counted[i] && j < logits->categories; j++)
            entropy -= exp(log_p[i * logits->categories + j]) * log_p[i * logits->categories + j];
    return entropy;
}

/* The arguments that say what the logits are, as compiled.py passes them; false where the arrays do not fit. */
#define LOGITS "OOOfnnn"
static int fits_logits(Logits *logits, const Py_buffer *raw, const Py_buffer *exponentials, const Py_buffer *falls)
{
    logits->cells = raw->shape[0];
    logits->logits = raw->shape[1];
    logits->bytes = *raw->format == 'b' ? raw->buf : NULL;
    logits->floats = *raw->format == 'f' ? raw->buf : NULL;
    logits->exponentials = exponentials->buf;
    logits->falls = falls->buf;
    if (!ARE_SMALL(logits->lengths, logits->positions, logits->zero, raw->len) || logits->lengths < 1 ||
        logits->positions < 1 || logits->cells < 1 || exponentials->shape[0] != 256 || falls->shape[0] != 256)
        return 0;
    const Py_ssize_t rest = logits->logits - 1 - logits->lengths;
    logits->categories = rest / logits->positions;
    return rest > 0 && rest % logits->positions == 0;
}

/* Room for a cell and for `floats` more numbers, behind which memory is for as many doubles as there are logits. */
static void *make_room(const Logits *logits, Cell *cell, Py_ssize_t floats, float **more)
{
    double *memory = PyMem_Malloc(logits->logits * sizeof(double) +
                                  (logits->lengths + (logits->categories + 1) * logits->positions + floats) * sizeof(float));
    if (!memory)
        return PyErr_NoMemory();
    cell->lengths = (float *)(memory + logits->logits);
    cell->of_positions = cell->lengths + logits->lengths;
    cell->positions = cell->of_positions + logits->positions;
    *more = cell->positions + logits->positions * logits->categories;
    return memory;
}

PyObject *see_cells(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[6] = {{"bf", 2, 0}, {"f", 1, 0}, {"f", 1, 0}, {"?", 1, 0}, {"f", 1, 1}, {"f", 1, 1}};
    PyObject *objects[6], *result = NULL;
    Py_buffer views[6] = {{0}};
    Logits logits;
    Cell cell = {0};
    float power, *part = NULL;
    if (!PyArg_ParseTuple(arguments, "(" LOGITS ")OfOO", &objects[0], &objects[1], &objects[2], &logits.scale, &logits.zero,
                          &logits.lengths, &logits.positions, &objects[3], &power, &objects[4], &objects[5]))
        return NULL;
    if (get_arrays(6, objects, views, wanted) < 0)
        goto done;
    if (!fits_logits(&logits, &views[0], &views[1], &views[2]) || views[3].shape[0] != logits.positions ||
        views[4].shape[0] != logits.cells || views[5].shape[0] != logits.logits) {
        misfit();
        goto done;
    }
    double *sums = make_room(&logits, &cell, logits.logits, &part);
    if (!sums)
        goto done;
    float *weights = views[4].buf, *log_probabilities = views[5].buf;
    const float odds = weigh_cells(&logits, power, &cell, weights);
    pool_cells(&logits, weights, odds, &cell, sums, part, log_probabilities);
    result = PyFloat_FromDouble(entropy_of(&logits, log_probabilities + 1 + logits.lengths, views[3].buf));
    PyMem_Free(sums);
done:
    release_arrays(6, views);
    return result;
}

/* The gradient with respect to the pooled output, and what bounds a cell's saliency by its weight. */
typedef struct {
    float *to_pooled; /* dH/dP, [positions, categories] */
    double of_pooled; /* <dH/dP, P> */
    float power, bound;
} Pooled;

/* Fills in dH/dP, and by how much a saliency is at most its cell's weight. A number within a range has a variance of at
   most a quarter of the range's square. */
static void look_at_pooled(const Logits *logits, const float *log_p, const char *counted, float greatest, Pooled *pooled)
{
    double squares = 0, lowest = 0, highest = 0;
    float *to = pooled->to_pooled;
    pooled->of_pooled = 0;
    for (Py_ssize_t i = 0; i < logits->positions; i++, to += logits->categories, log_p += logits->categories) {
        float least = INFINITY, most = -INFINITY;
        for (Py_ssize_t j = 0; j < logits->categories; j++) {
            to[j] = counted[i] ? -log_p[j] - 1 : 0;
            least = to[j] < least ? to[j] : least;
            most = to[j] > most ? to[j] : most;
            pooled->of_pooled += exp(log_p[j]) * to[j];
        }
        squares += (double)(most - least) * (most - least);
        lowest += least;
        highest += most;
    }
    const double odds = pooled->power * fmax(highest - pooled->of_pooled, pooled->of_pooled - lowest);
    pooled->bound = (float)(sqrt(squares / 4 + 2 * odds * odds) * greatest * (1 + SLACK));
}

/* Fills in dH/dlogits of a cell; returns its norm. */
INLINE float to_logits(const Logits *logits, const Pooled *pooled, Py_ssize_t index, float weight, Py_ssize_t categories,
                       Cell *cell, float *gradient)
{
    const float *to_pooled = pooled->to_pooled, *from = cell->positions;
    float *to = gradient + 1 + logits->lengths;
    double odds = -pooled->of_pooled, squares = 0;
    see_lengths(logits, index, cell);
    see_positions(logits, index, categories, cell);
    for (Py_ssize_t i = 0; i < logits->positions; i++, from += categories, to += categories, to_pooled += categories) {
        float along = 0;
        for (Py_ssize_t j = 0; j < categories; j++)
            along += from[j] * to_pooled[j];
        along /= cell->of_positions[i];
        odds += along;
        const float factor = weight / cell->of_positions[i];
        for (Py_ssize_t j = 0; j < categories; j++)
            to[j] = factor * from[j] * (to_pooled[j] - along);
    }
    const float of_odds = (float)(pooled->power * weight * odds);
    gradient[0] = -of_odds;
    for (Py_ssize_t i = 0; i < logits->lengths; i++)
        gradient[1 + i] = of_odds * cell->lengths[i] / cell->of_lengths;
    for (Py_ssize_t i = 0; i < logits->logits; i++)
        squares += (double)gradient[i] * gradient[i];
    return (float)sqrt(squares);
}

/* The norm of a gradient times the transposed weights, [rows, columns], of which row i has nothing before column i where they
   are `triangular`. Rows and columns are whole blocks. */
static float norm_at_vector(const Py_buffer *dense, int triangular, const float *gradient)
{
    const Py_ssize_t columns = dense->shape[1];
    const float *row = dense->buf;
    double squares = 0;
    for (Py_ssize_t i = 0; i < dense->shape[0]; i += SIDE, row += SIDE * columns) {
        Four sums[SIDE] = {{0}};
        for (Py_ssize_t j = triangular ? i : 0; j < columns; j += SIDE) {
            const Four some = *(const Four *)(gradient + j);
            _Pragma("GCC unroll 4")
            for (int k = 0; k < SIDE; k++)
                sums[k] += some * *(const Four *)(row + k * columns + j);
        }
        for (int k = 0; k < SIDE; k++) {
            const double sum = (double)sums[k][0] + sums[k][1] + sums[k][2] + sums[k][3];
            squares += sum * sum;
        }
    }
    return (float)sqrt(squares);
}

/* Keeps the greatest values, the least of them first: each is at most the two that are behind it. */
static void keep(float *heap, Py_ssize_t size, float value)
{
    Py_ssize_t place = 0;
    if (!(value > heap[0]))
        return;
    for (Py_ssize_t next = 1; next < size; next = 2 * place + 1) {
        next += next + 1 < size && heap[next + 1] < heap[next];
        if (heap[next] >= value)
            break;
        heap[place] = heap[next];
        place = next;
    }
    heap[place] = value;
}

/* Fills in the saliency of the k most salient cells, and of others or 0. `heap`: room for k numbers. */
static void find_salient(const Logits *logits, const Pooled *pooled, const float *weights, const Py_buffer *dense,
                         int triangular, float greatest, Py_ssize_t k, Cell *cell, float *gradient, float *heap, float *found)
{
    float upper = INFINITY, lower = 0;
    for (Py_ssize_t i = 0; i < k; i++)
        heap[i] = -1;
    for (Py_ssize_t i = 0; i < logits->cells; i++)
        lower = weights[i] > lower ? weights[i] : lower;
    memset(found, 0, logits->cells * sizeof *found);
    memset(gradient, 0, dense->shape[1] * sizeof *gradient);
    for (lower /= STEP; upper > 0 && !(upper * pooled->bound < heap[0]); upper = lower, lower = lower > TINY ? lower / STEP : 0)
        for (Py_ssize_t i = 0; i < logits->cells; i++) {
            if (weights[i] < lower || weights[i] >= upper || weights[i] * pooled->bound < heap[0])
                continue;
            const float norm = logits->categories == 11 /* the shipped ones, known to the compiler */
                                   ? to_logits(logits, pooled, i, weights[i], 11, cell, gradient)
                                   : to_logits(logits, pooled, i, weights[i], logits->categories, cell, gradient);
            if (norm * greatest * (1 + (float)SLACK) < heap[0])
                continue;
            found[i] = norm_at_vector(dense, triangular, gradient);
            keep(heap, k, found[i]);
        }
}

PyObject *presence_saliency(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[8] = {{"bf", 2, 0}, {"f", 1, 0}, {"f", 1, 0}, {"?", 1, 0},
                                     {"f", 1, 0},  {"f", 1, 0}, {"f", 2, 0}, {"f", 1, 1}};
    PyObject *objects[8], *result = NULL;
    Py_buffer views[8] = {{0}};
    const Py_buffer *weights = &views[4], *log_probabilities = &views[5], *dense = &views[6], *saliency = &views[7];
    Logits logits;
    Pooled pooled;
    Cell cell = {0};
    float greatest, *gradient = NULL;
    int triangular;
    Py_ssize_t k;
    if (!PyArg_ParseTuple(arguments, "(" LOGITS ")OfOOOpfnO", &objects[0], &objects[1], &objects[2], &logits.scale,
                          &logits.zero, &logits.lengths, &logits.positions, &objects[3], &pooled.power, &objects[4],
                          &objects[5], &objects[6], &triangular, &greatest, &k, &objects[7]))
        return NULL;
    if (get_arrays(8, objects, views, wanted) < 0)
        goto done;
    if (!fits_logits(&logits, &views[0], &views[1], &views[2]) || views[3].shape[0] != logits.positions ||
        weights->shape[0] != logits.cells || log_probabilities->shape[0] != logits.logits || k < 1 || k > logits.cells ||
        dense->shape[0] % SIDE || dense->shape[1] % SIDE || dense->shape[1] < logits.logits ||
        saliency->shape[0] != logits.cells) {
        misfit();
        goto done;
    }
    void *memory = make_room(&logits, &cell, dense->shape[1] + logits.logits + k, &gradient);
    if (!memory)
        goto done;
    pooled.to_pooled = gradient + dense->shape[1];
    look_at_pooled(&logits, (const float *)log_probabilities->buf + 1 + logits.lengths, views[3].buf, greatest, &pooled);
    find_salient(&logits, &pooled, weights->buf, dense, triangular, greatest, k, &cell, gradient,
                 pooled.to_pooled + logits.logits, saliency->buf);
    PyMem_Free(memory);
    result = Py_NewRef(Py_None);
done:
    release_arrays(8, views);
    return result;
}
