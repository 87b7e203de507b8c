// Bytes between Python and brood: buffers that are borrowed for a call, and memory of brood's that
// is lent to Python as a memoryview.
#pragma once

#include <Python.h>

#include <vector>

#include "common/view.hpp"

namespace brood_python {

// One buffer, held for a call. The GIL is held when it begins and when it ends.
struct BytesIn {
  BytesIn() = default;
  ~BytesIn() {
    if (view.obj != nullptr) PyBuffer_Release(&view);
  }
  BytesIn(const BytesIn&) = delete;
  BytesIn& operator=(const BytesIn&) = delete;
  bool open(PyObject* object, int flags = PyBUF_SIMPLE) {
    return PyObject_GetBuffer(object, &view, flags) == 0;
  }

  Py_buffer view = {};
};

struct BytesList {
  BytesList() = default;
  ~BytesList() {
    for (Py_buffer& view : views) PyBuffer_Release(&view);
  }
  BytesList(const BytesList&) = delete;
  BytesList& operator=(const BytesList&) = delete;
  bool open(PyObject* sequence) {
    PyObject* objects = PySequence_Fast(sequence, "a sequence of bytes-like objects");
    if (objects == nullptr) return false;
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(objects);
    views.reserve(static_cast<size_t>(count));
    items.reserve(static_cast<size_t>(count));
    bool good = true;
    for (Py_ssize_t i = 0; i < count && good; ++i) {
      Py_buffer view;
      good = PyObject_GetBuffer(PySequence_Fast_GET_ITEM(objects, i), &view, PyBUF_SIMPLE) == 0;
      if (!good) break;
      views.push_back(view);
      items.push_back({view.buf, static_cast<size_t>(view.len)});
    }
    Py_DECREF(objects);
    return good;
  }

  std::vector<Py_buffer> views;
  std::vector<brood_bytes> items;
};

// What a memoryview of brood's memory looks at; holds the handle that the memory belongs to.
struct Loan {
  PyObject_HEAD PyObject* owner;
  brood_view view;
};

inline int loan_getbuffer(PyObject* self, Py_buffer* buffer, int flags) {
  const brood_view& view = reinterpret_cast<Loan*>(self)->view;
  return PyBuffer_FillInfo(buffer, self, view.data, static_cast<Py_ssize_t>(view.size),
                           view.read_only ? 1 : 0, flags);
}

inline void loan_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_XDECREF(reinterpret_cast<Loan*>(self)->owner);
  PyObject_Free(self);
  Py_DECREF(type);
}

inline PyTypeObject* loan_type = nullptr;

inline bool prepare_buffers() {
  static PyType_Slot slots[] = {
      {Py_bf_getbuffer, reinterpret_cast<void*>(&loan_getbuffer)},
      {Py_tp_dealloc, reinterpret_cast<void*>(&loan_dealloc)},
      {0, nullptr},
  };
  static PyType_Spec spec = {"brood._low.Loan", sizeof(Loan), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  loan_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return loan_type != nullptr;
}

inline PyObject* lend(const brood_view& view, PyObject* owner) {
  Loan* loan = PyObject_New(Loan, loan_type);
  if (loan == nullptr) return nullptr;
  Py_INCREF(owner);
  loan->owner = owner;
  loan->view = view;
  PyObject* memory = PyMemoryView_FromObject(reinterpret_cast<PyObject*>(loan));
  Py_DECREF(loan);
  return memory;
}

}  // namespace brood_python
