// How each pattern of the common files looks in Python. Handles are capsules, freed with their last
// reference: who is inside a call holds one. Failures are exceptions that brood/errors.py makes.
%feature("autodoc", "0");
%include <typemaps.i>

%{
#include "python/capsules.hpp"
#include "python/errors.hpp"
#include "python/interrupts.hpp"
#include "python/buffers.hpp"
#include "python/parts.hpp"
using namespace brood_python;
%}
%init %{
  if (!prepare_buffers()) return NULL;
%}

// ---- status and error ---------------------------------------------------------------------------
%typemap(arginit, noblock=1) brood_error **error "brood_error *failure = NULL;"
%typemap(in, numinputs=0) brood_error **error "$1 = &failure;"
%typemap(out) brood_status %{
  if ($1 != BROOD_OK) { raise($1, failure); SWIG_fail; }
  $result = SWIG_Py_Void();
%}
%ignore brood_error_number;
%ignore brood_error_code;
%ignore brood_error_message;
%ignore brood_error_kind;
%ignore brood_error_traceback;
%ignore brood_error_pid;
%ignore brood_error_exit_code;
%ignore brood_error_signal;
%ignore brood_error_os_code;
%ignore brood_error_free;
%inline %{
/** The callable that makes an exception of a failure's parts. */
static void set_error_factory(PyObject *factory) { keep_error_factory(factory); }
%}

// ---- handles ------------------------------------------------------------------------------------
%define %brood_owned(TYPE, FREE)
%ignore FREE;
%typemap(in) TYPE *, const TYPE * %{
  $1 = pointer_in<TYPE>($input);
  if ($1 == NULL && PyErr_Occurred()) SWIG_fail;
%}
%typemap(out) TYPE * "$result = owned<TYPE, FREE>($1);"
%typemap(in, numinputs=0) TYPE **out (TYPE *made = NULL), TYPE **a (TYPE *made = NULL),
                          TYPE **b (TYPE *made = NULL) "$1 = &made;"
%typemap(argout) TYPE **out, TYPE **a, TYPE **b
  "$result = SWIG_Python_AppendOutput($result, owned<TYPE, FREE>(*$1));"
%enddef

%define %brood_borrowed(TYPE, FUNCTION)
%typemap(out) TYPE *FUNCTION "$result = borrowed<TYPE>($1, swig_obj[0]);"
%enddef

%define %brood_consumes(FUNCTION, N)
%typemap(out) brood_status FUNCTION %{
  if ($1 != BROOD_OK) { raise($1, failure); SWIG_fail; }
  disarm(swig_obj[N - 1]);
  $result = SWIG_Py_Void();
%}
%enddef

%typemap(in) brood_handle * %{
  $1 = pointer_in<brood_handle>($input);
  if ($1 == NULL && !PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "None is no handle");
  if ($1 == NULL) SWIG_fail;
%}
%typemap(out) brood_handle *brood_parent_handle "$result = borrowed<brood_handle>($1, Py_None);"
%typemap(in) (brood_handle *const *handles, size_t count) (std::vector<brood_handle *> list) %{
  if (!pointers_in($input, list)) SWIG_fail;
  $1 = list.data();
  $2 = list.size();
%}

// ---- bytes --------------------------------------------------------------------------------------
%typemap(in) (const void *data, size_t size) (BytesIn bytes) %{
  if (!bytes.open($input)) SWIG_fail;
  $1 = bytes.view.buf;
  $2 = static_cast<size_t>(bytes.view.len);
%}
%typemap(in) (void *data, size_t size) (BytesIn bytes) %{
  if (!bytes.open($input, PyBUF_WRITABLE)) SWIG_fail;
  $1 = bytes.view.buf;
  $2 = static_cast<size_t>(bytes.view.len);
%}
%typemap(in) (const brood_bytes *items, size_t count) (BytesList list) %{
  if (!list.open($input)) SWIG_fail;
  $1 = list.items.data();
  $2 = list.items.size();
%}
%typemap(in, numinputs=0) brood_view *out (brood_view view) "$1 = &view;"
%typemap(argout) brood_view *out
  "$result = SWIG_Python_AppendOutput($result, lend(*$1, swig_obj[0]));"
%inline %{
/** A message's bytes: a copy of few, and a view of many. */
static PyObject *msg_data(PyObject *capsule) {
  brood_msg *msg = pointer_in<brood_msg>(capsule);
  return PyErr_Occurred() ? NULL : data_of(msg, capsule);
}
/** A message taken apart: codec tag, bytes, how many handles. */
static PyObject *msg_parts(PyObject *capsule) {
  brood_msg *msg = pointer_in<brood_msg>(capsule);
  return PyErr_Occurred() ? NULL : parts_of(msg, capsule);
}
/** Waits for this worker's next task: the task, its function's name, its argument's parts. */
static PyObject *worker_take() { return take_task(); }
/** All that is in a batch: a list of index, message or None, parts. */
static PyObject *batch_take_all(PyObject *capsule) {
  brood_batch *batch = pointer_in<brood_batch>(capsule);
  return PyErr_Occurred() ? NULL : take_batch(batch);
}
%}

// ---- time ---------------------------------------------------------------------------------------
%typemap(arginit, noblock=1) (int64_t timeout_ms, brood_cancel *cancel)
  "int64_t *wait_ms = &$1; brood_cancel **wait_cancel = &$2;"
%typemap(in) (int64_t timeout_ms, brood_cancel *cancel) %{
  $1 = PyLong_AsLongLong($input);
  if ($1 == -1 && PyErr_Occurred()) SWIG_fail;
  $2 = NULL;
%}
%define %brood_waits(FUNCTION)
%exception FUNCTION %{
  {
    Wait wait(wait_ms, wait_cancel);
    result = BROOD_E_CANCELED;
    while (wait.begin()) {
      $action
      wait.end(result, &failure);
    }
  }
  if (PyErr_Occurred()) SWIG_fail;
%}
%enddef
%define %brood_waits_whole(FUNCTION)
%exception FUNCTION %{
  {
    WholeWait wait(*wait_ms, wait_cancel);
    result = BROOD_E_CANCELED;
    wait.run([&] { $action }, &failure);
  }
  if (PyErr_Occurred()) SWIG_fail;
%}
%enddef
// The options are the caller's, for any number of calls: what this wait changes is changed in a copy.
#define BROOD_SUBMIT_WAITS
%define %brood_submits(FUNCTION, N)
%exception FUNCTION %{
  {
    brood_submit_options options = BROOD_SUBMIT_OPTIONS_INIT;
    if (arg##N != NULL) options = *arg##N;
    arg##N = &options;
    Wait wait(&options.wait_ms, &options.cancel);
    result = BROOD_E_CANCELED;
    while (wait.begin()) {
      $action
      wait.end(result, &failure);
    }
  }
  if (PyErr_Occurred()) SWIG_fail;
%}
%enddef
%define %brood_works(FUNCTION)
%exception FUNCTION %{
  Py_BEGIN_ALLOW_THREADS
  $action
  Py_END_ALLOW_THREADS
%}
%enddef

// ---- records ------------------------------------------------------------------------------------
%define %brood_record(TYPE)
%typemap(in) const TYPE *options, TYPE *out %{
  if ($input == Py_None) {
    $1 = NULL;
  } else {
    brood_record *record = pointer_in<brood_record>($input);
    if (record == NULL) SWIG_fail;
    $1 = static_cast<TYPE *>(record->as(#TYPE));
    if ($1 == NULL) { PyErr_SetString(PyExc_TypeError, "not a record of " #TYPE); SWIG_fail; }
  }
%}
%enddef
