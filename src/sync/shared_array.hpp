// Values and arrays in shared memory: elements of one type, all zeros at first, with a lock of
// their own or without. Single elements are read and changed atomically, as far as the CPU can.
#pragma once

#include <span>

#include "sync/lock.hpp"

namespace brood {

// Numbered as in shared.h.
enum class ElementType : uint32_t {
  Bool = 1,
  Char,
  WideChar,
  Int8,
  UInt8,
  Int16,
  UInt16,
  Int32,
  UInt32,
  Int64,
  UInt64,
  Float32,
  Float64,
  Struct,
};

//   0    type, size of an element
//   8    count
//   16   has_lock
//   32   lock
//   128  the elements
struct SharedArrayState {
  uint32_t type;
  uint32_t element_size;
  uint64_t count;
  uint32_t has_lock;
  alignas(32) LockState lock;
  alignas(128) std::byte elements[128];
};
static_assert(SharedPod<SharedArrayState> && offsetof(SharedArrayState, lock) == 32 &&
              offsetof(SharedArrayState, elements) == 128);

class SharedArray final : public SharedObject {
 public:
  struct Shape {
    ElementType type = ElementType::UInt8;
    uint32_t element_size = 0;  // of a Struct; the others have their own
    uint64_t count = 0;
    bool has_lock = true;
  };
  // NoMemory when the machine, or the family's memory, has no room for it.
  static Result<SharedArray> create(Holdings& holdings, Shape shape);
  static Result<SharedArray> from(Held held);

  const Shape& shape() const { return shape_; }
  uint64_t bytes() const { return shape_.count * shape_.element_size; }
  std::byte* elements() const { return state().elements; }
  // The elements as memory that this process cannot write to. NoMemory, Os.
  Result<platform::Mapping> map_view(size_t& offset) const;

  // Copies elements out or in; a single one of 1, 2, 4 or 8 bytes is whole. Invalid when they are
  // not all there.
  Status read(uint64_t first, uint64_t count, std::span<std::byte> out) const;
  Status write(uint64_t first, uint64_t count, std::span<const std::byte> in) const;

  // One element of an integer type, of Bool, Char or WideChar; 64 unsigned bits travel as they are.
  // Invalid for other types, outside the array, and for values that the type cannot hold.
  Result<int64_t> get_int(uint64_t index) const;
  Status set_int(uint64_t index, int64_t value) const;
  // The value before. Wraps round as unsigned numbers do.
  Result<int64_t> add_int(uint64_t index, int64_t delta) const;
  // True if it was `expected`, and is `desired` now; else `expected` is what it is.
  Result<bool> compare_exchange(uint64_t index, int64_t& expected, int64_t desired) const;
  // One element of a floating-point type.
  Result<double> get_float(uint64_t index) const;
  Status set_float(uint64_t index, double value) const;
  Result<double> add_float(uint64_t index, double delta) const;

  bool has_lock() const { return shape_.has_lock; }
  LockView lock() const { return LockView(state().lock, *SharedObject::waiters(), true); }
  // Its lock is free.
  bool ready() const override { return has_lock() && lock().ready(members()); }
  WaiterSet* waiters() const override { return has_lock() ? SharedObject::waiters() : nullptr; }

 private:
  SharedArray(Held held, const Shape& shape) : SharedObject(std::move(held)), shape_(shape) {}
  SharedArrayState& state() const { return state_as<SharedArrayState>(); }
  static constexpr size_t kHeaderBytes = offsetof(SharedArrayState, elements);
  Status check_range(uint64_t first, uint64_t count, size_t size) const;
  template <class Function>
  Status with_integer(uint64_t index, Function&& function) const;
  template <class Function>
  Status with_float(uint64_t index, Function&& function) const;

  Shape shape_;  // as it was when the handle was made, and checked
};

// 0 for a Struct, and for a number that is no type.
uint32_t size_of_element(ElementType type);

}  // namespace brood
