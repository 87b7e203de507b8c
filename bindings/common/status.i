// Status and error in one native call: every fallible function ends in `brood_error **error`. The
// language's typemaps for `brood_status` (out) and `brood_error **error` (in) make its exception or
// error value of both.

// The thread that asks in a second call may be another one.
%ignore brood_last_error;
%ignore brood_error_copy;

// Returns a status without being a call that can fail: as a plain number under another name.
%ignore brood_error_code;
%inline %{
/** The error's status code; 0 for NULL. */
static int32_t brood_error_number(const brood_error *error) { return brood_error_code(error); }
%}
