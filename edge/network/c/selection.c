/* The cells of highest saliency, as saliency.select_cells selects them in NumPy. */

#include "selection.h"

#include <string.h>

typedef float Four __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t Words __attribute__((vector_size(16)));

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

int fits_selection(const Py_buffer *saliency, const Py_buffer *cells)
{
    return cells->shape[0] <= saliency->shape[0] * saliency->shape[1] && cells->shape[1] == 2 &&
           cells->itemsize == sizeof(Py_ssize_t);
}

void to_cells(const Py_buffer *saliency, const Py_buffer *cells)
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

PyObject *select_cells(PyObject *self, PyObject *arguments)
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
