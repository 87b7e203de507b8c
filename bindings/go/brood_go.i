// How each pattern of the common files looks in Go. Handles are numbers with types of their own and
// without an owner: the hand-written storey counts who is inside a call. What leaves through
// parameters is written through Go pointers. A call that fails gives a *Failure with its whole story:
// by its next call a goroutine may be on another thread.
//
// A wait needs nothing here: Go runs other goroutines while one is in C, and its token, which the
// hand-written storey fires when a context is done, ends it.
%insert(cgo_comment_typedefs) %{
#cgo pkg-config: brood
#cgo CXXFLAGS: -std=c++17 -O2
%}
%{
#include <cstring>
#include <vector>
%}
// A status comes back as a word with room for an address: see "status and error" below.
#define brood_status brood_go_status
%{
typedef intptr_t brood_go_status;
%}

// ---- plain results ------------------------------------------------------------------------------
%define %go_result(TYPE, GO)
%typemap(gotype) TYPE *OUTPUT, TYPE *INOUT GO
%typemap(imtype) TYPE *OUTPUT, TYPE *INOUT GO
%typemap(in) TYPE *OUTPUT, TYPE *INOUT "$1 = ($1_ltype)$input;"
%typemap(argout) TYPE *OUTPUT, TYPE *INOUT ""
%typemap(freearg) TYPE *OUTPUT, TYPE *INOUT ""
%enddef
%go_result(size_t, "*uint64")
%go_result(uint8_t, "*uint8")
%go_result(int32_t, "*int32")
%go_result(uint32_t, "*uint32")
%go_result(int64_t, "*int64")
%go_result(uint64_t, "*uint64")
%go_result(double, "*float64")
%go_result(bool, "*bool")

// ---- handles ------------------------------------------------------------------------------------
%define %go_handle(TYPE)
%typemap(gotype) TYPE *, const TYPE * #TYPE
%typemap(imtype) TYPE *, const TYPE * "uintptr"
%typemap(goin) TYPE *, const TYPE * "$result = uintptr($input)"
%typemap(in) TYPE *, const TYPE * "$1 = ($1_ltype)$input;"
%typemap(out) TYPE *, const TYPE * "$result = ($1_ltype)$1;"
%typemap(goout) TYPE *, const TYPE * %{ $result = TYPE($1) %}
%enddef
%define %brood_owned(TYPE, FREE)
%go_handle(TYPE)
%typemap(gotype) TYPE **out, TYPE **a, TYPE **b "*"#TYPE
%typemap(imtype) TYPE **out, TYPE **a, TYPE **b "*"#TYPE
%typemap(in) TYPE **out, TYPE **a, TYPE **b "$1 = ($1_ltype)$input;"
%enddef
%go_handle(brood_handle)
// Whose handle it is, and who owns it after a call, is known above.
%define %brood_borrowed(TYPE, FUNCTION)
%enddef
%define %brood_consumes(FUNCTION, N)
%enddef
%define %brood_waits(FUNCTION)
%enddef
%define %brood_waits_whole(FUNCTION)
%enddef
%define %brood_works(FUNCTION)
%enddef

%typemap(gotype) (brood_handle *const *handles, size_t count) "[]brood_handle"
%typemap(imtype) (brood_handle *const *handles, size_t count) "[]brood_handle"
%typemap(in) (brood_handle *const *handles, size_t count)
  "$1 = ($1_ltype)$input.array; $2 = ($2_ltype)$input.len;"

// ---- status and error ---------------------------------------------------------------------------
%ignore brood_status_name;
%ignore brood_error_number;
%ignore brood_error_message;
%ignore brood_error_kind;
%ignore brood_error_traceback;
%ignore brood_error_pid;
%ignore brood_error_exit_code;
%ignore brood_error_signal;
%ignore brood_error_os_code;
%ignore brood_error_free;
%typemap(arginit, noblock=1) brood_error **error "brood_error *failure = NULL;"
%typemap(in, numinputs=0) brood_error **error "$1 = &failure;"
%typemap(gotype) brood_status "*Failure"
%typemap(imtype) brood_status "uintptr"
%typemap(out) brood_status "$result = brood_go_outcome($1, failure);"
%typemap(goout) brood_status %{ $result = failureOf($1) %}
%{
// 0; or the number of an outcome without a story; or the address of its story, for failureOf().
static brood_go_status brood_go_outcome(brood_go_status status, brood_error *failure) {
  if (status == BROOD_OK) return 0;
  if (failure != NULL && status < BROOD_E_CANCELED) {
    return reinterpret_cast<brood_go_status>(failure);
  }
  brood_error_free(failure);
  return -status;
}
%}
%insert(cgo_comment_typedefs) %{
#include <brood/error.h>
%}
%insert(go_wrapper) %{
// Failure is what a failed call reports.
type Failure struct {
	Status                    int32
	Message, Kind, Traceback  string
	Pid                       int64
	ExitCode, Signal, OSCode  int32
}

// StatusName is "BROOD_E_TIMEOUT" for -1.
func StatusName(status int32) string {
	return C.GoString(C.brood_status_name(C.brood_status(status)))
}

func failureOf(word uintptr) *Failure {
	if word == 0 {
		return nil
	}
	if word < 4096 {
		status := -int32(word)
		return &Failure{Status: status, ExitCode: -1}
	}
	e := *(**C.brood_error)(unsafe.Pointer(&word))
	defer C.brood_error_free(e)
	return &Failure{
		Status:    int32(C.brood_error_code(e)),
		Message:   C.GoString(C.brood_error_message(e)),
		Kind:      C.GoString(C.brood_error_kind(e)),
		Traceback: C.GoString(C.brood_error_traceback(e)),
		Pid:       int64(C.brood_error_pid(e)),
		ExitCode:  int32(C.brood_error_exit_code(e)),
		Signal:    int32(C.brood_error_signal(e)),
		OSCode:    int32(C.brood_error_os_code(e)),
	}
}
%}

// ---- bytes --------------------------------------------------------------------------------------
%typemap(gotype) (const void *data, size_t size), (void *data, size_t size) "[]byte"
%typemap(imtype) (const void *data, size_t size), (void *data, size_t size) "[]byte"
%typemap(in) (const void *data, size_t size), (void *data, size_t size)
  "$1 = ($1_ltype)$input.array; $2 = ($2_ltype)$input.len;"
// A list of bytes is one piece of memory, since C may not be given Go pointers to Go pointers: for each
// item its size in eight bytes, then its bytes, filled up to a multiple of eight.
%typemap(gotype) (const brood_bytes *items, size_t count) "[]byte"
%typemap(imtype) (const brood_bytes *items, size_t count) "[]byte"
%typemap(in) (const brood_bytes *items, size_t count) (std::vector<brood_bytes> list) %{
  list = brood_go_items(static_cast<const char *>($input.array), static_cast<size_t>($input.len));
  $1 = list.data();
  $2 = list.size();
%}
%{
static std::vector<brood_bytes> brood_go_items(const char *at, size_t size) {
  std::vector<brood_bytes> items;
  const char *const end = at + size;
  while (static_cast<size_t>(end - at) >= sizeof(uint64_t)) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, at, sizeof bytes);
    at += sizeof bytes;
    if (bytes > static_cast<uint64_t>(end - at)) break;
    items.push_back({at, bytes});
    at += (bytes + 7) & ~uint64_t{7};
  }
  return items;
}
%}
%typemap(gotype) brood_view *out "*View"
%typemap(imtype) brood_view *out "*View"
%typemap(in) brood_view *out "$1 = ($1_ltype)$input;"

%insert(go_header) %{
// View is memory of C's.
type View struct {
	Data     unsafe.Pointer
	Size     uint64
	ReadOnly bool
}

// Head is what a message consists of: one call instead of four.
type Head struct {
	Data    unsafe.Pointer
	Size    uint64
	Index   uint64 // of its input, in a batch
	Codec   uint32
	Handles uint32
}
%}
%{
struct brood_go_head {
  void *data;
  uint64_t size, index;
  uint32_t codec, handles;
};
%}
%typemap(gotype) brood_go_head *out "*Head"
%typemap(imtype) brood_go_head *out "*Head"
%typemap(in) brood_go_head *out "$1 = ($1_ltype)$input;"
%typemap(gotype) (brood_go_head *heads, size_t count) "[]Head"
%typemap(imtype) (brood_go_head *heads, size_t count) "[]Head"
%typemap(in) (brood_go_head *heads, size_t count)
  "$1 = ($1_ltype)$input.array; $2 = ($2_ltype)$input.len;"

// ---- records ------------------------------------------------------------------------------------
%define %brood_record(TYPE)
%typemap(gotype) const TYPE *options, TYPE *out "brood_record"
%typemap(imtype) const TYPE *options, TYPE *out "uintptr"
%typemap(goin) const TYPE *options, TYPE *out "$result = uintptr($input)"
%typemap(in) const TYPE *options, TYPE *out %{
  $1 = $input == NULL ? NULL : ($1_ltype)((brood_record *)$input)->as(#TYPE);
%}
%enddef

// ---- what Go has more of ------------------------------------------------------------------------
%insert(go_header) %{
// What the handles are called here; SWIG knows them by their names in C.
type (
	Cancel uintptr
	Msg uintptr
	Task uintptr
	Process uintptr
	Pool uintptr
	Future uintptr
	Stream uintptr
	Completions uintptr
	Queue uintptr
	Lease uintptr
	Pipe uintptr
	Publication uintptr
	Lock uintptr
	Semaphore uintptr
	Condition uintptr
	Event uintptr
	Barrier uintptr
	RWLock uintptr
	Shared uintptr
	Batch uintptr
	Numbers uintptr
	Record uintptr
	Handle uintptr

	brood_cancel = Cancel
	brood_msg = Msg
	brood_task = Task
	brood_process = Process
	brood_pool = Pool
	brood_future = Future
	brood_stream = Stream
	brood_completions = Completions
	brood_queue = Queue
	brood_lease = Lease
	brood_pipe = Pipe
	brood_publication = Publication
	brood_lock = Lock
	brood_semaphore = Semaphore
	brood_condition = Condition
	brood_event = Event
	brood_barrier = Barrier
	brood_rwlock = RWLock
	brood_shared = Shared
	brood_batch = Batch
	brood_numbers = Numbers
	brood_record = Record
	brood_handle = Handle
)
%}
%go_handle(brood_msg)
%go_handle(brood_batch)
%inline %{
/** What a message consists of. */
static void msg_head(brood_msg *msg, brood_go_head *out) {
  *out = {brood_msg_data(msg), brood_msg_size(msg), 0, brood_msg_codec(msg),
          static_cast<uint32_t>(brood_msg_handle_count(msg))};
}
/** The messages of a batch, which stay its own; returns how many. */
static size_t batch_heads(brood_batch *batch, brood_go_head *heads, size_t count) {
  size_t i = 0;
  for (; i < count && i < batch->count; ++i) {
    msg_head(batch->msgs[i], &heads[i]);
    heads[i].index = batch->indexes[i];
  }
  return i;
}
/** Message number `i` of a batch, borrowed. */
static brood_msg *batch_peek(brood_batch *batch, size_t i) {
  return i < batch->count ? batch->msgs[i] : NULL;
}
%}
