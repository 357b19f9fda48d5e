/* A text's tokens: the sum of their rows in a table, and their hashes (embeddings/static.py and
   embeddings/ngrams.py). To the bit what numpy gives: contexts are the same with either. */
#include "arrays.h"

#include <string.h>

static PyObject *token_sum(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted[3] = {
        {"table", FLOATS, 2, READ}, {"ids", INDICES, 1, READ}, {"out", FLOATS, 1, WRITE}};
    Array arrays[3];
    (void)module;
    if (arguments_fit("token_sum", given, 3) < 0 || arrays_take(arrays, args, wanted, 3) < 0)
        return NULL;
    const size rows = arrays[0].shape[0], dim = arrays[0].shape[1], count = arrays[1].shape[0];
    int failed = array_fits(&arrays[2], "out", dim, -1, -1) < 0;
    for (size token = 0; !failed && token < count; token++)
        failed = place_fits("token", indices(&arrays[1])[token], rows) < 0;
    if (!failed) {
        float *restrict out = floats(&arrays[2]);
        memset(out, 0, (size_t)dim * sizeof(float));
        for (size token = 0; token < count; token++) {
            const float *restrict row = floats(&arrays[0]) + indices(&arrays[1])[token] * dim;
            for (size i = 0; i < dim; i++)
                out[i] += row[i];
        }
    }
    arrays_release(arrays, 3);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

/* The highest bits of a product are the best mixed: some for the entry, one above for the sign. */
static inline void count_gram(uint64_t gram, uint64_t spread, int shift, int64_t *counts,
                              uint64_t entries)
{
    const uint64_t hashed = (gram * spread) >> shift;
    counts[hashed % entries] += hashed < entries ? 1 : -1;
}

enum { MOST_ENTRIES = 1024 };

/* How far products are shifted so that twice `entries`, a power of two, are left; -1 for others. */
static int shift_for(size entries)
{
    if (entries < 1 || entries > MOST_ENTRIES || (entries & (entries - 1)) != 0)
        return -1;
    int shift = 63;
    for (size left = entries; left > 1; left /= 2)
        shift--;
    return shift;
}

static PyObject *gram_sums(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted[3] = {
        {"ids", INDICES, 1, READ}, {"damped", DOUBLES, 1, READ}, {"out", DOUBLES, 1, WRITE}};
    Array arrays[3];
    (void)module;
    if (arguments_fit("gram_sums", given, 5) < 0)
        return NULL;
    const uint64_t pair = PyLong_AsUnsignedLongLong(args[3]);
    const uint64_t spread = PyErr_Occurred() ? 0 : PyLong_AsUnsignedLongLong(args[4]);
    if (PyErr_Occurred() || arrays_take(arrays, args, wanted, 3) < 0)
        return NULL;
    const size count = arrays[0].shape[0], known = arrays[1].shape[0];
    const size entries = arrays[2].shape[0];
    const int shift = shift_for(entries);
    int64_t counts[MOST_ENTRIES];
    int failed = shift < 0 || known < 2 * count;
    if (failed)
        PyErr_Format(PyExc_ValueError,
                     "out has length %zd, no power of two of at most %d, or damped has length %zd, "
                     "too few for %zd tokens",
                     entries, MOST_ENTRIES, known, count);
    if (!failed) {
        const int64_t *ids = indices(&arrays[0]);
        memset(counts, 0, (size_t)entries * sizeof *counts);
        for (size token = 0; token < count; token++) {
            const uint64_t own = (uint64_t)ids[token];
            count_gram(own, spread, shift, counts, (uint64_t)entries);
            if (token > 0)
                count_gram((((uint64_t)ids[token - 1] + 1) * pair) ^ own, spread, shift, counts,
                           (uint64_t)entries);
        }
        for (size entry = 0; entry < entries; entry++) {
            const int64_t sum = counts[entry];
            doubles(&arrays[2])[entry] =
                sum < 0 ? -doubles(&arrays[1])[-sum] : doubles(&arrays[1])[sum];
        }
    }
    arrays_release(arrays, 3);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *scaled(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted[2] = {{"values", DOUBLES, 1, READ}, {"out", FLOATS, 1, WRITE}};
    Array arrays[2];
    (void)module;
    if (arguments_fit("scaled", given, 3) < 0)
        return NULL;
    const double factor = PyFloat_AsDouble(args[2]);
    if (PyErr_Occurred() || arrays_take(arrays, args, wanted, 2) < 0)
        return NULL;
    const size count = arrays[0].shape[0];
    const int failed = array_fits(&arrays[1], "out", count, -1, -1) < 0;
    for (size i = 0; !failed && i < count; i++)
        floats(&arrays[1])[i] = (float)(doubles(&arrays[0])[i] * factor);
    arrays_release(arrays, 2);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

PyMethodDef tokens_methods[] = {
    {"token_sum", (PyCFunction)(void (*)(void))token_sum, METH_FASTCALL, NULL},
    {"gram_sums", (PyCFunction)(void (*)(void))gram_sums, METH_FASTCALL, NULL},
    {"scaled", (PyCFunction)(void (*)(void))scaled, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};
