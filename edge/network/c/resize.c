/* Resizes an image of bytes to the last bit as Pillow does: every pixel is a weighted sum of some in a row, first across and
   then down, in integers, and rounded to a byte each time.

   Both ways are one computation, sixteen sums side by side. Across, sixteen rows are turned first, so that the pixels of a
   column of theirs follow each other. */

#include "resize.h"

#include <string.h>

#define SIDE 16          /* of a block that is turned, and sums at once */
#define WEIGHT_BITS 22   /* behind the point of a weight */
#define MOST_TAPS 0x4000 /* pixels of a sum: with more, the rounding of weights could raise white above 255 */

typedef uint16_t Shorts __attribute__((vector_size(16)));
typedef uint32_t Sums __attribute__((vector_size(16)));

#ifdef __clang__
#define SHUFFLE(TYPE, ONE, OTHER, ...) __builtin_shufflevector(ONE, OTHER, __VA_ARGS__)
#else
#define SHUFFLE(TYPE, ONE, OTHER, ...) __builtin_shuffle(ONE, OTHER, (TYPE){__VA_ARGS__})
#endif
/* The first halves of two, and the second ones, by turns; and every other byte of both, from the first on. */
#define FIRST(ONE, OTHER) SHUFFLE(Bytes, ONE, OTHER, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define SECOND(ONE, OTHER) SHUFFLE(Bytes, ONE, OTHER, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define EVEN(ONE, OTHER) SHUFFLE(Bytes, ONE, OTHER, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define FIRST_SHORTS(ONE, OTHER) SHUFFLE(Shorts, ONE, OTHER, 0, 8, 1, 9, 2, 10, 3, 11)
#define SECOND_SHORTS(ONE, OTHER) SHUFFLE(Shorts, ONE, OTHER, 4, 12, 5, 13, 6, 14, 7, 15)

#define INLINE static inline __attribute__((always_inline))

/* One dimension: where the pixels of each sum begin, [size], and their weights, [size, taps]. */
typedef struct {
    Py_ssize_t size, taps;
    const int32_t *first, *weights;
} Axis;

/* Sixteen sums of `taps` pixels, which lie `step` bytes apart. */
INLINE void weigh(const uint8_t *from, Py_ssize_t step, const int32_t *weights, Py_ssize_t taps, uint8_t *to)
{
    const Bytes zero = {0};
    const Shorts zeros = {0};
    const Sums half = (Sums){0} + (1 << (WEIGHT_BITS - 1));
    Sums sums[4] = {half, half, half, half};
    for (Py_ssize_t tap = 0; tap < taps; tap++, from += step) {
        const Sums weight = (Sums){0} + (uint32_t)weights[tap];
        Bytes pixels;
        memcpy(&pixels, from, SIDE);
        const Shorts first = (Shorts)FIRST(pixels, zero), second = (Shorts)SECOND(pixels, zero);
        sums[0] += (Sums)FIRST_SHORTS(first, zeros) * weight;
        sums[1] += (Sums)SECOND_SHORTS(first, zeros) * weight;
        sums[2] += (Sums)FIRST_SHORTS(second, zeros) * weight;
        sums[3] += (Sums)SECOND_SHORTS(second, zeros) * weight;
    }
    _Pragma("GCC unroll 4")
    for (int i = 0; i < 4; i++)
        sums[i] >>= WEIGHT_BITS;
    const Bytes all = EVEN(EVEN((Bytes)sums[0], (Bytes)sums[1]), EVEN((Bytes)sums[2], (Bytes)sums[3]));
    memcpy(to, &all, SIDE);
}

/* Turns a block of sixteen by sixteen bytes: rows become columns. */
INLINE void turn(const uint8_t *from, Py_ssize_t row, uint8_t *to, Py_ssize_t row_to)
{
    Bytes rows[SIDE], mixed[SIDE];
    _Pragma("GCC unroll 16")
    for (int i = 0; i < SIDE; i++)
        memcpy(&rows[i], from + i * row, SIDE);
    _Pragma("GCC unroll 4")
    for (int round = 0; round < 4; round++) {
        _Pragma("GCC unroll 16")
        for (int i = 0; i < SIDE / 2; i++) {
            mixed[2 * i] = FIRST(rows[i], rows[i + SIDE / 2]);
            mixed[2 * i + 1] = SECOND(rows[i], rows[i + SIDE / 2]);
        }
        _Pragma("GCC unroll 16")
        for (int i = 0; i < SIDE; i++)
            rows[i] = mixed[i];
    }
    _Pragma("GCC unroll 16")
    for (int i = 0; i < SIDE; i++)
        memcpy(to + i * row_to, &rows[i], SIDE);
}

/* The same of a block of which fewer rows or columns are there. */
static void turn_part(const uint8_t *from, Py_ssize_t row, Py_ssize_t rows, Py_ssize_t columns, uint8_t *to)
{
    for (Py_ssize_t j = 0; j < columns; j++)
        for (Py_ssize_t i = 0; i < rows; i++)
            to[j * SIDE + i] = from[i * row + j];
}

/* Turns some of sixteen rows, of `width` bytes each, into as many bytes for each column. */
INLINE void turn_rows(const uint8_t *from, Py_ssize_t rows, Py_ssize_t width, uint8_t *to)
{
    const Py_ssize_t whole = rows < SIDE ? 0 : width / SIDE * SIDE;
    for (Py_ssize_t column = 0; column < whole; column += SIDE)
        turn(from + column, width, to + column * SIDE, SIDE);
    if (whole < width)
        turn_part(from + whole, width, rows < SIDE ? rows : SIDE, width - whole, to + whole * SIDE);
}

/* Room for what is computed: the rows resized across, in whole blocks, and sixteen turned rows before and after. */
typedef struct {
    Py_ssize_t stride;
    uint8_t *across, *turned, *found;
} Room;

INLINE void resize_across(const uint8_t *from, Py_ssize_t rows, Py_ssize_t width, const Axis *axis, const Room *room)
{
    uint8_t *to = room->across;
    for (; rows > 0; rows -= SIDE, from += SIDE * width, to += SIDE * room->stride) {
        turn_rows(from, rows, width, room->turned);
        const int32_t *weights = axis->weights;
        for (Py_ssize_t i = 0; i < axis->size; i++, weights += axis->taps)
            weigh(room->turned + axis->first[i] * SIDE, SIDE, weights, axis->taps, room->found + i * SIDE);
        for (Py_ssize_t column = 0; column < axis->size; column += SIDE)
            turn(room->found + column * SIDE, SIDE, to + column, room->stride);
    }
}

INLINE void resize_down(const Room *room, const Axis *axis, Py_ssize_t width, uint8_t *to)
{
    const Py_ssize_t whole = width / SIDE * SIDE;
    const int32_t *weights = axis->weights;
    for (Py_ssize_t i = 0; i < axis->size; i++, weights += axis->taps, to += width) {
        const uint8_t *from = room->across + axis->first[i] * room->stride;
        for (Py_ssize_t column = 0; column < whole; column += SIDE)
            weigh(from + column, room->stride, weights, axis->taps, to + column);
        if (whole < width) {
            uint8_t rest[SIDE];
            weigh(from + whole, room->stride, weights, axis->taps, rest);
            memcpy(to + whole, rest, width - whole);
        }
    }
}

#define RESIZE(NAME, ATTRIBUTE)                                                                                       \
    static ATTRIBUTE void resize_##NAME(const Py_buffer *image, const Axis *columns, const Axis *rows,               \
                                        const Room *room, uint8_t *to)                                               \
    {                                                                                                                 \
        resize_across(image->buf, image->shape[0], image->shape[1], columns, room);                                   \
        resize_down(room, rows, columns->size, to);                                                                   \
    }

#ifdef __x86_64__ /* every one has SSE2, and nearly every one SSE4.1, which multiplies four numbers of 32 bits at once */
RESIZE(sse2, )
RESIZE(sse4, __attribute__((target("sse4.1"))))
#define RESIZE_HERE(...) (__builtin_cpu_supports("sse4.1") ? resize_sse4(__VA_ARGS__) : resize_sse2(__VA_ARGS__))
#else
RESIZE(simd, )
#define RESIZE_HERE(...) resize_simd(__VA_ARGS__)
#endif

/* Whether an axis is of so many sums, and all of their pixels are of so many. */
static int fits_axis(Axis *axis, const Py_buffer *first, const Py_buffer *weights, Py_ssize_t pixels, Py_ssize_t size)
{
    axis->size = size;
    axis->taps = weights->shape[1];
    axis->first = first->buf;
    axis->weights = weights->buf;
    if (size < 1 || first->shape[0] != size || weights->shape[0] != size || axis->taps < 1 || axis->taps > MOST_TAPS)
        return 0;
    for (Py_ssize_t i = 0; i < size; i++)
        if (axis->first[i] < 0 || axis->first[i] + axis->taps > pixels)
            return 0;
    return 1;
}

/* Makes room for an image; NULL where there is not so much. Zeros, so that nothing is read that was not written. */
static uint8_t *make_room(Room *room, const Py_buffer *image, Py_ssize_t width)
{
    const Py_ssize_t rows = (image->shape[0] + SIDE - 1) / SIDE * SIDE;
    room->stride = (width + SIDE - 1) / SIDE * SIDE;
    uint8_t *memory = PyMem_RawMalloc((rows + SIDE) * room->stride + SIDE * image->shape[1]);
    if (memory) {
        room->across = memory;
        room->found = room->across + rows * room->stride;
        room->turned = room->found + SIDE * room->stride;
        memset(room->found, 0, SIDE * room->stride + SIDE * image->shape[1]);
    }
    return memory;
}

PyObject *resize(PyObject *self, PyObject *arguments)
{
    static const Wanted wanted[6] = {{"B", 2, 0}, {"i", 1, 0}, {"i", 2, 0}, {"i", 1, 0}, {"i", 2, 0}, {"B", 2, 1}};
    PyObject *objects[6], *result = NULL;
    Py_buffer views[6] = {{0}};
    const Py_buffer *image = &views[0], *out = &views[5];
    Axis columns, rows;
    Room room;
    if (!PyArg_ParseTuple(arguments, "OOOOOO", &objects[0], &objects[1], &objects[2], &objects[3], &objects[4],
                          &objects[5]))
        return NULL;
    if (get_arrays(6, objects, views, wanted) < 0)
        goto done;
    if (!fits_axis(&columns, &views[1], &views[2], image->shape[1], out->shape[1]) ||
        !fits_axis(&rows, &views[3], &views[4], image->shape[0], out->shape[0])) {
        misfit();
        goto done;
    }
    uint8_t *memory = make_room(&room, image, columns.size);
    if (!memory) {
        PyErr_NoMemory();
        goto done;
    }
    Py_BEGIN_ALLOW_THREADS;
    RESIZE_HERE(image, &columns, &rows, &room, out->buf);
    Py_END_ALLOW_THREADS;
    PyMem_RawFree(memory);
    result = Py_NewRef(Py_None);
done:
    release_arrays(6, views);
    return result;
}
