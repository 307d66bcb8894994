/* Computes and copies what lies between the models, in C. The files of c/ say the same as Python's of like names do in NumPy;
   here no array and no call stands between any two sums. compiled.py documents the arguments. */

#include "c/answer.h"
#include "c/clock.h"
#include "c/pixels.h"
#include "c/presence.h"
#include "c/resize.h"
#include "c/saliency.h"
#include "c/selection.h"
#include "c/stages.h"
#include "c/swap.h"
#include "c/windows.h"

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

#define VERSION 7 /* of what is here, which compiled.py asks for; one more with every change of it */

PyMODINIT_FUNC PyInit__compiled(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made && (PyModule_AddType(made, &stages_type) < 0 || PyModule_AddType(made, &clock_type) < 0 ||
                 PyModule_AddIntConstant(made, "VERSION", VERSION) < 0))
        Py_CLEAR(made);
    return made;
}
