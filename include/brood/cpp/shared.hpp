/**
 * @file
 * Values and arrays in shared memory, as std::span and std::atomic_ref.
 */
#ifndef BROOD_CPP_SHARED_HPP
#define BROOD_CPP_SHARED_HPP

#include <brood/shared.h>

#include <atomic>
#include <brood/cpp/sync.hpp>
#include <span>
#include <type_traits>

namespace brood {
inline namespace v0 {

namespace detail {

/** BROOD_TYPE_... of T; anything that is no number is a struct. */
template <class T>
constexpr uint32_t element_type() {
  if constexpr (std::is_same_v<T, bool>) {
    return BROOD_TYPE_BOOL;
  } else if constexpr (std::is_same_v<T, char>) {
    return BROOD_TYPE_CHAR;
  } else if constexpr (std::is_same_v<T, wchar_t> || std::is_same_v<T, char32_t>) {
    return BROOD_TYPE_WCHAR;
  } else if constexpr (std::is_same_v<T, float>) {
    return BROOD_TYPE_FLOAT;
  } else if constexpr (std::is_same_v<T, double>) {
    return BROOD_TYPE_DOUBLE;
  } else if constexpr (std::is_integral_v<T> && sizeof(T) <= 8) {
    constexpr uint32_t kRank = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 2 : sizeof(T) == 4 ? 4 : 6;
    return BROOD_TYPE_INT8 + kRank + (std::is_unsigned_v<T> ? 1 : 0);
  } else {
    return BROOD_TYPE_STRUCT;
  }
}

}  // namespace detail

/**
 * An array of T that all processes see; a value is an array of one. It is a lock of its own:
 * std::unique_lock lock(array).
 */
template <class T>
requires std::is_trivially_copyable_v<T>
class Shared {
 public:
  explicit Shared(uint64_t count = 1)
      : shared_(detail::make<brood_shared>([&](brood_shared** out, brood_error** error) {
          brood_shared_options options = BROOD_SHARED_OPTIONS_INIT;
          options.element_size = sizeof(T);
          return brood_shared_create(kType, count, &options, out, error);
        })) {
    open();
  }
  /** Throws InvalidArgument when its elements are not of type T. */
  template <std::same_as<brood_shared> Handle>  // a literal 0 is a number
  explicit Shared(Handle* shared) : shared_(shared) {
    if (brood_shared_type(shared) != kType || brood_shared_element_size(shared) != sizeof(T)) {
      throw InvalidArgument(
          Error(BROOD_E_INVALID, "the shared array's elements are of another type"));
    }
    open();
  }

  std::span<T> span() const noexcept { return elements_; }
  size_t size() const noexcept { return elements_.size(); }
  T* begin() const noexcept { return elements_.data(); }
  T* end() const noexcept { return elements_.data() + elements_.size(); }
  T& operator[](size_t index) const noexcept { return elements_[index]; }
  T& operator*() const noexcept { return elements_[0]; }
  /** The element for atomic use by all processes: `++counter.atomic()`. */
  std::atomic_ref<T> atomic(size_t index = 0) const noexcept {
    static_assert(std::atomic_ref<T>::is_always_lock_free, "use the lock");
    return std::atomic_ref<T>(elements_[index]);
  }
  /** The same memory where a write faults. */
  std::span<const T> view() const {
    const void* memory = nullptr;
    detail::check([&](brood_error** error) { return brood_shared_view(get(), &memory, error); });
    return {static_cast<const T*>(memory), elements_.size()};
  }

  void lock() { lock(Wait()); }
  /** False when the time ran out; throws OwnerDied. */
  bool lock(Wait patience) {
    return detail::check_unless(BROOD_E_TIMEOUT, [&](brood_error** error) {
      return brood_shared_lock(get(), 0, patience.timeout_ms(), patience.cancel(), error);
    });
  }
  bool try_lock() { return lock(std::chrono::milliseconds(0)); }
  void unlock() {
    detail::check([&](brood_error** error) { return brood_shared_unlock(get(), 0, error); });
  }
  void recover() {
    detail::check([&](brood_error** error) { return brood_shared_recover(get(), 0, error); });
  }

  brood_handle* handle() noexcept { return brood_shared_handle(get()); }
  brood_shared* get() const noexcept { return shared_.get(); }

 private:
  static constexpr uint32_t kType = detail::element_type<T>();
  void open() noexcept {
    elements_ = {static_cast<T*>(brood_shared_data(get())),
                 static_cast<size_t>(brood_shared_count(get()))};
  }

  detail::Owned<brood_shared, brood_shared_free> shared_;
  std::span<T> elements_;
};

namespace detail {

template <class T>
struct Taken<Shared<T>> {
  using Handle = brood_shared;
  static brood_status take(brood_msg* msg, size_t index, Handle** out, brood_error** error) {
    return brood_msg_take_shared(msg, index, out, error);
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace brood
#endif
