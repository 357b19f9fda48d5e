/* Dual coordinate ascent for softmax regression, one row at a time; inner/pure/softmax.py has the
   letters. */
#include "arrays.h"
#include "loops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROUNDS = 40 };

static const double CLOSE = 1e-13;

/* omega with omega + log omega = z (Lawrence, Corless & Jeffrey 2012) */
static double wright(double z)
{
    if (z < -40.0)
        return exp(z);
    const double low = z > 1.0 ? 0.0 : exp(z);
    double omega = z > 1.0 ? z - log(z) : low / (1.0 + low);
    for (int round = 0; round < 2; round++) {
        const double left = z - omega - log(omega), one = 1.0 + omega;
        const double term = 2.0 * one * (one + left * (2.0 / 3.0));
        omega *= 1.0 + left / one * (term - left) / (term - 2.0 * left);
    }
    return omega;
}

static double largest(const double *numbers, size count)
{
    double top = numbers[0];
    for (size i = 1; i < count; i++)
        top = numbers[i] > top ? numbers[i] : top;
    return top;
}

static void softmax(double *scores, size labels)
{
    const double top = largest(scores, labels);
    double sum = 0.0;
    for (size k = 0; k < labels; k++)
        sum += scores[k] = exp(scores[k] - top);
    for (size k = 0; k < labels; k++)
        scores[k] /= sum;
}

/* mu with log mu + c mu = a + lambda that sums to 1; `z` holds a, and gets mu from `omega` */
static void fixed_point(double *z, double *omega, double c, size labels)
{
    const double raise = c + log(c) - largest(z, labels);
    double sum, slope, shift = 0.0;
    for (size k = 0; k < labels; k++)
        z[k] += raise;
    for (int round = 0;; round++) {
        sum = slope = 0.0;
        for (size k = 0; k < labels; k++) {
            omega[k] = wright(z[k] + shift);
            sum += omega[k];
            slope += omega[k] / (1.0 + omega[k]);
        }
        if (round == MOST_ROUNDS || !(sum - c > CLOSE * c))
            break;
        shift -= (sum - c) / slope;
    }
    for (size k = 0; k < labels; k++)
        z[k] = omega[k] / sum;
}

/* `scores` without the row's own part become what its alpha is best changed to */
static void best(double *scores, double *scratch, double q, size label, double C, size labels)
{
    const double c = C > 0.0 ? q * C : 0.0;
    scores[label] += c;
    if (c > 0.0)
        fixed_point(scores, scratch, c, labels);
    else
        softmax(scores, labels);
    for (size k = 0; k < labels; k++)
        scores[k] *= -C;
    scores[label] += C;
}

typedef struct {
    const uint16_t *ids;
    const double *df;
    double *V;
    size count, entries, labels;
    double rows, bias;
} Words;

/* Scores of a text, and its |idf|. */
WIDE static double words_scores(Words at, double *restrict out)
{
    const size labels = at.labels;
    double total = 0.0;
    memset(out, 0, (size_t)labels * sizeof *out);
    for (size i = 0; i < at.count; i++) {
        const double known = at.df[at.ids[i]];
        if (!(known > 0.0))
            continue;
        const double idf = 1.0 + log((1.0 + at.rows) / (1.0 + known)), square = idf * idf;
        const double *restrict row = at.V + at.ids[i] * labels;
        total += square;
        for (size k = 0; k < labels; k++)
            out[k] += square * row[k];
    }
    const double norm = sqrt(total);
    const double *restrict last = at.V + at.entries * labels;
    for (size k = 0; k < labels; k++)
        out[k] = (norm > 0.0 ? out[k] / norm : 0.0) + at.bias * last[k];
    return norm;
}

WIDE static double words_step(Words at, double *restrict alpha, double norm, size label, double C,
                              double *scratch)
{
    const size labels = at.labels;
    double *restrict after = scratch, *restrict change = scratch + labels;
    const double now = words_scores(at, after), square = at.bias * at.bias;
    const double own = (now > 0.0 ? now / norm : 0.0) + square;
    const double scale = now > 0.0 ? now : 1.0;
    for (size k = 0; k < labels; k++)
        after[k] -= own * alpha[k];
    best(after, change, (now > 0.0 ? 1.0 : 0.0) + square, label, C, labels);
    for (size k = 0; k < labels; k++)
        change[k] = after[k] / scale - alpha[k] / norm;
    for (size i = 0; i < at.count; i++) {
        double *restrict row = at.V + at.ids[i] * labels;
        for (size k = 0; k < labels; k++)
            row[k] += change[k];
    }
    double *restrict last = at.V + at.entries * labels;
    for (size k = 0; k < labels; k++) {
        last[k] += at.bias * (after[k] - alpha[k]);
        alpha[k] = after[k];
    }
    return scale;
}

/* 0 where all fits: V is (H + 1, L), all ids are below H. */
static int words_fit(const Array *ids, const Array *df, const Array *V, size labels)
{
    if (array_fits(V, "V", df->shape[0] + 1, labels, -1) < 0)
        return -1;
    if (ids->shape[0] == 0)
        return place_fits("id", 0, df->shape[0]);
    uint16_t top = 0;
    for (size i = 0; i < ids->shape[0]; i++)
        top = words(ids)[i] > top ? words(ids)[i] : top;
    return place_fits("id", top, df->shape[0]);
}

static Words words_of(const Array *arrays, double rows, double bias)
{
    return (Words){words(&arrays[0]),  doubles(&arrays[1]),      doubles(&arrays[2]),
                   arrays[0].shape[0], arrays[1].shape[0], arrays[2].shape[1], rows, bias};
}

static PyObject *sparse_scores(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted[4] = {{"ids", SMALL, 1, READ}, {"df", DOUBLES, 1, READ},
                                     {"V", DOUBLES, 2, READ}, {"out", DOUBLES, 1, WRITE}};
    Array arrays[4];
    (void)module;
    if (arguments_fit("sparse_scores", given, 6) < 0)
        return NULL;
    const double rows = PyFloat_AsDouble(args[2]), bias = PyFloat_AsDouble(args[5]);
    PyObject *const taken[4] = {args[0], args[1], args[3], args[4]};
    if (PyErr_Occurred() || arrays_take(arrays, taken, wanted, 4) < 0)
        return NULL;
    double norm = -1.0;
    if (words_fit(&arrays[0], &arrays[1], &arrays[2], arrays[3].shape[0]) == 0)
        norm = words_scores(words_of(arrays, rows, bias), doubles(&arrays[3]));
    arrays_release(arrays, 4);
    return norm < 0.0 ? NULL : PyFloat_FromDouble(norm);
}

static PyObject *sparse_step(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted[4] = {{"ids", SMALL, 1, READ}, {"df", DOUBLES, 1, READ},
                                     {"V", DOUBLES, 2, WRITE}, {"alpha", DOUBLES, 1, WRITE}};
    Array arrays[4];
    (void)module;
    if (arguments_fit("sparse_step", given, 9) < 0)
        return NULL;
    const double rows = PyFloat_AsDouble(args[2]), norm = PyFloat_AsDouble(args[5]);
    const double C = PyFloat_AsDouble(args[7]), bias = PyFloat_AsDouble(args[8]);
    const long long label = PyLong_AsLongLong(args[6]);
    PyObject *const taken[4] = {args[0], args[1], args[3], args[4]};
    if (PyErr_Occurred() || arrays_take(arrays, taken, wanted, 4) < 0)
        return NULL;
    const size labels = arrays[3].shape[0];
    double scale = -1.0;
    if (words_fit(&arrays[0], &arrays[1], &arrays[2], labels) == 0 &&
        place_fits("label", label, labels) == 0) {
        double *scratch = malloc(2 * (size_t)labels * sizeof *scratch);
        if (scratch == NULL)
            PyErr_NoMemory();
        else
            scale = words_step(words_of(arrays, rows, bias), doubles(&arrays[3]), norm,
                               (size)label, C, scratch);
        free(scratch);
    }
    arrays_release(arrays, 4);
    return scale < 0.0 ? NULL : PyFloat_FromDouble(scale);
}

/* A context in float64. */
static void widen(const Array *x, double *wide)
{
    for (size j = 0; j < x->shape[0]; j++)
        wide[j] = is_float32(x) ? (double)floats(x)[j] : doubles(x)[j];
}

WIDE static void context_scores(const double *x, const double *W, size dim, size labels,
                                double bias, double *out)
{
    for (size k = 0; k < labels; k++, W += dim + 1)
        out[k] = dot(W, x, dim) + bias * W[dim];
}

WIDE static void context_step(const double *restrict x, double *restrict W, size dim, size labels,
                              double *restrict alpha, size label, double C, double bias,
                              double *scratch)
{
    double *restrict after = scratch;
    const double q = dot(x, x, dim) + bias * bias;
    context_scores(x, W, dim, labels, bias, after);
    for (size k = 0; k < labels; k++)
        after[k] -= q * alpha[k];
    best(after, scratch + labels, q, label, C, labels);
    for (size k = 0; k < labels; k++, W += dim + 1) {
        const double change = after[k] - alpha[k];
        for (size j = 0; j < dim; j++)
            W[j] += change * x[j];
        W[dim] += bias * change;
        alpha[k] = after[k];
    }
}

static PyObject *dense_scores(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted[3] = {
        {"x", CONTEXT, 1, READ}, {"W", DOUBLES, 2, READ}, {"out", DOUBLES, 1, WRITE}};
    Array arrays[3];
    (void)module;
    if (arguments_fit("dense_scores", given, 4) < 0)
        return NULL;
    const double bias = PyFloat_AsDouble(args[3]);
    if (PyErr_Occurred() || arrays_take(arrays, args, wanted, 3) < 0)
        return NULL;
    const size dim = arrays[0].shape[0], labels = arrays[2].shape[0];
    int failed = array_fits(&arrays[1], "W", labels, dim + 1, -1) < 0;
    double *wide = failed ? NULL : malloc(((size_t)dim + 1) * sizeof *wide);
    if (!failed && wide == NULL) {
        PyErr_NoMemory();
        failed = 1;
    }
    if (!failed) {
        widen(&arrays[0], wide);
        context_scores(wide, doubles(&arrays[1]), dim, labels, bias, doubles(&arrays[2]));
    }
    free(wide);
    arrays_release(arrays, 3);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *dense_step(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted[3] = {
        {"x", CONTEXT, 1, READ}, {"W", DOUBLES, 2, WRITE}, {"alpha", DOUBLES, 1, WRITE}};
    Array arrays[3];
    (void)module;
    if (arguments_fit("dense_step", given, 6) < 0)
        return NULL;
    const long long label = PyLong_AsLongLong(args[3]);
    const double C = PyFloat_AsDouble(args[4]), bias = PyFloat_AsDouble(args[5]);
    if (PyErr_Occurred() || arrays_take(arrays, args, wanted, 3) < 0)
        return NULL;
    const size dim = arrays[0].shape[0], labels = arrays[2].shape[0];
    int failed = array_fits(&arrays[1], "W", labels, dim + 1, -1) < 0 ||
                 place_fits("label", label, labels) < 0;
    double *scratch =
        failed ? NULL : malloc(((size_t)dim + 2 * (size_t)labels) * sizeof *scratch);
    if (!failed && scratch == NULL) {
        PyErr_NoMemory();
        failed = 1;
    }
    if (!failed) {
        double *wide = scratch + 2 * labels;
        widen(&arrays[0], wide);
        context_step(wide, doubles(&arrays[1]), dim, labels, doubles(&arrays[2]), (size)label, C,
                     bias, scratch);
    }
    free(scratch);
    arrays_release(arrays, 3);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

PyMethodDef softmax_methods[] = {
    {"sparse_scores", (PyCFunction)(void (*)(void))sparse_scores, METH_FASTCALL, NULL},
    {"sparse_step", (PyCFunction)(void (*)(void))sparse_step, METH_FASTCALL, NULL},
    {"dense_scores", (PyCFunction)(void (*)(void))dense_scores, METH_FASTCALL, NULL},
    {"dense_step", (PyCFunction)(void (*)(void))dense_step, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};
