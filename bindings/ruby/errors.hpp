// Failures as Ruby exceptions: lib/brood/errors.rb gives a proc that makes one of a failure's
// parts.
#pragma once

#include <brood/error.h>
#include <ruby.h>

#include "ruby/bytes.hpp"

namespace brood_ruby {

inline VALUE error_factory = Qnil;

// Raises the exception of a failed call, and frees the story.
[[noreturn]] inline void raise(brood_status status, brood_error *error) {
  VALUE parts[] = {
      INT2NUM(status),
      text(status == BROOD_OK ? "" : brood_error_message(error)),
      text(brood_error_kind(error)),
      text(brood_error_traceback(error)),
      LL2NUM(brood_error_pid(error)),
      INT2NUM(brood_error_exit_code(error)),
      INT2NUM(brood_error_signal(error)),
      INT2NUM(brood_error_os_code(error)),
  };
  brood_error_free(error);
  if (NIL_P(error_factory)) {
    rb_raise(rb_eRuntimeError, "%s", StringValueCStr(parts[1]));
  }
  const int count = sizeof parts / sizeof parts[0];
  const VALUE made = rb_funcallv(error_factory, rb_intern("call"), count, parts);
  rb_exc_raise(made);
}

}  // namespace brood_ruby
