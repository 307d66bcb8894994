/* From pixels to the raw input of an int8 model, as pixels.py does in NumPy. */

#include "pixels.h"

#include <string.h>

static inline void turn_sixteen(const uint8_t *from, uint8_t *to)
{
    Bytes some;
    memcpy(&some, from, 16);
    some ^= 0x80;
    memcpy(to, &some, 16);
}

void turn_over(const uint8_t *from, Py_ssize_t rows, Py_ssize_t row, const Py_buffer *canvas, Py_ssize_t above,
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

int holds(const Py_buffer *canvas, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t above, Py_ssize_t before)
{
    return ARE_SMALL(above, before) && above >= 0 && before >= 0 && above + rows <= canvas->shape[0] &&
           before + columns <= canvas->shape[1];
}

PyObject *put_pixels(PyObject *self, PyObject *arguments)
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
