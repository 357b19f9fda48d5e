/* The first and last words of a text, hashed (embeddings/form.py), for texts of ASCII. */
#include "texts.h"

#include <math.h>
#include <string.h>

typedef struct {
    const char *text;
    size length;
} Part;

static uint32_t crcs[256];

/* CRC-32 as zlib has it. */
void start_crcs(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
        crcs[byte] = crc;
    }
}

static uint32_t with_sign(uint32_t crc, char sign)
{
    return crc >> 8 ^ crcs[(crc ^ (unsigned char)sign) & 0xff];
}

static uint32_t with_word(uint32_t crc, Part word)
{
    for (size i = 0; i < word.length; i++)
        crc = with_sign(crc, lower(word.text[i]));
    return crc;
}

static int is_gap(char sign) { return is(sign, BLANK) && sign != '\n'; }

/* The word at the start of what is left, which begins with no gap. */
static Part first_of(Part left)
{
    size end = 1;
    if (is(left.text[0], WORD))
        while (end < left.length && is(left.text[end], WORD))
            end++;
    return (Part){left.text, end};
}

static Part last_of(Part left)
{
    size start = left.length - 1;
    if (is(left.text[start], WORD))
        while (start > 0 && is(left.text[start - 1], WORD))
            start--;
    return (Part){left.text + start, left.length - start};
}

/* The first two words; the second is empty where there is one alone. The text is not blank at its
   ends. */
static void first_words(Part left, Part *words)
{
    words[0] = first_of(left);
    size next = words[0].length;
    while (next < left.length && is_gap(left.text[next]))
        next++;
    const Part rest = {left.text + next, left.length - next};
    words[1] = rest.length ? first_of(rest) : rest;
}

/* The last two words, as they are in the text; the first is empty where there is one alone. */
static void last_words(Part left, Part *words)
{
    words[1] = last_of(left);
    left.length -= words[1].length;
    while (left.length && is_gap(left.text[left.length - 1]))
        left.length--;
    words[0] = left.length ? last_of(left) : left;
}

/* Hashes of a mark with one word, and with both. */
static void hash_both(char mark, const Part *words, Part own, uint32_t *hashes)
{
    const uint32_t begun = with_sign(0xffffffffu, mark);
    hashes[0] = ~with_word(begun, own);
    hashes[1] = hashes[0];
    if (words[0].length && words[1].length)
        hashes[1] = ~with_word(with_sign(with_word(begun, words[0]), ' '), words[1]);
}

static Part bare_of(const char *text, size length)
{
    while (length && is(text[length - 1], BLANK))
        length--;
    while (length && is(text[0], BLANK)) {
        text++;
        length--;
    }
    return (Part){text, length};
}

static void hash_ends(Part bare, float *out, size dim, size reach, double length)
{
    Part first[2], last[2];
    uint32_t hashes[4];
    double sums[4] = {0}, squares = 0.0;
    const size seen = bare.length < reach ? bare.length : reach;
    first_words((Part){bare.text, seen}, first);
    last_words((Part){bare.text + (bare.length - seen), seen}, last);
    hash_both('^', first, first[0], hashes);
    hash_both('$', last, last[1], hashes + 2);
    for (int each = 0; each < 4; each++) {
        /* marks of one entry are summed where the first of them is */
        int place = 0;
        while (hashes[place] % (uint32_t)dim != hashes[each] % (uint32_t)dim)
            place++;
        sums[place] += hashes[each] & 0x100000 ? 1.0 : -1.0;
    }
    for (int each = 0; each < 4; each++)
        squares += sums[each] * sums[each];
    const double norm = squares > 0.0 ? sqrt(squares) : 1e-9;
    for (int each = 0; each < 4; each++)
        if (sums[each] != 0.0)
            out[hashes[each] % (uint32_t)dim] = (float)(length * sums[each] / norm);
}

static PyObject *hashed_ends(PyObject *module, PyObject *const *args, size given)
{
    static const Wanted wanted = {"out", FLOATS, 1, WRITE};
    Array out;
    (void)module;
    if (arguments_fit("hashed_ends", given, 4) < 0)
        return NULL;
    size length;
    const char *text = PyUnicode_AsUTF8AndSize(args[0], &length);
    if (text == NULL)
        return NULL;
    const size reach = PyLong_AsSsize_t(args[2]);
    const double scale = PyErr_Occurred() ? 0.0 : PyFloat_AsDouble(args[3]);
    if (PyErr_Occurred() || array_take(&out, args[1], wanted) < 0)
        return NULL;
    int failed = 1;
    if (length != PyUnicode_GetLength(args[0]))
        PyErr_SetString(PyExc_ValueError, "only texts of ASCII are hashed here");
    else if (out.shape[0] < 1 || reach < 1)
        PyErr_SetString(PyExc_ValueError, "out has no entry, or no character is in reach");
    else
        failed = 0;
    const Part bare = failed ? (Part){text, 0} : bare_of(text, length);
    if (bare.length)
        hash_ends(bare, floats(&out), out.shape[0], reach, scale);
    arrays_release(&out, 1);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

PyMethodDef forms_methods[] = {
    {"hashed_ends", (PyCFunction)(void (*)(void))hashed_ends, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};
