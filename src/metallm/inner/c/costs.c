/* Expected costs of one query (learners/cost.py). */
#include "arrays.h"
#include "loops.h"

#include <math.h>
#include <string.h>

/* out = exp(z . theta + shift) * listed of z = (1, length, features) */
WIDE static void expect(double length, const float *narrow, const double *wide, const double *theta,
                        const double *shift, const double *listed, double *restrict out,
                        size features, size arms)
{
    for (size arm = 0; arm < arms; arm++)
        out[arm] = shift[arm] + theta[arm] + length * theta[arms + arm];
    for (size i = 0; i < features; i++) {
        const double *restrict row = theta + (i + 2) * arms;
        const double own = narrow != NULL ? (double)narrow[i] : wide[i];
        for (size arm = 0; own != 0.0 && arm < arms; arm++)
            out[arm] += own * row[arm];
    }
    for (size arm = 0; arm < arms; arm++)
        out[arm] = exp(out[arm]) * listed[arm];
}

static PyObject *expected_costs(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted[5] = {{"context", CONTEXT, 2, READ},
                                     {"theta", DOUBLES, 2, READ},
                                     {"shift", DOUBLES, 1, READ},
                                     {"listed", DOUBLES, 2, READ},
                                     {"out", DOUBLES, 2, WRITE}};
    Array arrays[5];
    (void)module;
    if (arguments_fit("expected_costs", given, 6) < 0)
        return NULL;
    const double long_ = PyFloat_AsDouble(args[5]);
    if (PyErr_Occurred() || arrays_take(arrays, args, wanted, 5) < 0)
        return NULL;
    const size dim = arrays[0].shape[1], arms = arrays[1].shape[1];
    const size features = arrays[1].shape[0] - 2;
    int failed = array_fits(&arrays[0], "context", 1, -1, -1) < 0 ||
                 array_fits(&arrays[2], "shift", arms, -1, -1) < 0 ||
                 array_fits(&arrays[3], "listed", 1, arms, -1) < 0 ||
                 array_fits(&arrays[4], "out", 1, arms, -1) < 0;
    if (!failed && (features < 0 || features > dim)) {
        PyErr_Format(PyExc_ValueError, "theta has length %zd along axis 0, not 2 to %zd",
                     features + 2, dim + 2);
        failed = 1;
    }
    if (!failed) {
        const size first = dim - features;
        const int narrow = is_float32(&arrays[0]);
        expect(long_, narrow ? floats(&arrays[0]) + first : NULL,
               narrow ? NULL : doubles(&arrays[0]) + first, doubles(&arrays[1]),
               doubles(&arrays[2]), doubles(&arrays[3]), doubles(&arrays[4]), features, arms);
    }
    arrays_release(arrays, 5);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

PyMethodDef costs_methods[] = {
    {"expected_costs", (PyCFunction)(void (*)(void))expected_costs, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};
