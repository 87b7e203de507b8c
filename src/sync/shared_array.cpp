#include "sync/shared_array.hpp"

#include <cstring>
#include <limits>

namespace brood {

uint32_t size_of_element(ElementType type) {
  switch (type) {
    case ElementType::Bool:
    case ElementType::Char:
    case ElementType::Int8:
    case ElementType::UInt8:
      return 1;
    case ElementType::Int16:
    case ElementType::UInt16:
      return 2;
    case ElementType::WideChar:
    case ElementType::Int32:
    case ElementType::UInt32:
    case ElementType::Float32:
      return 4;
    case ElementType::Int64:
    case ElementType::UInt64:
    case ElementType::Float64:
      return 8;
    case ElementType::Struct:
      break;
  }
  return 0;
}

namespace {

// What a shape needs behind the object's header; 0 when it is no shape.
uint64_t bytes_of(const SharedArray::Shape& shape, uint64_t header) {
  const uint32_t own = size_of_element(shape.type);
  if (shape.element_size == 0 || (own != 0 && own != shape.element_size)) return 0;
  if (shape.type < ElementType::Bool || shape.type > ElementType::Struct) return 0;
  if (shape.count > (kLargestArena - header) / shape.element_size) return 0;
  return header + shape.count * shape.element_size;
}

template <class T>
std::atomic<T>& atomic_at(std::byte* element) {
  static_assert(std::atomic<T>::is_always_lock_free && sizeof(std::atomic<T>) == sizeof(T));
  return *reinterpret_cast<std::atomic<T>*>(element);
}

// Whole, at one moment.
template <class T>
void copy_one(std::byte* to, const std::byte* from, bool out) {
  T value;
  if (out) {
    // Acquire, and release below: with a value comes what its writer did before.
    value = atomic_at<T>(const_cast<std::byte*>(from)).load(std::memory_order_acquire);
    std::memcpy(to, &value, sizeof value);
  } else {
    std::memcpy(&value, from, sizeof value);
    atomic_at<T>(to).store(value, std::memory_order_release);
  }
}

// `out`: `from` is shared, else `to` is. Of several elements nobody is promised that they are of
// one moment.
void copy(std::byte* to, const std::byte* from, uint64_t count, uint32_t size, bool out) {
  if (count == 1 && size == 1) return copy_one<uint8_t>(to, from, out);
  if (count == 1 && size == 2) return copy_one<uint16_t>(to, from, out);
  if (count == 1 && size == 4) return copy_one<uint32_t>(to, from, out);
  if (count == 1 && size == 8) return copy_one<uint64_t>(to, from, out);
  if (count > 0) std::memcpy(to, from, count * size);
}

Error wrong_type(const char* wanted) {
  return Error(Code::Invalid, std::string("the elements are not ") + wanted);
}

template <class T>
Status fits(int64_t value) {
  if constexpr (sizeof(T) < sizeof(int64_t)) {
    if (value < static_cast<int64_t>(std::numeric_limits<T>::min()) ||
        value > static_cast<int64_t>(std::numeric_limits<T>::max())) {
      return Error(Code::Invalid, std::to_string(value) + " does not fit an element of " +
                                      std::to_string(sizeof(T) * 8) + " bits");
    }
  }
  return {};
}

}  // namespace

Result<SharedArray> SharedArray::create(Holdings& holdings, Shape shape) {
  if (const uint32_t own = size_of_element(shape.type)) shape.element_size = own;
  const uint64_t bytes = bytes_of(shape, kHeaderBytes);
  if (bytes == 0 || bytes > holdings.arena().bytes()) {
    return Error(Code::NoMemory, "an array of " + std::to_string(shape.count) + " elements of " +
                                     std::to_string(shape.element_size) +
                                     " bytes is more than the family's memory");
  }
  auto held = holdings.create(ObjectType::Shared, bytes);
  if (!held) return held.error().with_context("making a shared array");
  auto* state = reinterpret_cast<SharedArrayState*>(held->data());
  state->type = static_cast<uint32_t>(shape.type);
  state->element_size = shape.element_size;
  state->count = shape.count;
  state->has_lock = shape.has_lock;
  state->lock.recursive = 1;
  return SharedArray(std::move(*held), shape);
}

Result<SharedArray> SharedArray::from(Held held) {
  constexpr const char* kWhat = "a shared array's";
  BROOD_TRY(expect(held, ObjectType::Shared, kHeaderBytes, kWhat));
  const auto* state = reinterpret_cast<const SharedArrayState*>(held.data());
  const Shape shape{static_cast<ElementType>(state->type), state->element_size, state->count,
                    state->has_lock != 0};
  const uint64_t bytes = bytes_of(shape, kHeaderBytes);
  if (bytes == 0) return Error(Code::Protocol, "the shared array's handle is damaged");
  BROOD_TRY(expect(held, ObjectType::Shared, bytes, kWhat));
  return SharedArray(std::move(held), shape);
}

Result<platform::Mapping> SharedArray::map_view(size_t& offset) const {
  const uint64_t page = platform::page_size();
  const Offset at = arena().offset_of(elements());
  const Offset first = at / page * page;
  offset = static_cast<size_t>(at - first);
  return platform::map_shared_view(arena().fd(), first, std::max<uint64_t>(offset + bytes(), 1));
}

Status SharedArray::check_range(uint64_t first, uint64_t count, size_t size) const {
  if (first > shape_.count || count > shape_.count - first) {
    return Error(Code::Invalid, "elements " + std::to_string(first) + " to " +
                                    std::to_string(first + count) + " of an array of " +
                                    std::to_string(shape_.count));
  }
  if (count * shape_.element_size != size) {
    return Error(Code::Invalid, std::to_string(count) + " elements have " +
                                    std::to_string(count * shape_.element_size) + " bytes, not " +
                                    std::to_string(size));
  }
  return {};
}

Status SharedArray::read(uint64_t first, uint64_t count, std::span<std::byte> out) const {
  BROOD_TRY(check_range(first, count, out.size()));
  copy(out.data(), elements() + first * shape_.element_size, count, shape_.element_size, true);
  return {};
}

Status SharedArray::write(uint64_t first, uint64_t count, std::span<const std::byte> in) const {
  BROOD_TRY(check_range(first, count, in.size()));
  copy(elements() + first * shape_.element_size, in.data(), count, shape_.element_size, false);
  return {};
}

template <class Function>
Status SharedArray::with_integer(uint64_t index, Function&& function) const {
  BROOD_TRY(check_range(index, 1, shape_.element_size));
  std::byte* element = elements() + index * shape_.element_size;
  switch (shape_.type) {
    case ElementType::Bool:
    case ElementType::Char:
    case ElementType::UInt8:
      return function(atomic_at<uint8_t>(element));
    case ElementType::Int8:
      return function(atomic_at<int8_t>(element));
    case ElementType::Int16:
      return function(atomic_at<int16_t>(element));
    case ElementType::UInt16:
      return function(atomic_at<uint16_t>(element));
    case ElementType::Int32:
      return function(atomic_at<int32_t>(element));
    case ElementType::WideChar:
    case ElementType::UInt32:
      return function(atomic_at<uint32_t>(element));
    case ElementType::Int64:
      return function(atomic_at<int64_t>(element));
    case ElementType::UInt64:
      return function(atomic_at<uint64_t>(element));
    case ElementType::Float32:
    case ElementType::Float64:
    case ElementType::Struct:
      break;
  }
  return wrong_type("integers");
}

template <class Function>
Status SharedArray::with_float(uint64_t index, Function&& function) const {
  BROOD_TRY(check_range(index, 1, shape_.element_size));
  std::byte* element = elements() + index * shape_.element_size;
  if (shape_.type == ElementType::Float32) return function(atomic_at<float>(element));
  if (shape_.type == ElementType::Float64) return function(atomic_at<double>(element));
  return wrong_type("floating-point numbers");
}

Result<int64_t> SharedArray::get_int(uint64_t index) const {
  int64_t value = 0;
  BROOD_TRY(with_integer(index, [&](auto& element) -> Status {
    value = static_cast<int64_t>(element.load(std::memory_order_seq_cst));
    return {};
  }));
  return value;
}

Status SharedArray::set_int(uint64_t index, int64_t value) const {
  if (shape_.type == ElementType::Bool) value = value != 0;
  return with_integer(index, [&]<class T>(std::atomic<T>& element) -> Status {
    BROOD_TRY(fits<T>(value));
    element.store(static_cast<T>(value), std::memory_order_seq_cst);
    return {};
  });
}

Result<int64_t> SharedArray::add_int(uint64_t index, int64_t delta) const {
  if (shape_.type == ElementType::Bool) return wrong_type("numbers");
  int64_t before = 0;
  BROOD_TRY(with_integer(index, [&]<class T>(std::atomic<T>& element) -> Status {
    before =
        static_cast<int64_t>(element.fetch_add(static_cast<T>(delta), std::memory_order_seq_cst));
    return {};
  }));
  return before;
}

Result<bool> SharedArray::compare_exchange(uint64_t index, int64_t& expected,
                                           int64_t desired) const {
  bool exchanged = false;
  BROOD_TRY(with_integer(index, [&]<class T>(std::atomic<T>& element) -> Status {
    BROOD_TRY(fits<T>(expected));
    BROOD_TRY(fits<T>(desired));
    T seen = static_cast<T>(expected);
    exchanged =
        element.compare_exchange_strong(seen, static_cast<T>(desired), std::memory_order_seq_cst);
    if (!exchanged) expected = static_cast<int64_t>(seen);
    return {};
  }));
  return exchanged;
}

Result<double> SharedArray::get_float(uint64_t index) const {
  double value = 0;
  BROOD_TRY(with_float(index, [&](auto& element) -> Status {
    value = static_cast<double>(element.load(std::memory_order_seq_cst));
    return {};
  }));
  return value;
}

Status SharedArray::set_float(uint64_t index, double value) const {
  return with_float(index, [&]<class T>(std::atomic<T>& element) -> Status {
    element.store(static_cast<T>(value), std::memory_order_seq_cst);
    return {};
  });
}

Result<double> SharedArray::add_float(uint64_t index, double delta) const {
  double before = 0;
  BROOD_TRY(with_float(index, [&]<class T>(std::atomic<T>& element) -> Status {
    T seen = element.load(std::memory_order_seq_cst);
    while (!element.compare_exchange_weak(seen, static_cast<T>(static_cast<double>(seen) + delta),
                                          std::memory_order_seq_cst)) {
    }
    before = static_cast<double>(seen);
    return {};
  }));
  return before;
}

}  // namespace brood
