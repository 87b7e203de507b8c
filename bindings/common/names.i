// Names: brood_pool_create is pool_create, BROOD_E_TIMEOUT is E_TIMEOUT.
%rename("%(regex:/^(brood|BROOD)_(.*)/\\2/)s") "";

// `wait` is taken by the base class of everything, in Java and Ruby.
%rename(wait_any) brood_wait;

// Compile-time furniture of the headers.
%ignore BROOD_API;
%ignore BROOD_CALL;
%ignore BROOD_MUST_CHECK;
%ignore brood_bytes;

// Callbacks run on brood's own threads, which no language's runtime wants to meet. Workers of the
// languages pull (worker_next), lines come from a pipe (process_read), futures tell a completion
// queue.
%ignore brood_register;
%ignore brood_function;
%ignore brood_line_function;
%ignore brood_stdio;
