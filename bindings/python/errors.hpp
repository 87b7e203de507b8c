// Failures as Python exceptions: errors.py gives a callable that makes one of a failure's parts.
#pragma once

#include <Python.h>
#include <brood/error.h>

#include <cstring>

namespace brood_python {

inline PyObject* error_factory = nullptr;

inline void keep_error_factory(PyObject* factory) {
  Py_INCREF(factory);
  Py_XSETREF(error_factory, factory);
}

// Text of another process may be anything; a failure to report must not fail.
inline PyObject* text(const char* utf8) {
  return PyUnicode_DecodeUTF8(utf8, static_cast<Py_ssize_t>(std::strlen(utf8)), "replace");
}

// Sets the exception of a failed call, and frees the story.
inline void raise(brood_status status, brood_error* error) {
  if (error_factory == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, brood_error_message(error));
  } else {
    PyObject* made = PyObject_CallFunction(
        error_factory, "iNNNLiii", status, text(brood_error_message(error)),
        text(brood_error_kind(error)), text(brood_error_traceback(error)),
        static_cast<long long>(brood_error_pid(error)), brood_error_exit_code(error),
        brood_error_signal(error), brood_error_os_code(error));
    if (made != nullptr) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made)), made);
    Py_XDECREF(made);
  }
  brood_error_free(error);
}

}  // namespace brood_python
