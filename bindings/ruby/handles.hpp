// Handles in Ruby: objects of one class, each with the type of what it holds, so that a handle of
// another type is a TypeError. They free what they own when they are collected, or when the high
// storey releases them: at once, or when the last call that runs without the GVL has left.
#pragma once

#include <brood/brood.h>
#include <ruby.h>

#include <cstdint>

#include "common/batch.hpp"
#include "common/record.hpp"

namespace brood_ruby {

struct Handle {
  void *pointer;         // null once it was released, given away, or forgotten
  void (*free)(void *);  // null: borrowed
  VALUE owner;           // of what is borrowed: the handle that it is a part of
  size_t weight;         // bytes outside of Ruby's heap, so that the collector knows of them
  uint32_t busy;         // calls that use it without the GVL
  bool released;
};

inline void give_back(Handle *handle) {
  if (handle->pointer != nullptr && handle->free != nullptr) handle->free(handle->pointer);
  handle->pointer = nullptr;
  if (handle->weight > 0) rb_gc_adjust_memory_usage(-static_cast<ssize_t>(handle->weight));
  handle->weight = 0;
}
inline void mark_handle(void *handle) { rb_gc_mark(static_cast<Handle *>(handle)->owner); }
inline void free_handle(void *handle) {
  give_back(static_cast<Handle *>(handle));
  ruby_xfree(handle);
}
inline size_t size_of_handle(const void *handle) {
  return sizeof(Handle) + static_cast<const Handle *>(handle)->weight;
}

inline const rb_data_type_t any_handle = {"brood handle",
                                          {mark_handle, free_handle, size_of_handle, nullptr, {}},
                                          nullptr,
                                          nullptr,
                                          RUBY_TYPED_FREE_IMMEDIATELY};

template <class T>
const char *name_of() {
  return __PRETTY_FUNCTION__;
}

// One static object for each type of handle: its address is the type.
template <class T>
struct TypeOf {
  static inline const rb_data_type_t type = {
      name_of<T>(),
      {mark_handle, free_handle, size_of_handle, nullptr, {}},
      &any_handle,
      nullptr,
      RUBY_TYPED_FREE_IMMEDIATELY};
};

inline VALUE handle_class = Qnil;

inline Handle *handle_or_null(VALUE object) {
  if (!RB_TYPE_P(object, T_DATA) || !rb_typeddata_is_kind_of(object, &any_handle)) return nullptr;
  return static_cast<Handle *>(RTYPEDDATA_DATA(object));
}

// Raises unless what a handle stands for is still there.
inline void *pointer_of(Handle *handle) {
  const Handle *owner = handle->owner != Qnil ? handle_or_null(handle->owner) : nullptr;
  const bool gone = handle->pointer == nullptr || handle->released;
  if (gone || (owner != nullptr && (owner->pointer == nullptr || owner->released))) {
    rb_raise(rb_eIOError, "closed object of brood");
  }
  return handle->pointer;
}

// nil is NULL.
template <class T>
T *pointer_in(VALUE object) {
  if (NIL_P(object)) return nullptr;
  Handle *handle = static_cast<Handle *>(rb_check_typeddata(object, &TypeOf<T>::type));
  return static_cast<T *>(pointer_of(handle));
}

inline size_t weight_of(brood_msg *msg) { return brood_msg_size(msg); }
inline size_t weight_of(brood_shared *shared) {
  return brood_shared_count(shared) * brood_shared_element_size(shared);
}
// A pool has threads, and the stacks of these.
inline size_t weight_of(brood_pool *) { return size_t{256} << 10; }
inline size_t weight_of(const void *) { return 0; }

template <class T>
VALUE wrap(T *pointer, void (*free)(void *), VALUE owner, size_t weight) {
  // First the object, empty: making it may raise.
  Handle *handle;
  VALUE object = TypedData_Make_Struct(handle_class, Handle, &TypeOf<T>::type, handle);
  handle->pointer = pointer;
  handle->free = free;
  handle->weight = weight;
  RB_OBJ_WRITE(object, &handle->owner, owner);
  if (weight > 0) rb_gc_adjust_memory_usage(static_cast<ssize_t>(weight));
  return object;
}

template <class T, void (*Free)(T *)>
VALUE owned(T *pointer) {
  if (pointer == nullptr) return Qnil;
  return wrap<T>(
      pointer, [](void *object) { Free(static_cast<T *>(object)); }, Qnil, weight_of(pointer));
}

template <class T>
VALUE borrowed(T *pointer, VALUE owner) {
  return pointer == nullptr ? Qnil : wrap<T>(pointer, nullptr, owner, 0);
}

// Frees what a handle owns: now, or when the last call that uses it has left.
inline void release(VALUE object) {
  Handle *handle = static_cast<Handle *>(rb_check_typeddata(object, &any_handle));
  handle->released = true;
  if (handle->busy == 0) give_back(handle);
}

// A call has taken over what the handle owned; or nobody is to have it.
inline void forget(VALUE object) {
  Handle *handle = static_cast<Handle *>(rb_check_typeddata(object, &any_handle));
  handle->free = nullptr;
  give_back(handle);
}

// Counts a call without the GVL in, or out, for one argument of it.
inline void count_use(VALUE argument, int by) {
  Handle *handle = handle_or_null(argument);
  if (handle == nullptr && RB_TYPE_P(argument, T_ARRAY)) {
    for (long i = 0; i < RARRAY_LEN(argument); ++i) count_use(RARRAY_AREF(argument, i), by);
  }
  if (handle == nullptr) return;
  if (handle->owner != Qnil) count_use(handle->owner, by);
  handle->busy += static_cast<uint32_t>(by);
  if (handle->busy == 0 && handle->released) give_back(handle);
}
inline void enter_call(int argc, VALUE *argv) {
  for (int i = 0; i < argc; ++i) count_use(argv[i], 1);
}
inline void leave_call(int argc, VALUE *argv) {
  for (int i = 0; i < argc; ++i) count_use(argv[i], -1);
}

// The token in a record of submit options, which ends the wait for room; NULL for anything else.
inline brood_cancel *token_of(int argc, VALUE *argv) {
  for (int i = 0; i < argc; ++i) {
    if (handle_or_null(argv[i]) == nullptr) continue;
    if (!rb_typeddata_is_kind_of(argv[i], &TypeOf<brood_record>::type)) continue;
    auto *options = static_cast<brood_submit_options *>(
        pointer_in<brood_record>(argv[i])->as("brood_submit_options"));
    if (options != nullptr) return options->cancel;
  }
  return nullptr;
}

inline void prepare_handles(VALUE module) {
  handle_class = rb_define_class_under(module, "Handle", rb_cObject);
  rb_undef_alloc_func(handle_class);
  rb_gc_register_mark_object(handle_class);
}

}  // namespace brood_ruby
