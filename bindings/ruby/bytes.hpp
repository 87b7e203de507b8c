// Bytes between Ruby and brood: Strings and IO::Buffers in, Strings and IO::Buffers out.
#pragma once

#include <brood/base.h>
#include <ruby.h>
#include <ruby/encoding.h>
#include <ruby/io/buffer.h>

#include "common/view.hpp"

namespace brood_ruby {

// What is to be read while other threads run: a String as it is now (a frozen one that shares its
// bytes), an IO::Buffer, nil. Keep the result on the stack as long as the bytes are needed.
inline VALUE pinned_bytes(VALUE object, const void **data, size_t *size) {
  *data = nullptr;
  *size = 0;
  if (NIL_P(object)) return object;
  if (RTEST(rb_obj_is_kind_of(object, rb_cIOBuffer))) {
    rb_io_buffer_get_bytes_for_reading(object, data, size);
    return object;
  }
  StringValue(object);
  const VALUE frozen = rb_str_new_frozen(object);
  *data = RSTRING_PTR(frozen);
  *size = static_cast<size_t>(RSTRING_LEN(frozen));
  return frozen;
}

// A buffer that a call fills: a String with room for it that nobody else knows, or an IO::Buffer.
inline void buffer_to_fill(VALUE object, void **data, size_t *size) {
  if (RTEST(rb_obj_is_kind_of(object, rb_cIOBuffer))) {
    rb_io_buffer_get_bytes_for_writing(object, data, size);
    return;
  }
  StringValue(object);
  rb_str_modify(object);
  *data = RSTRING_PTR(object);
  *size = static_cast<size_t>(RSTRING_LEN(object));
}

// The elements of an array of Strings; the result keeps them as they are now.
inline VALUE pinned_list(VALUE list, brood_bytes *items) {
  const VALUE pinned = rb_ary_new_capa(RARRAY_LEN(list));
  for (long i = 0; i < RARRAY_LEN(list); ++i) {
    rb_ary_push(pinned, pinned_bytes(rb_ary_entry(list, i), &items[i].data, &items[i].size));
  }
  return pinned;
}

// Memory of `owner`, as an IO::Buffer that keeps it alive; its slices keep the buffer.
inline VALUE lend(const brood_view &view, VALUE owner) {
  const int flags = RB_IO_BUFFER_EXTERNAL | (view.read_only ? RB_IO_BUFFER_READONLY : 0);
  const VALUE buffer =
      rb_io_buffer_new(view.data, view.size, static_cast<enum rb_io_buffer_flags>(flags));
  rb_ivar_set(buffer, rb_intern("@brood_owner"), owner);
  return buffer;
}

// Text of another process may be anything; a failure to report must not fail.
inline VALUE text(const char *utf8) {
  const VALUE whole = rb_utf8_str_new_cstr(utf8);
  const VALUE scrubbed = rb_str_scrub(whole, Qnil);
  return NIL_P(scrubbed) ? whole : scrubbed;  // nil: there was nothing to scrub
}

inline VALUE utf8(const char *text) { return text == nullptr ? Qnil : rb_utf8_str_new_cstr(text); }

inline const char *c_string(VALUE *object) {
  if (NIL_P(*object)) return nullptr;
  if (RB_TYPE_P(*object, T_SYMBOL)) *object = rb_sym2str(*object);
  return StringValueCStr(*object);
}

}  // namespace brood_ruby
