// Handles in Python: capsules that free what they own with their last reference. The name of a
// capsule is its type, so that a handle of another type is a TypeError.
#pragma once

#include <Python.h>

#include <vector>

namespace brood_python {

template <class T>
const char* name_of() {
  return __PRETTY_FUNCTION__;
}

// What a capsule is called whose object was given away.
inline const char* const kGivenAway = "brood: given away";

// None is NULL, without an exception.
template <class T>
T* pointer_in(PyObject* object) {
  if (object == Py_None) return nullptr;
  if (PyCapsule_IsValid(object, name_of<T>()) != 0) {
    return static_cast<T*>(PyCapsule_GetPointer(object, name_of<T>()));
  }
  const bool gone = PyCapsule_IsValid(object, kGivenAway) != 0;
  PyErr_SetString(PyExc_TypeError, gone ? "this object was given away by an earlier call"
                                        : "a handle of another type");
  return nullptr;
}

template <class T>
bool pointers_in(PyObject* sequence, std::vector<T*>& list) {
  PyObject* items = PySequence_Fast(sequence, "a sequence of handles");
  if (items == nullptr) return false;
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(items);
  for (Py_ssize_t i = 0; i < count; ++i) {
    T* pointer = pointer_in<T>(PySequence_Fast_GET_ITEM(items, i));
    if (pointer == nullptr && PyErr_Occurred() != nullptr) break;
    list.push_back(pointer);
  }
  Py_DECREF(items);
  return PyErr_Occurred() == nullptr;
}

template <class T, void (*Free)(T*)>
void free_owned(PyObject* capsule) {
  Free(static_cast<T*>(PyCapsule_GetPointer(capsule, name_of<T>())));
}

template <class T, void (*Free)(T*)>
PyObject* owned(T* pointer) {
  if (pointer == nullptr) Py_RETURN_NONE;
  PyObject* capsule = PyCapsule_New(pointer, name_of<T>(), &free_owned<T, Free>);
  if (capsule == nullptr) Free(pointer);
  return capsule;
}

inline void free_borrowed(PyObject* capsule) {
  Py_XDECREF(static_cast<PyObject*>(PyCapsule_GetContext(capsule)));
}

// Keeps `owner`, whose object it points into, alive.
template <class T>
PyObject* borrowed(T* pointer, PyObject* owner) {
  if (pointer == nullptr) Py_RETURN_NONE;
  PyObject* capsule = PyCapsule_New(pointer, name_of<T>(), &free_borrowed);
  if (capsule == nullptr) return nullptr;
  Py_INCREF(owner);
  PyCapsule_SetContext(capsule, owner);
  return capsule;
}

// A call has taken over what the capsule owned.
inline void disarm(PyObject* capsule) {
  PyCapsule_SetDestructor(capsule, nullptr);
  PyCapsule_SetName(capsule, kGivenAway);
}

}  // namespace brood_python
