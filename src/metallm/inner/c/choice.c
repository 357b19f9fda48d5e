/* From estimates to a choice: SquareCB's probabilities, a number for a seed, a draw. */
#include "arrays.h"
#include "loops.h"

#include <string.h>

/* One query of SquareCB (policies/squarecb.py). */
WIDE static void weigh(const double *reward, const double *spread, double gamma, double optimism,
                       double *restrict out, size arms)
{
    for (size arm = 0; arm < arms; arm++)
        out[arm] = reward[arm] + optimism * spread[arm];
    size best = 0;
    for (size arm = 1; arm < arms; arm++)
        if (out[arm] > out[best])
            best = arm;
    const double top = out[best], count = (double)arms;
    for (size arm = 0; arm < arms; arm++)
        out[arm] = 1.0 / (count + gamma * (top - out[arm]));
    out[best] = 0.0;
    double others = 0.0;
    for (size arm = 0; arm < arms; arm++)
        others += out[arm];
    out[best] = 1.0 - others;
}

static PyObject *gap_weights(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted[3] = {
        {"reward", DOUBLES, 2, READ}, {"spread", DOUBLES, 2, READ}, {"out", DOUBLES, 2, WRITE}};
    Array arrays[3];
    (void)module;
    if (arguments_fit("gap_weights", given, 5) < 0)
        return NULL;
    const double gamma = PyFloat_AsDouble(args[3]), optimism = PyFloat_AsDouble(args[4]);
    if (PyErr_Occurred() || arrays_take(arrays, args, wanted, 3) < 0)
        return NULL;
    const size rows = arrays[0].shape[0], arms = arrays[0].shape[1];
    const int failed = array_fits(&arrays[1], "spread", rows, arms, -1) < 0 ||
                       array_fits(&arrays[2], "out", rows, arms, -1) < 0;
    for (size row = 0; !failed && arms > 0 && row < rows; row++)
        weigh(doubles(&arrays[0]) + row * arms, doubles(&arrays[1]) + row * arms, gamma, optimism,
              doubles(&arrays[2]) + row * arms, arms);
    arrays_release(arrays, 3);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *draw(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted = {"probabilities", DOUBLES, 1, READ};
    Array array;
    (void)module;
    if (arguments_fit("draw", given, 2) < 0)
        return NULL;
    const double u = PyFloat_AsDouble(args[1]);
    if (PyErr_Occurred() || array_take(&array, args[0], wanted) < 0)
        return NULL;
    const double *chance = doubles(&array);
    const size arms = array.shape[0];
    double total = 0.0, sum = 0.0;
    for (size arm = 0; arm < arms; arm++)
        total += chance[arm];
    const double mark = u * total;
    size picked = -1, last = -1;
    for (size arm = 0; arm < arms; arm++) {
        sum += chance[arm];
        if (chance[arm] > 0.0)
            last = arm;
        if (sum > mark) {
            picked = arm;
            break;
        }
    }
    arrays_release(&array, 1);
    if (picked < 0)
        picked = last; /* u just below 1 rounded up past the end */
    if (picked < 0) {
        PyErr_SetString(PyExc_ValueError, "no arm has a probability above 0");
        return NULL;
    }
    return PyLong_FromSsize_t(picked);
}

/* BLAKE2b (RFC 7693), for one block of data under a key of 8 bytes and a digest of 8. */
static const uint64_t start[8] = {
    0x6a09e667f3bcc908u, 0xbb67ae8584caa73bu, 0x3c6ef372fe94f82bu, 0xa54ff53a5f1d36f1u,
    0x510e527fade682d1u, 0x9b05688c2b3e6c1fu, 0x1f83d9abfb41bd6bu, 0x5be0cd19137e2179u,
};

static const unsigned char order[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline uint64_t turned(uint64_t word, int bits)
{
    return word >> bits | word << (64 - bits);
}

static inline void mix(uint64_t *v, int a, int b, int c, int d, uint64_t x, uint64_t y)
{
    v[a] += v[b] + x;
    v[d] = turned(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = turned(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = turned(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = turned(v[b] ^ v[c], 63);
}

/* One block of 16 words of which all but the first are 0. */
static void compress(uint64_t *state, uint64_t word, uint64_t bytes, int last)
{
    uint64_t v[16];
    memcpy(v, state, 8 * sizeof *v);
    memcpy(v + 8, start, 8 * sizeof *v);
    v[12] ^= bytes;
    if (last)
        v[14] = ~v[14];
    for (int round = 0; round < 12; round++) {
        const unsigned char *s = order[round % 10];
        uint64_t m[16] = {0};
        for (int place = 0; place < 16; place++)
            m[place] = s[place] == 0 ? word : 0;
        mix(v, 0, 4, 8, 12, m[0], m[1]);
        mix(v, 1, 5, 9, 13, m[2], m[3]);
        mix(v, 2, 6, 10, 14, m[4], m[5]);
        mix(v, 3, 7, 11, 15, m[6], m[7]);
        mix(v, 0, 5, 10, 15, m[8], m[9]);
        mix(v, 1, 6, 11, 12, m[10], m[11]);
        mix(v, 2, 7, 8, 13, m[12], m[13]);
        mix(v, 3, 4, 9, 14, m[14], m[15]);
    }
    for (int place = 0; place < 8; place++)
        state[place] ^= v[place] ^ v[place + 8];
}

static PyObject *uniform(PyObject *module, PyObject *const *args, size given)
{
    (void)module;
    if (arguments_fit("uniform", given, 2) < 0)
        return NULL;
    const uint64_t seed = PyLong_AsUnsignedLongLongMask(args[0]);
    if (PyErr_Occurred())
        return NULL;
    const uint64_t index = PyLong_AsUnsignedLongLong(args[1]);
    if (PyErr_Occurred())
        return NULL;
    uint64_t state[8];
    memcpy(state, start, sizeof state);
    state[0] ^= 0x01010000u ^ 8u << 8 ^ 8u; /* a key of 8 bytes, a digest of 8 */
    compress(state, seed, 128, 0);
    compress(state, index, 128 + 8, 1);
    return PyFloat_FromDouble((double)(state[0] >> 11) * 0x1p-53);
}

PyMethodDef choice_methods[] = {
    {"gap_weights", (PyCFunction)(void (*)(void))gap_weights, METH_FASTCALL, NULL},
    {"draw", (PyCFunction)(void (*)(void))draw, METH_FASTCALL, NULL},
    {"uniform", (PyCFunction)(void (*)(void))uniform, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};
