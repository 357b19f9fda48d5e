/* Arrays that come from Python, by the buffer protocol: checked for kind and shape before use. */
#ifndef METALLM_ARRAYS_H
#define METALLM_ARRAYS_H

#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

typedef Py_ssize_t size;

typedef struct {
    Py_buffer view;
    void *data;
    size shape[3];
} Array;

enum kind { DOUBLES, FLOATS, INDICES, SMALL, CONTEXT };
enum access { READ, WRITE };

/* A request for one argument: what it is called, its kind and its number of dimensions. */
typedef struct {
    const char *name;
    enum kind kind;
    int ndim;
    enum access access;
} Wanted;

/* Takes the buffer of an object. Where it is only read and does not fit (a list, other numbers,
   holes between them), a copy that fits is taken. Returns 0, or -1 with an exception. */
int array_take(Array *array, PyObject *object, Wanted wanted);
/* Several at once: all or, with an exception, none. */
int arrays_take(Array *arrays, PyObject *const *objects, const Wanted *wanted, int count);
void arrays_release(Array *arrays, int count);

/* 0 where the shape is this (-1: any), else -1 with a ValueError that names both. */
int array_fits(const Array *array, const char *name, size first, size second, size third);
/* 0 where 0 <= place < count, else -1 with an IndexError. */
int place_fits(const char *name, int64_t place, size count);
/* 0 where a function got as many arguments as it takes, else -1 with a TypeError. */
int arguments_fit(const char *name, size given, size taken);

/* Fill the table of kinds of signs, once. */
void start_grams(void);
/* `import numpy`, once. */
int arrays_start(void);

static inline double *doubles(const Array *array) { return (double *)array->data; }
static inline float *floats(const Array *array) { return (float *)array->data; }
static inline const int64_t *indices(const Array *array) { return (const int64_t *)array->data; }
static inline const uint16_t *words(const Array *array) { return (const uint16_t *)array->data; }
static inline int is_float32(const Array *array) { return array->view.itemsize == 4; }

extern PyMethodDef choice_methods[], contexts_methods[], cells_methods[], kernel_methods[],
    tokens_methods[], costs_methods[], forms_methods[], grams_methods[],
    softmax_methods[];
PyObject *ridge_type(PyObject *module);
PyObject *lexicon_type(PyObject *module);

#endif
