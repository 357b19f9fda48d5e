/* metallm.inner.RidgeLoops: what ArmRidge does for one query and one outcome (learners/ridge.py has
   the letters). The arrays are the ridge's own: this sees what is done to them elsewhere. */
#include "arrays.h"
#include "loops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SOLVED, SUMS, L2, PRIOR, RESIDUAL, VARIANCE, HELD };

static const Wanted held[HELD] = {
    {"solved", DOUBLES, 3, WRITE}, {"sums", DOUBLES, 3, WRITE},     {"l2", DOUBLES, 1, WRITE},
    {"prior", DOUBLES, 1, WRITE},  {"residual", DOUBLES, 1, WRITE}, {"variance", DOUBLES, 1, WRITE},
};

typedef struct {
    PyObject_HEAD
    Array arrays[HELD];
    int taken;
    size arms, dim;
    double *scratch; /* d numbers */
    char *stale;     /* per arm: its residual is out of date */
    int any_stale;
    double default_weight, default_sum;
} Ridge;

static int check_shapes(Ridge *self)
{
    const size arms = self->arrays[SOLVED].shape[0], d = self->arrays[SOLVED].shape[2];
    self->arms = arms;
    self->dim = d;
    if (array_fits(&self->arrays[SOLVED], "solved", -1, d + 1, -1) < 0 ||
        array_fits(&self->arrays[SUMS], "sums", arms, d + 2, d + 2) < 0 ||
        array_fits(&self->arrays[L2], "l2", d, -1, -1) < 0 ||
        array_fits(&self->arrays[PRIOR], "prior", d, -1, -1) < 0 ||
        array_fits(&self->arrays[RESIDUAL], "residual", arms, -1, -1) < 0 ||
        array_fits(&self->arrays[VARIANCE], "variance", arms, -1, -1) < 0)
        return -1;
    return 0;
}

static void forget_all(Ridge *self)
{
    memset(self->stale, 1, (size_t)self->arms);
    self->any_stale = 1;
}

static PyObject *ridge_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *objects[HELD];
    double default_variance, variance_weight;
    if (kwargs != NULL && PyDict_Size(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "RidgeLoops takes no keyword arguments");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "OOOOOOdd", &objects[0], &objects[1], &objects[2], &objects[3],
                          &objects[4], &objects[5], &default_variance, &variance_weight))
        return NULL;
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Ridge *self = (Ridge *)alloc(type, 0);
    if (self == NULL)
        return NULL;
    if (arrays_take(self->arrays, objects, held, HELD) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    self->taken = 1;
    if (check_shapes(self) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    self->default_weight = variance_weight;
    self->default_sum = variance_weight * default_variance;
    self->scratch = calloc((size_t)self->dim + 1, sizeof(double));
    self->stale = malloc((size_t)self->arms + 1);
    if (self->scratch == NULL || self->stale == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    forget_all(self);
    return (PyObject *)self;
}

static void ridge_dealloc(PyObject *object)
{
    Ridge *self = (Ridge *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (self->taken)
        arrays_release(self->arrays, HELD);
    free(self->scratch);
    free(self->stale);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static PyObject *ridge_forget(PyObject *object, PyObject *Py_UNUSED(none))
{
    forget_all((Ridge *)object);
    Py_RETURN_NONE;
}

/* Residual and variance of the arms that learned since they were last computed. */
WIDE static void refresh(Ridge *self)
{
    const size d = self->dim;
    const double *l2 = doubles(&self->arrays[L2]), *prior = doubles(&self->arrays[PRIOR]);
    double *slope = self->scratch;
    for (size arm = 0; arm < self->arms; arm++) {
        if (!self->stale[arm])
            continue;
        const double *sums = doubles(&self->arrays[SUMS]) + arm * (d + 2) * (d + 2);
        const double *theta = doubles(&self->arrays[SOLVED]) + arm * (d + 1) * d + d * d;
        for (size j = 0; j < d; j++)
            slope[j] = l2[j] * (theta[j] - prior[j]) + sums[d * (d + 2) + j];
        const double left = sums[d * (d + 2) + d] - dot(theta, slope, d);
        const double residual = left > 0.0 || left != left ? left : 0.0;
        const double n = sums[(d + 1) * (d + 2) + d + 1];
        doubles(&self->arrays[RESIDUAL])[arm] = residual;
        doubles(&self->arrays[VARIANCE])[arm] =
            (self->default_sum + residual) / (self->default_weight + n);
        self->stale[arm] = 0;
    }
    self->any_stale = 0;
}

static PyObject *ridge_refresh(PyObject *object, PyObject *Py_UNUSED(none))
{
    Ridge *self = (Ridge *)object;
    if (self->any_stale)
        refresh(self);
    Py_RETURN_NONE;
}

/* Estimates, and the square roots of x' P x times `variance` (1 where that is NULL). */
WIDE static void moments(const Ridge *self, const double *z, const double *variance, double *out)
{
    const size d = self->dim, arms = self->arms;
    const double *solved = doubles(&self->arrays[SOLVED]);
    for (size arm = 0; arm < arms; arm++, solved += (d + 1) * d) {
        const double square = quadratic(solved, z, d);
        out[arm] = dot(solved + d * d, z, d);
        out[arms + arm] = sqrt((square < 0.0 ? 0.0 : square) * (variance ? variance[arm] : 1.0));
    }
}

static PyObject *ridge_moments(PyObject *object, PyObject *const *args, size given)
{
    static const Wanted wanted[2] = {{"z", DOUBLES, 2, READ}, {"out", DOUBLES, 3, WRITE}};
    Ridge *self = (Ridge *)object;
    Array arrays[2];
    if (arguments_fit("moments", given, 3) < 0)
        return NULL;
    const int with_error = PyObject_IsTrue(args[2]);
    if (with_error < 0 || arrays_take(arrays, args, wanted, 2) < 0)
        return NULL;
    int failed = array_fits(&arrays[0], "z", 1, self->dim, -1) < 0 ||
                 array_fits(&arrays[1], "out", 2, 1, self->arms) < 0;
    if (!failed) {
        if (with_error && self->any_stale)
            refresh(self);
        moments(self, doubles(&arrays[0]), with_error ? doubles(&self->arrays[VARIANCE]) : NULL,
                doubles(&arrays[1]));
    }
    arrays_release(arrays, 2);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

WIDE static void learn(const Ridge *self, size arm, const double *z, double y, double weight)
{
    const size d = self->dim, wide = d + 2;
    double *solved = doubles(&self->arrays[SOLVED]) + arm * (d + 1) * d;
    double *restrict theta = solved + d * d;
    double *sums = doubles(&self->arrays[SUMS]) + arm * wide * wide;
    double *restrict through = self->scratch;
    memset(through, 0, (size_t)d * sizeof(double));
    add_rows(through, z, solved, d, d);
    const double gain = weight / (1.0 + weight * dot(through, z, d));
    const double step = (dot(theta, z, d) - y) * gain;
    downdate(solved, through, gain, d);
    for (size j = 0; j < d; j++)
        theta[j] -= step * through[j];
    for (size i = 0; i < wide; i++) {
        const double own = i < d ? z[i] : i == d ? y : 1.0;
        double *restrict row = sums + i * wide;
        const double times = weight * own;
        for (size j = 0; j < d; j++)
            row[j] += times * z[j];
        row[d] += times * y;
        row[d + 1] += times;
    }
}

static PyObject *ridge_update(PyObject *object, PyObject *const *args, size given)
{
    static const Wanted wanted = {"z", DOUBLES, 1, READ};
    Ridge *self = (Ridge *)object;
    Array z;
    if (arguments_fit("update", given, 4) < 0)
        return NULL;
    const long long arm = PyLong_AsLongLong(args[0]);
    const double y = PyFloat_AsDouble(args[2]), weight = PyFloat_AsDouble(args[3]);
    if (PyErr_Occurred() || place_fits("arm", arm, self->arms) < 0 ||
        array_take(&z, args[1], wanted) < 0)
        return NULL;
    const int failed = array_fits(&z, "z", self->dim, -1, -1) < 0;
    if (!failed) {
        learn(self, (size)arm, doubles(&z), y, weight);
        self->stale[arm] = 1;
        self->any_stale = 1;
    }
    arrays_release(&z, 1);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"forget", ridge_forget, METH_NOARGS, NULL},
    {"refresh", ridge_refresh, METH_NOARGS, NULL},
    {"moments", (PyCFunction)(void (*)(void))ridge_moments, METH_FASTCALL, NULL},
    {"update", (PyCFunction)(void (*)(void))ridge_update, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, ridge_new},
    {Py_tp_dealloc, ridge_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    "metallm.inner._compiled.RidgeLoops", sizeof(Ridge), 0, Py_TPFLAGS_DEFAULT, slots,
};

PyObject *ridge_type(PyObject *module)
{
    return PyType_FromModuleAndSpec(module, &spec, NULL);
}
