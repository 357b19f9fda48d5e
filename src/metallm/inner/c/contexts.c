/* A context's projection on the directions of a basis (learners/basis.py). */
#include "arrays.h"
#include "loops.h"

#include <stdlib.h>
#include <string.h>

WIDE static void onto(const double *centred, const double *directions, double *restrict z,
                      size from, size to)
{
    z[0] = 1.0;
    memset(z + 1, 0, (size_t)to * sizeof(double));
    add_rows(z + 1, centred, directions, from, to);
}

static PyObject *project(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted[4] = {{"context", CONTEXT, 2, READ},
                                     {"mean", DOUBLES, 1, READ},
                                     {"directions", DOUBLES, 2, READ},
                                     {"out", DOUBLES, 2, WRITE}};
    Array arrays[4];
    (void)module;
    if (arguments_fit("project", given, 4) < 0 || arrays_take(arrays, args, wanted, 4) < 0)
        return NULL;
    const size from = arrays[1].shape[0], to = arrays[2].shape[1];
    double *centred = NULL;
    int failed = array_fits(&arrays[0], "context", 1, from, -1) < 0 ||
                 array_fits(&arrays[2], "directions", from, -1, -1) < 0 ||
                 array_fits(&arrays[3], "out", 1, to + 1, -1) < 0;
    if (!failed && (centred = malloc(((size_t)from + 1) * sizeof(double))) == NULL) {
        PyErr_NoMemory();
        failed = 1;
    }
    if (!failed) {
        const double *mean = doubles(&arrays[1]), *wide = arrays[0].data;
        const float *narrow = arrays[0].data;
        if (is_float32(&arrays[0]))
            for (size i = 0; i < from; i++)
                centred[i] = (double)narrow[i] - mean[i];
        else
            for (size i = 0; i < from; i++)
                centred[i] = wide[i] - mean[i];
        onto(centred, doubles(&arrays[2]), doubles(&arrays[3]), from, to);
    }
    free(centred);
    arrays_release(arrays, 4);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

PyMethodDef contexts_methods[] = {
    {"project", (PyCFunction)(void (*)(void))project, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};
