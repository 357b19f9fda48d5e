/* Hashed words, pairs of words and parts of words of a text; inner/pure/grams.py says of what. */
#include "arrays.h"

#include <stdlib.h>
#include <string.h>

enum { BLANK, MARK, LETTER, ALONE };
enum { SHORTEST = 3, LONGEST = 5, HALF = 1 << 15 };

typedef struct {
    uint32_t last;
    int kind;
} Range;

/* Those of inner/pure/grams.py. */
static const Range ranges[] = {
    {0x08, MARK},     {0x0D, BLANK},    {0x1B, MARK},     {0x20, BLANK},   {0x2F, MARK},
    {0x39, LETTER},   {0x40, MARK},     {0x5A, LETTER},   {0x5E, MARK},    {0x5F, LETTER},
    {0x60, MARK},     {0x7A, LETTER},   {0x84, MARK},     {0x85, BLANK},   {0x9F, MARK},
    {0xA0, BLANK},    {0xA9, MARK},     {0xAA, LETTER},   {0xB1, MARK},    {0xB3, LETTER},
    {0xB4, MARK},     {0xB5, LETTER},   {0xB8, MARK},     {0xBA, LETTER},  {0xBB, MARK},
    {0xBE, LETTER},   {0xBF, MARK},     {0xD6, LETTER},   {0xD7, MARK},    {0xF6, LETTER},
    {0xF7, MARK},     {0x0DFF, LETTER}, {0x109F, ALONE},  {0x177F, LETTER}, {0x17FF, ALONE},
    {0x1FFF, LETTER}, {0x200A, BLANK},  {0x2027, MARK},   {0x2029, BLANK}, {0x206F, MARK},
    {0x209F, LETTER}, {0x20CF, MARK},   {0x214F, LETTER}, {0x2BFF, ALONE}, {0x2DFF, LETTER},
    {0x2FFF, ALONE},  {0x3000, BLANK},  {0x3004, MARK},   {0x3007, ALONE}, {0x3020, MARK},
    {0x9FFF, ALONE},  {0xD7FF, LETTER}, {0xF8FF, MARK},   {0xFAFF, ALONE}, {0xFE0F, LETTER},
    {0xFE6F, MARK},   {0xFEFE, LETTER}, {0xFF0F, MARK},   {0xFF19, LETTER}, {0xFF20, MARK},
    {0xFF3A, LETTER}, {0xFF40, MARK},   {0xFF5A, LETTER}, {0xFF65, MARK},  {0xFF9F, ALONE},
    {0xFFEF, LETTER}, {0xFFFF, MARK},   {0x1EFFF, LETTER}, {0x3FFFF, ALONE}, {0x10FFFF, MARK},
};

static unsigned char ascii[128];

static int looked_up(uint32_t sign)
{
    size low = 0, high = sizeof ranges / sizeof *ranges - 1;
    while (low < high) {
        const size middle = (low + high) / 2;
        if (sign <= ranges[middle].last)
            high = middle;
        else
            low = middle + 1;
    }
    return ranges[low].kind;
}

void start_grams(void)
{
    for (uint32_t sign = 0; sign < 128; sign++)
        ascii[sign] = (unsigned char)looked_up(sign);
}

static int kind_of(uint32_t sign) { return sign < 128 ? ascii[sign] : looked_up(sign); }

static uint64_t step(uint64_t state, uint32_t sign) { return (state ^ sign) * 0x100000001B3u; }

static const uint64_t BASIS = 0xCBF29CE484222325u;

/* A bit for each id. */
typedef struct {
    uint64_t bits[65536 / 64];
    size count;
} Found;

static void keep(Found *found, uint64_t state, uint32_t half)
{
    const uint32_t id = (uint32_t)(state * 0x9E3779B97F4A7C15u >> 49) + half;
    const uint64_t bit = (uint64_t)1 << (id & 63);
    found->count += (found->bits[id >> 6] & bit) == 0;
    found->bits[id >> 6] |= bit;
}

static void find_words(const uint32_t *signs, size length, Found *found)
{
    uint64_t before = 0; /* the word before, and a space */
    int any = 0;
    for (size i = 0; i < length;) {
        const int kind = kind_of(signs[i]);
        if (kind < LETTER) {
            i++;
            continue;
        }
        uint64_t word = BASIS, pair = before;
        do {
            word = step(word, signs[i]);
            pair = step(pair, signs[i]);
            i++;
        } while (kind == LETTER && i < length && kind_of(signs[i]) == LETTER);
        keep(found, word, 0);
        if (any)
            keep(found, pair, 0);
        before = step(word, ' ');
        any = 1;
    }
}

/* Each run of blanks as one space, one at both ends; returns how many signs there are then. */
static size pad(const uint32_t *signs, size length, uint32_t *padded)
{
    size count = 0;
    if (length > 0)
        padded[count++] = ' ';
    for (size i = 0; i < length; i++) {
        const int blank = kind_of(signs[i]) == BLANK;
        if (!blank || padded[count - 1] != ' ')
            padded[count++] = blank ? ' ' : signs[i];
    }
    if (length > 0 && padded[count - 1] != ' ')
        padded[count++] = ' ';
    return count;
}

/* Parts of 3 to 5 signs with no space but at their ends. */
static void find_parts(const uint32_t *padded, size count, Found *found)
{
    for (size start = 0; start < count; start++) {
        uint64_t state = BASIS;
        for (size i = 0; i < LONGEST && start + i < count; i++) {
            state = step(state, padded[start + i]);
            if (i + 1 >= SHORTEST)
                keep(found, state, HALF);
            if (i > 0 && padded[start + i] == ' ')
                break;
        }
    }
}

static PyObject *packed(const Found *found)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, found->count * (size)sizeof(uint16_t));
    char *out = bytes == NULL ? NULL : PyBytes_AsString(bytes);
    if (out == NULL)
        return NULL;
    for (uint32_t place = 0; place < 65536 / 64; place++)
        for (uint64_t left = found->bits[place], id = place * 64; left; left >>= 1, id++)
            if (left & 1) {
                const uint16_t small = (uint16_t)id;
                memcpy(out, &small, sizeof small);
                out += sizeof small;
            }
    return bytes;
}

static PyObject *gram_ids(PyObject *module, PyObject *text)
{
    (void)module;
    const size length = PyUnicode_GetLength(text);
    if (length < 0)
        return NULL;
    Found found = {{0}, 0};
    uint32_t *signs = malloc(2 * ((size_t)length + 2) * sizeof *signs);
    if (signs == NULL)
        return PyErr_NoMemory();
    PyObject *bytes = NULL;
    if (length == 0 || PyUnicode_AsUCS4(text, signs, length, 0) != NULL) {
        uint32_t *padded = signs + length + 2;
        find_words(signs, length, &found);
        find_parts(padded, pad(signs, length, padded), &found);
        bytes = packed(&found);
    }
    free(signs);
    return bytes;
}

PyMethodDef grams_methods[] = {
    {"gram_ids", gram_ids, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
