// How each pattern of the common files looks in Java. The low storey is one class, Low, whose static
// methods take Handles, Strings and byte arrays; what leaves through parameters goes into an Out.
// Timeouts, closed objects and cancelled waits are returned as a number, because they are everyday
// outcomes; every other failure is an exception that Failures makes.
//
// No wait needs anything here: a thread that is in native code keeps nobody from running. The hand-
// written storey fires a wait's token when its thread is interrupted (Waits.java).
%javaconst(1);

%{
#include "java/native/cache.hpp"
#include "java/native/bytes.hpp"
#include "java/native/errors.hpp"
using namespace brood_java;
%}
%wrapper %{
extern "C" JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *machine, void *) {
  return prepare_cache(machine) ? JNI_VERSION_1_8 : JNI_ERR;
}
%}
%pragma(java) jniclasscode=%{
  static {
    NativeLibrary.load();
  }
%}

// ---- numbers ------------------------------------------------------------------------------------
// SWIG's long is Java's int; ours is the int64_t of this platform.
%typemap(jni) long "jlong"
%typemap(jtype) long "long"
%typemap(jstype) long "long"
%typemap(in) long "$1 = (long)$input;"
%typemap(out) long "$result = (jlong)$1;"

%typemap(jni) unsigned char "jint"
%typemap(jtype) unsigned char "int"
%typemap(jstype) unsigned char "int"

%define %brood_out(TYPE, PATTERN, ASSIGN)
%typemap(jni) TYPE *PATTERN "jobject"
%typemap(jtype) TYPE *PATTERN "Out"
%typemap(jstype) TYPE *PATTERN "Out"
%typemap(javain) TYPE *PATTERN "$javainput"
%typemap(in) TYPE *PATTERN (TYPE value = 0) "$1 = &value;"
%typemap(argout) TYPE *PATTERN "if ($input != NULL) ASSIGN;"
%typemap(freearg) TYPE *PATTERN ""
%enddef
%brood_out(size_t, OUTPUT, jenv->SetLongField($input, cache.out_number, (jlong)*$1))
%brood_out(int32_t, OUTPUT, jenv->SetLongField($input, cache.out_number, (jlong)*$1))
%brood_out(uint32_t, OUTPUT, jenv->SetLongField($input, cache.out_number, (jlong)*$1))
%brood_out(int64_t, OUTPUT, jenv->SetLongField($input, cache.out_number, (jlong)*$1))
%brood_out(uint64_t, OUTPUT, jenv->SetLongField($input, cache.out_number, (jlong)*$1))
%brood_out(int64_t, INOUT, jenv->SetLongField($input, cache.out_number, (jlong)*$1))
%brood_out(uint8_t, OUTPUT, jenv->SetIntField($input, cache.out_codec, (jint)*$1))
%brood_out(double, OUTPUT, jenv->SetDoubleField($input, cache.out_real, (jdouble)*$1))
%brood_out(bool, OUTPUT, jenv->SetBooleanField($input, cache.out_flag, (jboolean)*$1))
%typemap(in) int64_t *INOUT (int64_t value) %{
  value = jenv->GetLongField($input, cache.out_number);
  $1 = &value;
%}

// ---- status and error ---------------------------------------------------------------------------
// The parameter comes last, and so does its argout: everything else has been delivered by then.
%typemap(jni) brood_status "jint"
%typemap(jtype) brood_status "int"
%typemap(jstype) brood_status "int"
%typemap(out) brood_status "$result = (jint)$1;"
%typemap(javaout) brood_status "{
    return $jnicall;
  }"
%typemap(in, numinputs=0) brood_error **error (brood_error *failure = NULL) "$1 = &failure;"
%typemap(argout) brood_error **error "raise_unless_expected(jenv, result, *$1);"
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

// ---- handles ------------------------------------------------------------------------------------
// A Handle counts who is inside a call with it, so that one thread may close what another one uses:
// -1 stands for a handle that is closed already.
%define %brood_handle_in(TYPE)
%typemap(jni) TYPE * "jlong"
%typemap(jtype) TYPE * "long"
%typemap(jstype) TYPE * "Handle"
%typemap(javain, pre="    long raw$javainput = Handle.enter($javainput);",
                 post="      Handle.leave($javainput);", pgcppname="raw$javainput")
  TYPE * "raw$javainput"
%typemap(in) TYPE * %{
  if ($input == -1) { raise_closed(jenv); return $null; }
  $1 = reinterpret_cast<TYPE *>($input);
%}
%enddef

// What a function returns has the type of an argument otherwise: a number.
%define %brood_returned(TYPE, FUNCTION, FREE_ADDRESS)
%typemap(jni) TYPE *FUNCTION "jobject"
%typemap(jtype) TYPE *FUNCTION "Handle"
%typemap(out) TYPE *FUNCTION "$result = new_handle(jenv, $1, FREE_ADDRESS);"
%typemap(javaout) TYPE *FUNCTION "{
    return $jnicall;
  }"
%enddef

%define %brood_owned(TYPE, FREE)
%ignore FREE;
%brood_handle_in(TYPE)
%apply TYPE * { const TYPE * }
%typemap(in) const TYPE * %{
  if ($input == -1) { raise_closed(jenv); return $null; }
  $1 = reinterpret_cast<TYPE *>($input);
%}
%typemap(jni) TYPE **out, TYPE **a, TYPE **b "jobject"
%typemap(jtype) TYPE **out, TYPE **a, TYPE **b "Out"
%typemap(jstype) TYPE **out, TYPE **a, TYPE **b "Out"
%typemap(javain) TYPE **out, TYPE **a, TYPE **b "$javainput"
%typemap(in) TYPE **out (TYPE *made = NULL), TYPE **a (TYPE *made = NULL), TYPE **b (TYPE *made = NULL) "$1 = &made;"
%typemap(argout) TYPE **out, TYPE **a %{
  jenv->SetLongField($input, cache.out_free, free_address<TYPE, FREE>());
  jenv->SetLongField($input, cache.out_handle, reinterpret_cast<jlong>(*$1));
%}
%typemap(argout) TYPE **b "jenv->SetLongField($input, cache.out_second, reinterpret_cast<jlong>(*$1));"
%enddef

%define %brood_borrowed(TYPE, FUNCTION)
%brood_returned(TYPE, FUNCTION, 0)
%enddef
// One that returns what the caller owns without a line here does not compile.
%brood_returned(brood_batch, brood_batch_create, (free_address<brood_batch, brood_batch_free>()))
%brood_returned(brood_msg, brood_batch_take, (free_address<brood_msg, brood_msg_free>()))
%brood_returned(brood_record, brood_record_create, (free_address<brood_record, brood_record_free>()))

// Who calls it says Handle.disarm() after BROOD_OK.
%define %brood_consumes(FUNCTION, N)
%enddef

%brood_handle_in(brood_handle)
%brood_returned(brood_handle, brood_parent_handle, 0)
%typemap(jni) (brood_handle *const *handles, size_t count) "jlongArray"
%typemap(jtype) (brood_handle *const *handles, size_t count) "long[]"
%typemap(jstype) (brood_handle *const *handles, size_t count) "Handle[]"
%typemap(javain, pre="    long[] raw$javainput = Handle.enterAll($javainput);",
                 post="      Handle.leaveAll($javainput);", pgcppname="raw$javainput")
  (brood_handle *const *handles, size_t count) "raw$javainput"
%typemap(in) (brood_handle *const *handles, size_t count) (std::vector<brood_handle *> list) %{
  if (!pointers_in(jenv, $input, list)) return $null;
  $1 = list.data();
  $2 = list.size();
%}

// ---- text and bytes -----------------------------------------------------------------------------
// JNI's own strings are a UTF-8 of Java's own making: text travels as real UTF-8 in byte arrays.
%typemap(jni) const char * "jbyteArray"
%typemap(jtype) const char * "byte[]"
%typemap(jstype) const char * "String"
%typemap(javain) const char * "Text.utf8($javainput)"
%typemap(in) const char * (TextIn text) %{
  if (!text.open(jenv, $input)) return $null;
  $1 = const_cast<char *>(text.get());
%}
%typemap(freearg) const char * ""
%typemap(out) const char * "$result = bytes_out(jenv, $1, $1 != NULL ? strlen($1) : 0);"
%typemap(javaout) const char * "{
    return Text.of($jnicall);
  }"

%define %brood_bytes_in(PATTERN, CLASS)
%typemap(jni) PATTERN "jbyteArray"
%typemap(jtype) PATTERN "byte[]"
%typemap(jstype) PATTERN "byte[]"
%typemap(javain) PATTERN "$javainput"
%typemap(freearg) PATTERN ""
%enddef
%brood_bytes_in((const void *data, size_t size), BytesIn)
%brood_bytes_in((void *data, size_t size), BytesFilled)
%typemap(in) (const void *data, size_t size) (BytesIn bytes) %{
  if (!bytes.open(jenv, $input)) return $null;
  $1 = bytes.data();
  $2 = bytes.size();
%}
%typemap(in) (void *data, size_t size) (BytesFilled bytes) %{
  if (!bytes.open(jenv, $input)) return $null;
  $1 = bytes.data();
  $2 = bytes.size();
%}
%typemap(argout) (void *data, size_t size) "if (result == BROOD_OK) bytes$argnum.give_back();"

%typemap(jni) (const brood_bytes *items, size_t count) "jobjectArray"
%typemap(jtype) (const brood_bytes *items, size_t count) "byte[][]"
%typemap(jstype) (const brood_bytes *items, size_t count) "byte[][]"
%typemap(javain) (const brood_bytes *items, size_t count) "$javainput"
%typemap(in) (const brood_bytes *items, size_t count) (BytesList list) %{
  if (!list.open(jenv, $input)) return $null;
  $1 = list.items.data();
  $2 = list.items.size();
%}

%typemap(jni) brood_view *out "jobject"
%typemap(jtype) brood_view *out "Out"
%typemap(jstype) brood_view *out "Out"
%typemap(javain) brood_view *out "$javainput"
%typemap(in) brood_view *out (brood_view view = {}) "$1 = &view;"
%typemap(argout) brood_view *out "if (result == BROOD_OK) lend(jenv, *$1, $input);"

// A copy of a message's bytes: what small messages cost least as.
%{
typedef brood_msg *copied_msg;
%}
%typemap(jni) copied_msg "jbyteArray"
%typemap(jtype) copied_msg "byte[]"
%typemap(jstype) copied_msg "byte[]"
%typemap(javaout) copied_msg "{
    return $jnicall;
  }"
%typemap(out) copied_msg
  "$result = bytes_out(jenv, static_cast<const char *>(brood_msg_data($1)), brood_msg_size($1));"
%brood_handle_in(brood_msg)
%inline %{
static copied_msg msg_copy(brood_msg *msg) { return msg; }
/** Calls what free_address() gave. */
static void free_handle(long function, long pointer) {
  reinterpret_cast<void (*)(jlong)>(function)(pointer);
}
%}

// A ByteBuffer has room for 2 GiB: a part of a larger array.
%brood_handle_in(brood_shared)
%inline %{
static brood_status shared_part(brood_shared *shared, uint64_t first, uint64_t count, bool read_only, brood_view *out, brood_error **error) {
  const brood_status status = read_only ? brood_shared_read_only(shared, out, error) : brood_shared_bytes(shared, out, error);
  if (status != BROOD_OK) return status;
  const uint64_t each = brood_shared_element_size(shared);
  out->data = static_cast<char *>(out->data) + first * each;
  out->size = count * each;
  return BROOD_OK;
}
%}

// ---- time ---------------------------------------------------------------------------------------
%typemap(jni) (int64_t timeout_ms, brood_cancel *cancel) "jobject"
%typemap(jtype) (int64_t timeout_ms, brood_cancel *cancel) "Wait"
%typemap(jstype) (int64_t timeout_ms, brood_cancel *cancel) "Wait"
%typemap(javain) (int64_t timeout_ms, brood_cancel *cancel) "$javainput"
%typemap(in) (int64_t timeout_ms, brood_cancel *cancel) %{
  $1 = jenv->GetLongField($input, cache.wait_timeout);
  $2 = reinterpret_cast<brood_cancel *>(jenv->GetLongField($input, cache.wait_token));
%}
%define %brood_waits(FUNCTION)
%enddef
%define %brood_waits_whole(FUNCTION)
%enddef
%define %brood_works(FUNCTION)
%enddef

// ---- records ------------------------------------------------------------------------------------
%define %brood_record(TYPE)
%typemap(jni) const TYPE *options, TYPE *out "jlong"
%typemap(jtype) const TYPE *options, TYPE *out "long"
%typemap(jstype) const TYPE *options, TYPE *out "Handle"
%typemap(javain, pre="    long raw$javainput = Handle.enter($javainput);",
                 post="      Handle.leave($javainput);", pgcppname="raw$javainput")
  const TYPE *options, TYPE *out "raw$javainput"
%typemap(in) const TYPE *options, TYPE *out %{
  if (!record_in(jenv, $input, #TYPE, &$1)) return $null;
%}
%enddef
