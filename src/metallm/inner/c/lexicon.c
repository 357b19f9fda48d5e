/* metallm.inner.Lexicon: what is counted of a text, and how many of its words are in each of some
   groups, for texts of ASCII. inner/pure/texts.py says what is counted. */
#include "texts.h"

#include <stdlib.h>
#include <string.h>

/* So many groups at most: a bit for each. */
enum { GROUPS = 31 };

typedef struct {
    uint32_t hash, groups;
    size start, length;
} Entry;

typedef struct {
    PyObject_HEAD
    char *words;
    Entry *slots; /* those with a length of 0 are empty */
    size size;
    size groups;
} Lexicon;

/* A place in slots: where the word is, or the empty one where it belongs. */
static size slot_of(const Entry *slots, size count, const char *words, const char *word,
                    size length, uint32_t hash)
{
    size slot = (size)(hash & (uint32_t)(count - 1));
    while (slots[slot].length &&
           (slots[slot].hash != hash || slots[slot].length != length ||
            memcmp(words + slots[slot].start, word, (size_t)length) != 0))
        slot = (slot + 1) & (count - 1);
    return slot;
}

static uint32_t hash_of(const char *word, size length)
{
    uint32_t hash = 2166136261u;
    for (size i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)word[i]) * 16777619u;
    return hash ^ hash >> 15;
}

/* Slots for so many words at most: a power of two with one empty at the least. Texts have words of
   several letters, so that most are. */
static size slots_for(size words)
{
    size count = 16;
    while (count <= words)
        count *= 2;
    return count;
}

/* Words in lower case, with one apostrophe inside at most: counted, and looked up in groups. */
static int count_words(const Lexicon *self, const char *text, size length, long long *out)
{
    const size count = slots_for(length / 2 + 1);
    char *words = malloc((size_t)length + 1);
    Entry *seen = calloc((size_t)count, sizeof *seen);
    const int failed = words == NULL || seen == NULL;
    for (size i = 0; !failed && i < length;) {
        if (!is(text[i], LETTER)) {
            i++;
            continue;
        }
        const size start = i;
        while (i < length && is(text[i], LETTER))
            i++;
        if (i + 1 < length && text[i] == '\'' && is(text[i + 1], LETTER))
            for (i++; i < length && is(text[i], LETTER); i++)
                ;
        const size own = i - start;
        for (size j = start; j < i; j++)
            words[j] = lower(text[j]);
        const uint32_t hash = hash_of(words + start, own);
        Entry *slot = seen + slot_of(seen, count, words, words + start, own, hash);
        if (slot->length == 0) {
            const size known =
                slot_of(self->slots, self->size, self->words, words + start, own, hash);
            *slot = (Entry){hash, self->slots[known].groups, start, own};
            out[DISTINCT]++;
        }
        for (size group = 0; slot->groups >> group; group++)
            out[COUNTED + group] += slot->groups >> group & 1;
        out[WORDS]++;
        out[LETTERS] += own;
        out[LONG_WORDS] += own > 8;
    }
    free(words);
    free(seen);
    return failed ? -1 : 0;
}

static PyObject *tuple_of(const long long *counts, size count)
{
    PyObject *tuple = PyTuple_New(count);
    for (size place = 0; tuple != NULL && place < count; place++) {
        PyObject *number = PyLong_FromLongLong(counts[place]);
        if (number == NULL || PyTuple_SetItem(tuple, place, number) < 0) {
            Py_DECREF(tuple);
            return NULL;
        }
    }
    return tuple;
}

/* What is counted of a text; -1 with an exception where that is impossible. */
static size count_text(const Lexicon *self, PyObject *text, long long *counts)
{
    size length;
    const char *signs = PyUnicode_AsUTF8AndSize(text, &length);
    if (signs == NULL)
        return -1;
    if (length != PyUnicode_GetLength(text)) {
        PyErr_SetString(PyExc_ValueError, "only texts of ASCII are counted here");
        return -1;
    }
    count_signs(signs, length, counts);
    if (count_words(self, signs, length, counts) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    return length;
}

static PyObject *lexicon_count(PyObject *object, PyObject *text)
{
    const Lexicon *self = (Lexicon *)object;
    long long counts[COUNTED + GROUPS] = {0};
    if (count_text(self, text, counts) < 0)
        return NULL;
    return tuple_of(counts, COUNTED + self->groups);
}

static PyObject *lexicon_describe(PyObject *object, PyObject *const *args, size given)
{
    static const Wanted wanted = {"out", FLOATS, 1, WRITE};
    const Lexicon *self = (Lexicon *)object;
    long long counts[COUNTED + GROUPS] = {0};
    double features[FEATURES + GROUPS];
    Array out;
    if (arguments_fit("describe", given, 4) < 0)
        return NULL;
    const long long all = PyLong_AsLongLong(args[1]);
    const double scale = PyErr_Occurred() ? 0.0 : PyFloat_AsDouble(args[3]);
    if (PyErr_Occurred() || array_take(&out, args[2], wanted) < 0)
        return NULL;
    const size count = FEATURES + self->groups;
    size length = -1;
    if (array_fits(&out, "out", count, -1, -1) == 0)
        length = count_text(self, args[0], counts);
    if (length >= 0) {
        features_of(counts, self->groups, length > 1 ? length : 1, all, features);
        for (size place = 0; place < count; place++)
            floats(&out)[place] = (float)features[place] * (float)scale;
    }
    arrays_release(&out, 1);
    if (length < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* Keep the words of one group, which are separated by spaces; `used` counts their letters. */
static void keep_group(Lexicon *self, const char *words, size group, size *used)
{
    while (*words) {
        const size length = (size)strcspn(words, " ");
        if (length > 0) {
            const uint32_t hash = hash_of(words, length);
            const size slot =
                slot_of(self->slots, self->size, self->words, words, length, hash);
            if (self->slots[slot].length == 0) {
                memcpy(self->words + *used, words, (size_t)length);
                self->slots[slot] = (Entry){hash, 0, *used, length};
                *used += length;
            }
            self->slots[slot].groups |= (uint32_t)1 << group;
        }
        words += length + (words[length] == ' ');
    }
}

/* Room for all the words of a tuple of texts. */
static int make_room(Lexicon *self, PyObject *groups)
{
    size letters = 0;
    for (size group = 0; group < self->groups; group++) {
        size length;
        PyObject *words = PyTuple_GetItem(groups, group);
        if (words == NULL || PyUnicode_AsUTF8AndSize(words, &length) == NULL)
            return -1;
        letters += length;
    }
    self->size = slots_for(letters / 2 + 1);
    self->words = malloc((size_t)letters + 1);
    self->slots = calloc((size_t)self->size, sizeof *self->slots);
    if (self->words == NULL || self->slots == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static PyObject *lexicon_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *groups;
    if (kwargs != NULL && PyDict_Size(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "Lexicon takes no keyword arguments");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "O!", &PyTuple_Type, &groups))
        return NULL;
    if (PyTuple_Size(groups) > GROUPS) {
        PyErr_Format(PyExc_ValueError, "a lexicon has %d groups of words at most", GROUPS);
        return NULL;
    }
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Lexicon *self = (Lexicon *)alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->groups = PyTuple_Size(groups);
    if (make_room(self, groups) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    size used = 0;
    for (size group = 0; group < self->groups; group++)
        keep_group(self, PyUnicode_AsUTF8AndSize(PyTuple_GetItem(groups, group), NULL), group,
                   &used);
    return (PyObject *)self;
}

static void lexicon_dealloc(PyObject *object)
{
    Lexicon *self = (Lexicon *)object;
    PyTypeObject *type = Py_TYPE(object);
    free(self->words);
    free(self->slots);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"count", lexicon_count, METH_O, NULL},
    {"describe", (PyCFunction)(void (*)(void))lexicon_describe, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, lexicon_new},
    {Py_tp_dealloc, lexicon_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    "metallm.inner._compiled.Lexicon", sizeof(Lexicon), 0, Py_TPFLAGS_DEFAULT, slots,
};

PyObject *lexicon_type(PyObject *module)
{
    start_signs();
    start_crcs();
    return PyType_FromModuleAndSpec(module, &spec, NULL);
}
