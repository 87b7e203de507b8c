// How each pattern of the common files looks in Ruby. Handles are objects that free what they own;
// a call whose time runs out gives false, and every other failure is an exception that
// lib/brood/errors.rb makes. Ruby's exceptions jump: no local of a wrapper may have a destructor.
%include <typemaps.i>

%{
#include "ruby/bytes.hpp"
#include "ruby/errors.hpp"
#include "ruby/handles.hpp"
#include "ruby/waits.hpp"
using namespace brood_ruby;
%}
%init %{
  prepare_handles(mLow);
  rb_gc_register_address(&error_factory);
%}

// ---- status and error ---------------------------------------------------------------------------
%typemap(arginit, noblock=1) brood_error **error "brood_error *failure = NULL;"
%typemap(in, numinputs=0) brood_error **error "$1 = &failure;"
%typemap(out) brood_status %{
  if ($1 == BROOD_E_TIMEOUT) {
    brood_error_free(failure);
    return Qfalse;
  }
  if ($1 != BROOD_OK) brood_ruby::raise($1, failure);
  $result = Qnil;
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
static void set_error_factory(VALUE factory) { error_factory = factory; }
/** Free what a handle owns: now, or when the last call that uses it has left. */
static void release_handle(VALUE handle) { release(handle); }
/** Free nothing when the handle is collected: what it owned ends with this process. */
static void forget_handle(VALUE handle) { forget(handle); }
%}

// ---- handles ------------------------------------------------------------------------------------
%define %brood_owned(TYPE, FREE)
%ignore FREE;
%typemap(in) TYPE *, const TYPE * "$1 = pointer_in<TYPE>($input);"
%typemap(out) TYPE * "$result = owned<TYPE, FREE>($1);"
%typemap(in, numinputs=0) TYPE **out (TYPE *made = NULL), TYPE **a (TYPE *made = NULL),
                          TYPE **b (TYPE *made = NULL) "$1 = &made;"
%typemap(argout) TYPE **out, TYPE **a, TYPE **b
  "$result = SWIG_Ruby_AppendOutput($result, owned<TYPE, FREE>(*$1));"
%enddef

%define %brood_borrowed(TYPE, FUNCTION)
%typemap(out) TYPE *FUNCTION "$result = borrowed<TYPE>($1, argv[0]);"
%enddef

%define %brood_consumes(FUNCTION, N)
%typemap(out) brood_status FUNCTION %{
  if ($1 == BROOD_E_TIMEOUT) {
    brood_error_free(failure);
    return Qfalse;
  }
  if ($1 != BROOD_OK) brood_ruby::raise($1, failure);
  forget(argv[N - 1]);
  $result = Qnil;
%}
%enddef

%typemap(in) brood_handle * %{
  if (NIL_P($input)) rb_raise(rb_eTypeError, "nil is no handle");
  $1 = pointer_in<brood_handle>($input);
%}
%typemap(out) brood_handle *brood_parent_handle "$result = borrowed<brood_handle>($1, Qnil);"
%typemap(in) (brood_handle *const *handles, size_t count) (VALUE room = 0) %{
  Check_Type($input, T_ARRAY);
  $1 = ALLOCV_N(brood_handle *, room, RARRAY_LEN($input) + 1);
  for (long i = 0; i < RARRAY_LEN($input); ++i) {
    $1[i] = pointer_in<brood_handle>(rb_ary_entry($input, i));
  }
  $2 = RARRAY_LEN($input);
%}
%typemap(freearg) (brood_handle *const *handles, size_t count) "RB_GC_GUARD(room$argnum);"

// ---- bytes --------------------------------------------------------------------------------------
%typemap(in) (const void *data, size_t size) (VALUE pinned = Qnil) %{
  pinned = pinned_bytes($input, const_cast<const void **>(&$1), &$2);
%}
%typemap(freearg) (const void *data, size_t size) "RB_GC_GUARD(pinned$argnum);"
%typemap(in) (void *data, size_t size) "buffer_to_fill($input, &$1, &$2);"
%typemap(in) (const brood_bytes *items, size_t count) (VALUE room = 0, VALUE pinned = Qnil) %{
  Check_Type($input, T_ARRAY);
  $1 = ALLOCV_N(brood_bytes, room, RARRAY_LEN($input) + 1);
  pinned = pinned_list($input, $1);
  $2 = RARRAY_LEN(pinned);
%}
%typemap(freearg) (const brood_bytes *items, size_t count)
  "RB_GC_GUARD(room$argnum); RB_GC_GUARD(pinned$argnum);"
%typemap(in, numinputs=0) brood_view *out (brood_view view) "$1 = &view;"
%typemap(argout) brood_view *out
  "$result = SWIG_Ruby_AppendOutput($result, lend(*$1, argv[0]));"
// Text. A name may be a Symbol.
%typemap(in) const char * "$1 = const_cast<char *>(c_string(&$input));"
%typemap(freearg) const char * ""
%typemap(out) const char * "$result = utf8($1);"
%inline %{
/** A copy of a message's bytes. */
static VALUE msg_copy(VALUE handle) {
  brood_msg *msg = pointer_in<brood_msg>(handle);
  return rb_str_new(static_cast<const char *>(brood_msg_data(msg)),
                    static_cast<long>(brood_msg_size(msg)));
}
%}

// ---- numbers ------------------------------------------------------------------------------------
// SWIG's own would catch exceptions for each of them.
%typemap(in) int64_t "$1 = NUM2LL($input);"
%typemap(in) uint64_t, size_t "$1 = NUM2ULL($input);"
%typemap(in) int32_t, int "$1 = NUM2INT($input);"
%typemap(in) uint32_t "$1 = NUM2UINT($input);"
%typemap(in) uint8_t "$1 = static_cast<uint8_t>(NUM2USHORT($input));"
%typemap(in) double "$1 = NUM2DBL($input);"

// ---- time ---------------------------------------------------------------------------------------
%typemap(arginit, noblock=1) (int64_t timeout_ms, brood_cancel *cancel)
  "int64_t *wait_ms = &$1; brood_cancel **wait_cancel = &$2;"
%typemap(in) (int64_t timeout_ms, brood_cancel *cancel) %{
  $1 = NUM2LL($input);
  $2 = NULL;
%}
%define %brood_ruby_wait(FUNCTION, IN_PIECES)
%exception FUNCTION %{
  result = brood_ruby::wait(argc, argv, wait_ms, wait_cancel, &failure, IN_PIECES, [&] {
    $action
    return result;
  });
%}
%enddef
%define %brood_waits(FUNCTION)
%brood_ruby_wait(FUNCTION, true)
%enddef
%define %brood_waits_whole(FUNCTION)
%brood_ruby_wait(FUNCTION, false)
%enddef
%define %brood_works(FUNCTION)
%exception FUNCTION %{
  work(#FUNCTION, argc, argv, [&] { $action });
%}
%enddef

// ---- records ------------------------------------------------------------------------------------
%define %brood_record(TYPE)
%typemap(in) const TYPE *options, TYPE *out %{
  if (NIL_P($input)) {
    $1 = NULL;
  } else {
    $1 = static_cast<TYPE *>(pointer_in<brood_record>($input)->as(#TYPE));
    if ($1 == NULL) rb_raise(rb_eTypeError, "not a record of " #TYPE);
  }
%}
%enddef
