/* Kernel ridge for one query and one outcome (learners/kernel.py has the letters). */
#include "arrays.h"
#include "loops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 };

/* e^x of numbers that are 0 or less, in place, within 2 units in the last place. C's own would be
   called number by number. x = n ln 2 + r, and e^r by its series: r is at most ln 2 / 2. */
PART void exponentials(double *restrict x, size count)
{
    static const double c[12] = {
        1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0,
        1.0 / 362880.0,     1.0 / 40320.0,     1.0 / 5040.0,     1.0 / 720.0,
        1.0 / 120.0,        1.0 / 24.0,        1.0 / 6.0,        0.5,
    };
    const double shift = 0x1.8p52; /* adding it rounds, and leaves n in the lowest bits */
    double own[BLOCK], shifted[BLOCK];
    uint64_t bits[BLOCK];
    for (size first = 0; first < count; first += BLOCK) {
        const size many = count - first < BLOCK ? count - first : BLOCK;
        for (size i = 0; i < many; i++) {
            own[i] = x[first + i] < -708.0 ? -708.0 : x[first + i];
            shifted[i] = own[i] * 0x1.71547652b82fep0 + shift;
        }
        memcpy(bits, shifted, (size_t)many * sizeof *bits);
        for (size i = 0; i < many; i++) {
            const double n = shifted[i] - shift;
            const double r = (own[i] - n * 0x1.62e42fefa3800p-1) - n * 0x1.ef35793c76730p-45;
            double sum = c[0];
            for (int term = 1; term < 12; term++)
                sum = sum * r + c[term];
            own[i] = (sum * r + 1.0) * r + 1.0;
            bits[i] = (bits[i] + 1023u) << 52;
        }
        memcpy(shifted, bits, (size_t)many * sizeof *bits);
        for (size i = 0; i < many; i++)
            x[first + i] = own[i] * shifted[i];
    }
}

/* k(x, Z) = exp(-scale |x - z|^2) */
PART void near(const double *x, const double *points, const double *squares, double scale,
               double *restrict out, size count, size dim)
{
    const double own = dot(x, x, dim);
    for (size i = 0; i < count; i++) {
        const double apart = (squares[i] - 2.0 * dot(points + i * dim, x, dim)) + own;
        out[i] = -scale * (apart < 0.0 ? 0.0 : apart);
    }
    exponentials(out, count);
}

typedef struct {
    const double *points, *squares;
    double scale;
    size count, dim;
} Landmarks;

WIDE static void estimate(const double *x, Landmarks at, const double *folded, const double *theta,
                          double others, double *out, size arms, double *k)
{
    near(x, at.points, at.squares, at.scale, k, at.count, at.dim);
    for (size arm = 0; arm < arms; arm++) {
        const double own =
            dot(k, folded + arm * at.count, at.count) + theta[arm * (at.count + 1)];
        out[arm] = others > 0.0 ? (out[arm] + own) / (others + 1.0) : own;
    }
}

static PyObject *kernel_predict(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted[6] = {{"x", DOUBLES, 2, READ},      {"points", DOUBLES, 2, READ},
                                     {"squares", DOUBLES, 1, READ}, {"folded", DOUBLES, 2, READ},
                                     {"theta", DOUBLES, 2, READ},   {"out", DOUBLES, 2, WRITE}};
    Array arrays[6];
    (void)module;
    if (arguments_fit("kernel_predict", given, 8) < 0)
        return NULL;
    const double scale = PyFloat_AsDouble(args[6]);
    const double others = PyErr_Occurred() ? 0.0 : PyFloat_AsDouble(args[7]);
    if (PyErr_Occurred() || arrays_take(arrays, args, wanted, 6) < 0)
        return NULL;
    const size m = arrays[1].shape[0], dim = arrays[1].shape[1], arms = arrays[3].shape[0];
    double *k = NULL;
    int failed = array_fits(&arrays[0], "x", 1, dim, -1) < 0 ||
                 array_fits(&arrays[2], "squares", m, -1, -1) < 0 ||
                 array_fits(&arrays[3], "folded", arms, m, -1) < 0 ||
                 array_fits(&arrays[4], "theta", arms, m + 1, -1) < 0 ||
                 array_fits(&arrays[5], "out", 1, arms, -1) < 0;
    if (!failed && (k = malloc(((size_t)m + 1) * sizeof(double))) == NULL) {
        PyErr_NoMemory();
        failed = 1;
    }
    if (!failed) {
        const Landmarks at = {doubles(&arrays[1]), doubles(&arrays[2]), scale, m, dim};
        estimate(doubles(&arrays[0]), at, doubles(&arrays[3]), doubles(&arrays[4]),
                 others, doubles(&arrays[5]), arms, k);
    }
    free(k);
    arrays_release(arrays, 6);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

typedef struct {
    double *P, *theta, *folded;
} Known;

/* `scratch` holds 2 m + 2 numbers. */
WIDE static void learn(const double *x, double y, double weight, Landmarks at, const double *root,
                       Known arm, double *scratch)
{
    const size m = at.count, size_ = m + 1;
    double *restrict through = scratch, *restrict phi = scratch + size_;
    near(x, at.points, at.squares, at.scale, through, m, at.dim);
    memset(phi, 0, (size_t)size_ * sizeof(double));
    phi[0] = 1.0;
    add_rows(phi + 1, through, root, m, m);
    times_lower(through, arm.P, phi, size_);
    const double gain = weight / (1.0 + weight * dot(phi, through, size_));
    const double step = gain * (y - dot(phi, arm.theta, size_));
    const double scale = sqrt(fabs(gain));
    for (size i = 0; i < size_; i++) {
        phi[i] = scale * through[i];
        through[i] *= step;
        arm.theta[i] += through[i];
    }
    downdate_lower(arm.P, phi, gain < 0.0 ? -1.0 : 1.0, size_);
    for (size i = 0; i < m; i++)
        arm.folded[i] += dot(root + i * m, through + 1, m);
}

static PyObject *kernel_update(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted[7] = {{"x", DOUBLES, 1, READ},       {"points", DOUBLES, 2, READ},
                                     {"squares", DOUBLES, 1, READ}, {"root", DOUBLES, 2, READ},
                                     {"P", DOUBLES, 3, WRITE},      {"theta", DOUBLES, 2, WRITE},
                                     {"folded", DOUBLES, 2, WRITE}};
    Array arrays[7];
    (void)module;
    if (arguments_fit("kernel_update", given, 11) < 0)
        return NULL;
    const long long arm = PyLong_AsLongLong(args[7]);
    const double y = PyFloat_AsDouble(args[8]), weight = PyFloat_AsDouble(args[9]);
    const double scale = PyFloat_AsDouble(args[10]);
    if (PyErr_Occurred() || arrays_take(arrays, args, wanted, 7) < 0)
        return NULL;
    const size m = arrays[1].shape[0], dim = arrays[1].shape[1], arms = arrays[4].shape[0];
    double *scratch = NULL;
    int failed = array_fits(&arrays[0], "x", dim, -1, -1) < 0 ||
                 array_fits(&arrays[2], "squares", m, -1, -1) < 0 ||
                 array_fits(&arrays[3], "root", m, m, -1) < 0 ||
                 array_fits(&arrays[4], "P", arms, m + 1, m + 1) < 0 ||
                 array_fits(&arrays[5], "theta", arms, m + 1, -1) < 0 ||
                 array_fits(&arrays[6], "folded", arms, m, -1) < 0 ||
                 place_fits("arm", arm, arms) < 0;
    if (!failed && (scratch = malloc((2 * (size_t)m + 2) * sizeof(double))) == NULL) {
        PyErr_NoMemory();
        failed = 1;
    }
    if (!failed) {
        const Landmarks at = {doubles(&arrays[1]), doubles(&arrays[2]), scale, m, dim};
        const Known known = {doubles(&arrays[4]) + (size)arm * (m + 1) * (m + 1),
                             doubles(&arrays[5]) + (size)arm * (m + 1),
                             doubles(&arrays[6]) + (size)arm * m};
        learn(doubles(&arrays[0]), y, weight, at, doubles(&arrays[3]), known, scratch);
    }
    free(scratch);
    arrays_release(arrays, 7);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

PyMethodDef kernel_methods[] = {
    {"kernel_predict", (PyCFunction)(void (*)(void))kernel_predict, METH_FASTCALL, NULL},
    {"kernel_update", (PyCFunction)(void (*)(void))kernel_update, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};
