/* Swaps fine vectors into a map, and copies what that changes, as assembly.Assembler does in NumPy. */

#include "swap.h"

#include <string.h>

#include "pixels.h"

static int in_range(const int32_t *values, Py_ssize_t count, Py_ssize_t end)
{
    for (Py_ssize_t i = 0; i < count; i++)
        if (values[i] < 0 || values[i] >= end)
            return 0;
    return 1;
}

int fits_map(Map *map, const Py_buffer *features, const Py_ssize_t *kernel, const Py_buffer *indices)
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

int fits_cells(const Py_buffer *cells, Py_ssize_t rows, Py_ssize_t columns)
{
    const Py_ssize_t *cell = cells->buf;
    int fit = cells->shape[0] > 0 && cells->shape[1] == 2 && cells->itemsize == sizeof *cell;
    for (Py_ssize_t i = 0; fit && i < cells->shape[0]; i++)
        fit = cell[2 * i] >= 0 && cell[2 * i] < rows && cell[2 * i + 1] >= 0 && cell[2 * i + 1] < columns;
    return fit;
}

Py_ssize_t list_windows(const Map *map, const Py_buffer *cells, char *held, Py_ssize_t *indices)
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

void swap_vectors(const Map *map, const Py_buffer *features, const Py_buffer *fine, const Py_buffer *cells)
{
    size_t vector = map->canvas->shape[2] * map->canvas->itemsize, row = map->canvas->shape[1] * vector;
    char *first = (char *)map->canvas->buf + map->above * row + map->before * vector;
    const Py_ssize_t *cell = cells->buf;
    for (Py_ssize_t i = 0; i < features->shape[0]; i++)
        memcpy(first + i * row, (char *)features->buf + i * features->shape[1] * vector, features->shape[1] * vector);
    for (Py_ssize_t i = 0; i < cells->shape[0]; i++)
        memcpy(first + cell[2 * i] * row + cell[2 * i + 1] * vector, (char *)fine->buf + i * vector, vector);
}

void copy_windows(const Map *map, const Py_ssize_t *indices, Py_ssize_t count, const Py_ssize_t *kernel, char *to)
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

PyObject *assemble(PyObject *self, PyObject *arguments)
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

int fits_rows(const Py_buffer *into, const Py_ssize_t *index, Py_ssize_t count, const Py_buffer *rows)
{
    int fit = *into->format == *rows->format && into->shape[1] == rows->shape[1] && rows->shape[0] == count;
    for (Py_ssize_t i = 0; fit && i < count; i++)
        fit = index[i] >= 0 && index[i] < into->shape[0];
    return fit;
}

void write_rows(const Py_buffer *into, const Py_ssize_t *index, const Py_buffer *rows)
{
    size_t row = into->shape[1] * into->itemsize;
    for (Py_ssize_t i = 0; i < rows->shape[0]; i++)
        memcpy((char *)into->buf + index[i] * row, (char *)rows->buf + i * row, row);
}

PyObject *put_rows(PyObject *self, PyObject *arguments)
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
