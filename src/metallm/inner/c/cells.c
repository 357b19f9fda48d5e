/* Cells for one query and one outcome (learners/cells.py). */
#include "arrays.h"
#include "loops.h"

#include <stdlib.h>
#include <string.h>

WIDE static void nearest(const double *point, const double *doubled, double *restrict distances,
                         int64_t *found, size dim, size cuts, size cells)
{
    add_rows(distances, point, doubled, dim, cuts * cells);
    for (size cut = 0; cut < cuts; cut++) {
        const double *own = distances + cut * cells;
        size best = 0;
        for (size cell = 1; cell < cells; cell++)
            if (own[cell] < own[best])
                best = cell;
        found[cut] = cut * cells + best;
    }
}

/* Squared distances less the point's own square, in room that the caller frees; NULL with an
   exception where a point, centres (times -2) and their squares do not belong together. */
static double *distances_for(const Array *point, const Array *doubled, const Array *squares,
                             size cuts)
{
    const size dim = doubled->shape[0], all = doubled->shape[1];
    if (array_fits(point, "point", 1, dim, -1) < 0 || array_fits(squares, "squares", all, -1, -1) < 0)
        return NULL;
    if (cuts <= 0 || all < cuts || all % cuts != 0) {
        PyErr_Format(PyExc_ValueError, "%zd cells cannot be cut %zd times alike", all, cuts);
        return NULL;
    }
    double *distances = malloc((size_t)all * sizeof(double));
    if (distances == NULL)
        PyErr_NoMemory();
    else
        memcpy(distances, squares->data, (size_t)all * sizeof(double));
    return distances;
}

static PyObject *locate(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted[4] = {{"point", DOUBLES, 2, READ},
                                     {"doubled", DOUBLES, 2, READ},
                                     {"squares", DOUBLES, 1, READ},
                                     {"out", INDICES, 2, WRITE}};
    Array arrays[4];
    (void)module;
    if (arguments_fit("locate", given, 4) < 0 || arrays_take(arrays, args, wanted, 4) < 0)
        return NULL;
    const size dim = arrays[1].shape[0], all = arrays[1].shape[1], cuts = arrays[3].shape[1];
    double *distances = array_fits(&arrays[3], "out", 1, -1, -1) < 0
                            ? NULL
                            : distances_for(&arrays[0], &arrays[1], &arrays[2], cuts);
    if (distances != NULL)
        nearest(doubles(&arrays[0]), doubles(&arrays[1]), distances, arrays[3].data, dim, cuts,
                all / cuts);
    free(distances);
    arrays_release(arrays, 4);
    if (distances == NULL)
        return NULL;
    Py_RETURN_NONE;
}

/* Add the mean of some rows of a table to `out`; `sums` is room for one more row. */
static void add_mean(const double *table, const int64_t *rows, size count, double *restrict sums,
                     double *restrict out, size arms)
{
    memset(sums, 0, (size_t)arms * sizeof(double));
    for (size each = 0; each < count; each++)
        for (size arm = 0; arm < arms; arm++)
            sums[arm] += table[rows[each] * arms + arm];
    for (size arm = 0; arm < arms; arm++)
        out[arm] += sums[arm] / (double)count;
}

static PyObject *looked_up(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted[5] = {{"point", DOUBLES, 2, READ},
                                     {"doubled", DOUBLES, 2, READ},
                                     {"squares", DOUBLES, 1, READ},
                                     {"table", DOUBLES, 2, READ},
                                     {"out", DOUBLES, 2, WRITE}};
    Array arrays[5];
    (void)module;
    if (arguments_fit("looked_up", given, 6) < 0)
        return NULL;
    const size cuts = PyLong_AsSsize_t(args[5]);
    if (PyErr_Occurred() || arrays_take(arrays, args, wanted, 5) < 0)
        return NULL;
    const size dim = arrays[1].shape[0], all = arrays[1].shape[1], arms = arrays[3].shape[1];
    double *distances = NULL, *sums = NULL;
    int64_t *found = NULL;
    int failed = array_fits(&arrays[3], "table", all, -1, -1) < 0 ||
                 array_fits(&arrays[4], "out", 1, arms, -1) < 0 ||
                 (distances = distances_for(&arrays[0], &arrays[1], &arrays[2], cuts)) == NULL;
    if (!failed) {
        sums = malloc(((size_t)arms + 1) * sizeof(double));
        found = malloc((size_t)cuts * sizeof(int64_t));
        if (sums == NULL || found == NULL) {
            PyErr_NoMemory();
            failed = 1;
        }
    }
    if (!failed) {
        nearest(doubles(&arrays[0]), doubles(&arrays[1]), distances, found, dim, cuts, all / cuts);
        add_mean(doubles(&arrays[3]), found, cuts, sums, doubles(&arrays[4]), arms);
    }
    free(distances);
    free(sums);
    free(found);
    arrays_release(arrays, 5);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

/* Whether all cells are rows of a table; else an IndexError. */
static int cells_fit(const Array *cells, size count, size table)
{
    for (size cut = 0; cut < count; cut++)
        if (place_fits("cell", ((const int64_t *)cells->data)[cut], table) < 0)
            return -1;
    return 0;
}

static PyObject *count(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted[3] = {
        {"n", DOUBLES, 2, WRITE}, {"sy", DOUBLES, 2, WRITE}, {"cells", INDICES, 1, READ}};
    Array arrays[3];
    (void)module;
    if (arguments_fit("count", given, 6) < 0)
        return NULL;
    const long long arm = PyLong_AsLongLong(args[3]);
    const double y = PyFloat_AsDouble(args[4]), weight = PyFloat_AsDouble(args[5]);
    if (PyErr_Occurred() || arrays_take(arrays, args, wanted, 3) < 0)
        return NULL;
    const size arms = arrays[0].shape[0], all = arrays[0].shape[1], cuts = arrays[2].shape[0];
    const int failed = array_fits(&arrays[1], "sy", arms, all, -1) < 0 ||
                       place_fits("arm", arm, arms) < 0 || cells_fit(&arrays[2], cuts, all) < 0;
    for (size cut = 0; !failed && cut < cuts; cut++) {
        const size place = (size)arm * all + ((const int64_t *)arrays[2].data)[cut];
        doubles(&arrays[0])[place] += weight;
        doubles(&arrays[1])[place] += weight * y;
    }
    arrays_release(arrays, 3);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

WIDE static void shrink(const double *restrict n, const double *restrict sy, double prior,
                        double shrinkage, double *restrict means, size cells)
{
    for (size cell = 0; cell < cells; cell++)
        means[cell] = (sy[cell] + prior) / (n[cell] + shrinkage);
}

static PyObject *shrunk(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted[4] = {{"n", DOUBLES, 2, READ},
                                     {"sy", DOUBLES, 2, READ},
                                     {"means", DOUBLES, 1, READ},
                                     {"out", DOUBLES, 2, WRITE}};
    Array arrays[4];
    (void)module;
    if (arguments_fit("shrunk", given, 5) < 0)
        return NULL;
    const double shrinkage = PyFloat_AsDouble(args[4]);
    if (PyErr_Occurred() || arrays_take(arrays, args, wanted, 4) < 0)
        return NULL;
    const size arms = arrays[0].shape[0], cells = arrays[0].shape[1];
    double *means = NULL;
    int failed = array_fits(&arrays[1], "sy", arms, cells, -1) < 0 ||
                 array_fits(&arrays[2], "means", arms, -1, -1) < 0 ||
                 array_fits(&arrays[3], "out", cells, arms, -1) < 0;
    if (!failed && (means = malloc(((size_t)cells + 1) * sizeof(double))) == NULL) {
        PyErr_NoMemory();
        failed = 1;
    }
    for (size arm = 0; !failed && arm < arms; arm++) {
        shrink(doubles(&arrays[0]) + arm * cells, doubles(&arrays[1]) + arm * cells,
               shrinkage * doubles(&arrays[2])[arm], shrinkage, means, cells);
        for (size cell = 0; cell < cells; cell++)
            doubles(&arrays[3])[cell * arms + arm] = means[cell];
    }
    free(means);
    arrays_release(arrays, 4);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

PyMethodDef cells_methods[] = {
    {"locate", (PyCFunction)(void (*)(void))locate, METH_FASTCALL, NULL},
    {"looked_up", (PyCFunction)(void (*)(void))looked_up, METH_FASTCALL, NULL},
    {"count", (PyCFunction)(void (*)(void))count, METH_FASTCALL, NULL},
    {"shrunk", (PyCFunction)(void (*)(void))shrunk, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};
