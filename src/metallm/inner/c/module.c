/* metallm.inner._compiled: the inner loops of learners and policies. inner/pure has their twins
   in numpy, with what they take and give. */
#include "arrays.h"

/* Raised whenever a function's arguments change; inner/__init__.py expects its own number. */
#define INTERFACE 6

static int add_type(PyObject *module, const char *name, PyObject *type)
{
    if (type == NULL)
        return -1;
    const int failed = PyModule_AddObjectRef(module, name, type);
    Py_DECREF(type);
    return failed;
}

static int execute(PyObject *module)
{
    PyMethodDef *const parts[] = {choice_methods, contexts_methods, cells_methods, kernel_methods,
                                  tokens_methods, costs_methods, forms_methods, grams_methods,
                                  softmax_methods};
    start_grams();
    if (arrays_start() < 0 || PyModule_AddIntConstant(module, "INTERFACE", INTERFACE) < 0)
        return -1;
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++)
        if (PyModule_AddFunctions(module, parts[part]) < 0)
            return -1;
    return add_type(module, "RidgeLoops", ridge_type(module)) < 0 ||
                   add_type(module, "Lexicon", lexicon_type(module)) < 0
               ? -1
               : 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)execute},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_compiled", NULL, 0, NULL, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__compiled(void);

PyMODINIT_FUNC PyInit__compiled(void) { return PyModuleDef_Init(&definition); }
