// Shared values and arrays: shared.h.
#include "api/sync_handles.hpp"

using namespace brood;
using namespace brood::api;

namespace {

#define BROOD_TYPE_MATCHES(symbol, inside)                                         \
  static_assert(BROOD_TYPE_##symbol == static_cast<uint32_t>(ElementType::inside), \
                "shared.h and sync/shared_array.hpp must agree")
BROOD_TYPE_MATCHES(BOOL, Bool);
BROOD_TYPE_MATCHES(CHAR, Char);
BROOD_TYPE_MATCHES(WCHAR, WideChar);
BROOD_TYPE_MATCHES(INT8, Int8);
BROOD_TYPE_MATCHES(UINT8, UInt8);
BROOD_TYPE_MATCHES(INT16, Int16);
BROOD_TYPE_MATCHES(UINT16, UInt16);
BROOD_TYPE_MATCHES(INT32, Int32);
BROOD_TYPE_MATCHES(UINT32, UInt32);
BROOD_TYPE_MATCHES(INT64, Int64);
BROOD_TYPE_MATCHES(UINT64, UInt64);
BROOD_TYPE_MATCHES(FLOAT, Float32);
BROOD_TYPE_MATCHES(DOUBLE, Float64);
BROOD_TYPE_MATCHES(STRUCT, Struct);
#undef BROOD_TYPE_MATCHES

Result<SharedArray::Shape> read_shape(uint32_t type, uint64_t count,
                                      const brood_shared_options& options) {
  if (type < BROOD_TYPE_BOOL || type > BROOD_TYPE_STRUCT) {
    return invalid("type is " + std::to_string(type) + "; give one of BROOD_TYPE_...");
  }
  const auto element = static_cast<ElementType>(type);
  const uint32_t own = size_of_element(element);
  const uint32_t given = options.element_size;
  if (own == 0 && given == 0) return invalid("element_size is 0: a struct's size must be given");
  if (own != 0 && given != 0 && given != own) {
    return invalid("element_size is " + std::to_string(given) + "; elements of this type have " +
                   std::to_string(own) + " bytes");
  }
  if (count == 0) return invalid("count is 0; give at least 1");
  return SharedArray::Shape{element, own != 0 ? own : given, count, !options.no_lock};
}

// Runs `function` with the runtime and the array.
template <class Function>
brood_status with_array(brood_shared* shared, brood_error** error, Function&& function) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(shared);
    return function(shared->object);
  });
}

// The same with its lock.
template <class Function>
brood_status with_lock(brood_shared* shared, uint64_t owner, brood_error** error,
                       Function&& function) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(shared);
    BROOD_TRY(check_owner(owner));
    if (!shared->object.has_lock()) return Error(Code::State, "the array was made without a lock");
    return function(*runtime, shared->object.lock());
  });
}

bool with_own_lock(const brood_shared* shared) {
  return shared != nullptr && shared->object.has_lock();
}

// The long way of brood_shared_lock() and _unlock(). Functions of their own, so that the short way
// prepares nothing for it.
[[gnu::noinline]] brood_status lock_with_care(brood_shared* shared, uint64_t owner,
                                              int64_t timeout_ms, brood_cancel* cancel,
                                              brood_error** error) {
  return with_lock(shared, owner, error, [&](Runtime& runtime, const LockView& lock) {
    return acquire_lock(runtime, lock, owner, timeout_ms, cancel);
  });
}

[[gnu::noinline]] brood_status unlock_with_care(brood_shared* shared, uint64_t owner,
                                                brood_error** error) {
  return with_lock(shared, owner, error, [&](Runtime& runtime, const LockView& lock) {
    return lock.release(rack_of(runtime), owner);
  });
}

}  // namespace

extern "C" {

brood_status brood_shared_create(uint32_t type, uint64_t count, const brood_shared_options* given,
                                 brood_shared** out, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(out);
    BROOD_LET(options, read_options(given, "brood_shared_options"));
    BROOD_LET(shape, read_shape(type, count, options));
    BROOD_LET(array, SharedArray::create(runtime->household().holdings(), shape));
    *out = new brood_shared(std::move(array));
    return {};
  });
}

void* brood_shared_data(brood_shared* shared) {
  return shared != nullptr ? shared->object.elements() : nullptr;
}
uint64_t brood_shared_count(const brood_shared* shared) {
  return shared != nullptr ? shared->object.shape().count : 0;
}
uint32_t brood_shared_type(const brood_shared* shared) {
  return shared != nullptr ? static_cast<uint32_t>(shared->object.shape().type) : 0;
}
uint32_t brood_shared_element_size(const brood_shared* shared) {
  return shared != nullptr ? shared->object.shape().element_size : 0;
}

brood_status brood_shared_view(brood_shared* shared, const void** out, brood_error** error) {
  return with_array(shared, error, [&](const SharedArray& array) -> Status {
    BROOD_NEED(out);
    std::lock_guard lock(shared->viewing);
    if (!shared->view) {
      BROOD_LET(view, array.map_view(shared->view_offset));
      shared->view = std::move(view);
    }
    *out = shared->view.get().data + shared->view_offset;
    return {};
  });
}

brood_status brood_shared_read(brood_shared* shared, uint64_t first, uint64_t count, void* data,
                               size_t size, brood_error** error) {
  return with_array(shared, error, [&](const SharedArray& array) -> Status {
    BROOD_TRY(read_bytes(data, size));
    return array.read(first, count, {static_cast<std::byte*>(data), size});
  });
}

brood_status brood_shared_write(brood_shared* shared, uint64_t first, uint64_t count,
                                const void* data, size_t size, brood_error** error) {
  return with_array(shared, error, [&](const SharedArray& array) -> Status {
    BROOD_LET(bytes, read_bytes(data, size));
    return array.write(first, count, bytes);
  });
}

brood_status brood_shared_get_int(brood_shared* shared, uint64_t index, int64_t* out,
                                  brood_error** error) {
  return with_array(shared, error, [&](const SharedArray& array) -> Status {
    BROOD_NEED(out);
    BROOD_LET(value, array.get_int(index));
    *out = value;
    return {};
  });
}

brood_status brood_shared_set_int(brood_shared* shared, uint64_t index, int64_t value,
                                  brood_error** error) {
  return with_array(shared, error,
                    [&](const SharedArray& array) { return array.set_int(index, value); });
}

brood_status brood_shared_add_int(brood_shared* shared, uint64_t index, int64_t delta,
                                  int64_t* out_before, brood_error** error) {
  return with_array(shared, error, [&](const SharedArray& array) -> Status {
    BROOD_LET(before, array.add_int(index, delta));
    if (out_before != nullptr) *out_before = before;
    return {};
  });
}

brood_status brood_shared_compare_exchange(brood_shared* shared, uint64_t index, int64_t* expected,
                                           int64_t desired, bool* out_exchanged,
                                           brood_error** error) {
  return with_array(shared, error, [&](const SharedArray& array) -> Status {
    BROOD_NEED(expected);
    BROOD_NEED(out_exchanged);
    BROOD_LET(exchanged, array.compare_exchange(index, *expected, desired));
    *out_exchanged = exchanged;
    return {};
  });
}

brood_status brood_shared_get_float(brood_shared* shared, uint64_t index, double* out,
                                    brood_error** error) {
  return with_array(shared, error, [&](const SharedArray& array) -> Status {
    BROOD_NEED(out);
    BROOD_LET(value, array.get_float(index));
    *out = value;
    return {};
  });
}

brood_status brood_shared_set_float(brood_shared* shared, uint64_t index, double value,
                                    brood_error** error) {
  return with_array(shared, error,
                    [&](const SharedArray& array) { return array.set_float(index, value); });
}

brood_status brood_shared_add_float(brood_shared* shared, uint64_t index, double delta,
                                    double* out_before, brood_error** error) {
  return with_array(shared, error, [&](const SharedArray& array) -> Status {
    BROOD_LET(before, array.add_float(index, delta));
    if (out_before != nullptr) *out_before = before;
    return {};
  });
}

brood_status brood_shared_lock(brood_shared* shared, uint64_t owner, int64_t timeout_ms,
                               brood_cancel* cancel, brood_error** error) {
  if (with_own_lock(shared) && take_quickly(shared->object.lock(), owner, timeout_ms)) {
    return BROOD_OK;
  }
  return lock_with_care(shared, owner, timeout_ms, cancel, error);
}

brood_status brood_shared_unlock(brood_shared* shared, uint64_t owner, brood_error** error) {
  if (with_own_lock(shared) && give_back_quickly(shared->object.lock(), owner)) return BROOD_OK;
  return unlock_with_care(shared, owner, error);
}

brood_status brood_shared_recover(brood_shared* shared, uint64_t owner, brood_error** error) {
  return with_lock(shared, owner, error, [&](Runtime& runtime, const LockView& lock) {
    return lock.recover(rack_of(runtime), owner);
  });
}

bool brood_shared_locked(const brood_shared* shared) {
  return shared != nullptr && shared->object.has_lock() && shared->object.lock().locked();
}

void brood_shared_free(brood_shared* shared) { give_back(shared); }
brood_handle* brood_shared_handle(brood_shared* shared) {
  return shared != nullptr ? up(shared) : nullptr;
}

}  // extern "C"
