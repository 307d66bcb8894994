/* Cuts windows out of a canvas and lays them out as a model takes them, as patches.Cutter does in NumPy. */

#include "windows.h"

#include <string.h>

#include "order.h"

/* Copies groups of some rows of the output that lie in a window with all of their pixels, `count` of each row. */
static void copy_groups(const Cut *cut, char *restrict to, const char *restrict from, Py_ssize_t rows, Py_ssize_t count)
{
    size_t step = cut->right * cut->pixel, row = cut->row, size = cut->length * cut->pixel, group = cut->rows * size;
    for (; rows > 0; rows--, from += cut->down * row, to += cut->wide * group)
        for (Py_ssize_t j = 0; j < count; j++)
            for (Py_ssize_t i = 0; i < cut->rows; i++)
                memcpy(to + j * group + i * size, from + j * step + i * row, size);
}

/* The same of groups of a size that is known here; COPY copies one of them. */
#define COPY_GROUPS_BY(COPY, ROWS, SIZE)                                                                              \
    static __attribute__((noinline)) void copy_groups_##ROWS##_##SIZE(const Cut *cut, char *restrict to,              \
                                                                      const char *restrict from, Py_ssize_t rows,     \
                                                                      Py_ssize_t count)                               \
    {                                                                                                                 \
        const size_t step = cut->right * cut->pixel, row = cut->row, down = cut->down * row - count * step;           \
        const size_t gap = (cut->wide - count) * ROWS * SIZE;                                                         \
        for (; rows > 0; rows--, from += down, to += gap)                                                             \
            for (const char *end = from + count * step; from != end; from += step, to += ROWS * SIZE) {               \
                COPY(ROWS, SIZE)                                                                                      \
            }                                                                                                         \
    }

/* All of a group is read before it is written, which takes half of the instructions. */
#define AT_ONCE(ROWS, SIZE)                                                                                           \
    struct {                                                                                                          \
        char of[SIZE];                                                                                                \
    } parts[ROWS];                                                                                                    \
    _Pragma("GCC unroll 8")                                                                                           \
    for (int i = 0; i < ROWS; i++)                                                                                    \
        memcpy(&parts[i], from + i * row, SIZE);                                                                      \
    IN_ORDER;                                                                                                         \
    memcpy(to, parts, ROWS * SIZE);
#define COPY_GROUPS(ROWS, SIZE) COPY_GROUPS_BY(AT_ONCE, ROWS, SIZE)

typedef uint8_t Sixteen __attribute__((vector_size(16), aligned(1), may_alias)); /* in one register */

/* Of rows of an odd size 16 bytes are read and written: those behind its own lie before the end of the next row, and are
   written over by it. Behind the last row there is none. */
#define SIXTEEN_EACH(ROWS, SIZE)                                                                                      \
    _Static_assert(SIZE >= 8 && SIZE < 16, "a row and the next must hold 16 bytes");                                  \
    _Pragma("GCC unroll 8")                                                                                           \
    for (int i = 0; i + 1 < ROWS; i++)                                                                                \
        *(Sixteen *)(to + i * SIZE) = *(const Sixteen *)(from + i * row);                                             \
    memcpy(to + (ROWS - 1) * SIZE, from + (ROWS - 1) * row, SIZE);
#define COPY_ODD_GROUPS(ROWS, SIZE) COPY_GROUPS_BY(SIXTEEN_EACH, ROWS, SIZE)

COPY_GROUPS(3, 4)
COPY_GROUPS(3, 8)
COPY_GROUPS(3, 12)
COPY_GROUPS(3, 16)
COPY_GROUPS(5, 8)
COPY_GROUPS(5, 24)
COPY_GROUPS(7, 8)
COPY_ODD_GROUPS(7, 9)
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
    COPY(3, 4) COPY(3, 8) COPY(3, 12) COPY(3, 16) COPY(5, 8) COPY(5, 24) COPY(7, 8) COPY(7, 9) COPY(7, 32)
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

int fits_windows(Windows *windows, const Py_buffer *canvas, const Py_buffer *out)
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

int fits_places(const Windows *windows, const Py_buffer *canvas, const Py_buffer *places)
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

void cut_windows(const Windows *windows, const Py_buffer *canvas, const Py_ssize_t *place, const Py_buffer *out)
{
    const Cut *cut = &windows->cut;
    Py_ssize_t count = out->shape[0], size = count ? out->len / count : 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t row = windows->first_row + place[2 * i] * windows->down;
        Py_ssize_t column = windows->first_column + place[2 * i + 1] * windows->right;
        cut_window(cut, (char *)canvas->buf + row * cut->row + column * cut->pixel, (char *)out->buf + i * size);
    }
}

PyObject *cut(PyObject *self, PyObject *arguments)
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
