#include "arrays.h"

#include <string.h>

static PyObject *ascontiguousarray;

int arrays_start(void)
{
    PyObject *numpy = PyImport_ImportModule("numpy");
    if (numpy == NULL)
        return -1;
    ascontiguousarray = PyObject_GetAttrString(numpy, "ascontiguousarray");
    Py_DECREF(numpy);
    return ascontiguousarray == NULL ? -1 : 0;
}

static int is_kind(const Py_buffer *view, enum kind kind)
{
    const char *format = view->format;
    if (format == NULL || format[0] == '\0' || format[1] != '\0')
        return 0;
    if (kind == INDICES)
        return view->itemsize == 8 && strchr("lqn", format[0]) != NULL;
    if (kind == SMALL)
        return format[0] == 'H';
    if (kind == FLOATS)
        return format[0] == 'f';
    return format[0] == 'd' || (kind == CONTEXT && format[0] == 'f');
}

static const char *kind_name(enum kind kind)
{
    static const char *const names[] = {"float64", "float32", "int64", "uint16", "float64"};
    return names[kind];
}

/* 1 where the object's own buffer was taken, 0 where it does not fit; no exception is left. */
static int take_own(Array *array, PyObject *object, Wanted wanted)
{
    int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (wanted.access == WRITE ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object, &array->view, flags) < 0) {
        PyErr_Clear();
        return 0;
    }
    if (is_kind(&array->view, wanted.kind))
        return 1;
    PyBuffer_Release(&array->view);
    return 0;
}

int array_take(Array *array, PyObject *object, Wanted wanted)
{
    int taken = take_own(array, object, wanted);
    if (!taken && wanted.access == READ) {
        PyObject *copy =
            PyObject_CallFunction(ascontiguousarray, "Os", object, kind_name(wanted.kind));
        if (copy == NULL)
            return -1;
        /* the view keeps the copy alive */
        taken = take_own(array, copy, wanted);
        Py_DECREF(copy);
    }
    if (!taken) {
        PyErr_Format(PyExc_ValueError, "%s must be a writable, contiguous array of %s",
                     wanted.name, kind_name(wanted.kind));
        return -1;
    }
    if (array->view.ndim != wanted.ndim) {
        PyErr_Format(PyExc_ValueError, "%s must have %d dimensions, not %d", wanted.name,
                     wanted.ndim, array->view.ndim);
        PyBuffer_Release(&array->view);
        return -1;
    }
    array->data = array->view.buf;
    for (int axis = 0; axis < 3; axis++)
        array->shape[axis] = axis < wanted.ndim ? array->view.shape[axis] : 1;
    return 0;
}

int arrays_take(Array *arrays, PyObject *const *objects, const Wanted *wanted, int count)
{
    for (int each = 0; each < count; each++)
        if (array_take(&arrays[each], objects[each], wanted[each]) < 0) {
            arrays_release(arrays, each);
            return -1;
        }
    return 0;
}

void arrays_release(Array *arrays, int count)
{
    for (int each = 0; each < count; each++)
        PyBuffer_Release(&arrays[each].view);
}

int array_fits(const Array *array, const char *name, size first, size second, size third)
{
    const size wanted[3] = {first, second, third};
    for (int axis = 0; axis < array->view.ndim; axis++)
        if (wanted[axis] >= 0 && array->shape[axis] != wanted[axis]) {
            PyErr_Format(PyExc_ValueError, "%s has length %zd along axis %d, not %zd", name,
                         array->shape[axis], axis, wanted[axis]);
            return -1;
        }
    return 0;
}

int place_fits(const char *name, int64_t place, size count)
{
    if (place >= 0 && place < count)
        return 0;
    PyErr_Format(PyExc_IndexError, "%s %lld is not one of %zd", name, (long long)place, count);
    return -1;
}

int arguments_fit(const char *name, size given, size taken)
{
    if (given == taken)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s takes %zd arguments, not %zd", name, taken, given);
    return -1;
}
