// What the hot paths of the Python layer ask for in one call instead of five: a message, a task or
// a batch taken apart.
#pragma once

#include "common/batch.hpp"
#include "python/buffers.hpp"
#include "python/capsules.hpp"
#include "python/errors.hpp"
#include "python/interrupts.hpp"

namespace brood_python {

// Few bytes cost less as a copy than as a view.
constexpr size_t kCopiedBytes = 16384;

inline PyObject* data_of(brood_msg* msg, PyObject* owner) {
  const size_t size = brood_msg_size(msg);
  void* const data = brood_msg_data(msg);
  if (size > kCopiedBytes) return lend(brood_view{data, size, true}, owner);
  return PyBytes_FromStringAndSize(static_cast<const char*>(data), static_cast<Py_ssize_t>(size));
}

// (codec tag, bytes, how many handles)
inline PyObject* parts_of(brood_msg* msg, PyObject* owner) {
  PyObject* data = data_of(msg, owner);
  if (data == nullptr) return nullptr;
  return Py_BuildValue("iNn", brood_msg_codec(msg), data,
                       static_cast<Py_ssize_t>(brood_msg_handle_count(msg)));
}

// Waits for this worker's next task: (task, function's name, its argument's parts).
inline PyObject* take_task() {
  brood_task* task = nullptr;
  brood_error* failure = nullptr;
  brood_status status = BROOD_E_CANCELED;
  {
    int64_t timeout_ms = BROOD_FOREVER;
    brood_cancel* cancel = nullptr;
    Wait wait(&timeout_ms, &cancel);
    while (wait.begin()) {
      status = brood_worker_next(timeout_ms, cancel, &task, &failure);
      wait.end(status, &failure);
    }
  }
  if (PyErr_Occurred() != nullptr) return nullptr;
  if (status != BROOD_OK) {
    raise(status, failure);
    return nullptr;
  }
  PyObject* capsule = owned<brood_task, brood_task_free>(task);
  if (capsule == nullptr) return nullptr;
  PyObject* parts = parts_of(brood_task_args(task), capsule);
  if (parts == nullptr) {
    Py_DECREF(capsule);
    return nullptr;
  }
  return Py_BuildValue("NNN", capsule, text(brood_task_function(task)), parts);
}

// Everything in a batch: a list of (index, message or None, its parts). A message stays one only if
// it is large or carries handles.
inline PyObject* take_batch(brood_batch* batch) {
  PyObject* list = PyList_New(static_cast<Py_ssize_t>(batch->count));
  for (size_t i = 0; list != nullptr && i < batch->count; ++i) {
    brood_msg* msg = batch->msgs[i];
    PyObject* capsule = Py_None;
    if (brood_msg_size(msg) > kCopiedBytes || brood_msg_handle_count(msg) > 0) {
      capsule = owned<brood_msg, brood_msg_free>(brood_batch_take(batch, i));
    } else {
      Py_INCREF(capsule);
    }
    PyObject* parts = capsule != nullptr ? parts_of(msg, capsule) : nullptr;
    PyObject* item = parts != nullptr
                         ? Py_BuildValue("KNN", static_cast<unsigned long long>(batch->indexes[i]),
                                         capsule, parts)
                         : nullptr;
    if (item == nullptr) {
      if (parts == nullptr) Py_XDECREF(capsule);
      Py_CLEAR(list);
      break;
    }
    PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), item);
  }
  if (list != nullptr) batch->clear();
  return list;
}

}  // namespace brood_python
