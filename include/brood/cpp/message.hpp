/**
 * @file
 * Messages, and how values become their bytes: MessagePack, by msgpack-cxx.
 */
#ifndef BROOD_CPP_MESSAGE_HPP
#define BROOD_CPP_MESSAGE_HPP

// Without it msgpack-cxx wants Boost. A program that uses both includes <msgpack.hpp> first.
#ifndef MSGPACK_NO_BOOST
#define MSGPACK_NO_BOOST
#endif
#include <brood/message.h>

#include <brood/cpp/shared.hpp>
#include <cstddef>
#include <msgpack.hpp>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace brood {
inline namespace v0 {

using Bytes = std::span<const std::byte>;

/** The bytes of anything that holds some: a string, a vector, an array. */
template <class Container>
Bytes bytes_of(const Container& container) noexcept {
  return std::as_bytes(std::span(std::data(container), std::size(container)));
}

/** Bytes with a codec tag and attached handles. */
class Message {
 public:
  explicit Message(brood_msg* msg) noexcept : msg_(msg) {}
  explicit Message(Bytes bytes, uint8_t codec = BROOD_CODEC_RAW) {
    brood_msg* made = nullptr;
    detail::check([&](brood_error** error) {
      return brood_msg_create(bytes.data(), bytes.size(), codec, &made, error);
    });
    msg_.reset(made);
  }

  std::span<std::byte> bytes() noexcept {
    return {static_cast<std::byte*>(brood_msg_data(msg_.get())), size()};
  }
  Bytes bytes() const noexcept {
    return {static_cast<const std::byte*>(brood_msg_data(msg_.get())), size()};
  }
  std::string_view text() const noexcept {
    return {static_cast<const char*>(brood_msg_data(msg_.get())), size()};
  }
  size_t size() const noexcept { return brood_msg_size(msg_.get()); }
  uint8_t codec() const noexcept { return brood_msg_codec(msg_.get()); }

  /** Let a Cancel, Lock, Shared<T>, ... travel along. */
  template <class T>
  void attach(T& object) {
    detail::check(
        [&](brood_error** error) { return brood_msg_attach(msg_.get(), object.handle(), error); });
  }
  /** take<Lock>(0): the attached handle number 0, which must be of that type. */
  template <class T>
  T take(size_t index) {
    return detail::take<T>(msg_.get(), index);
  }
  size_t handle_count() const noexcept { return brood_msg_handle_count(msg_.get()); }
  /** BROOD_HANDLE_ of the attached handle number `index`. */
  int32_t handle_type(size_t index) const noexcept {
    return brood_msg_handle_type(msg_.get(), index);
  }

  brood_msg* get() const noexcept { return msg_.get(); }
  brood_msg* release() noexcept { return msg_.release(); }

 private:
  detail::Owned<brood_msg, brood_msg_free> msg_;
};

namespace detail {

/** One decoded MessagePack value; views into it live as long as it does. */
class Unpacked {
 public:
  Unpacked(Bytes bytes, uint8_t codec, const std::string& what) : what_(what) {
    // Bare bytes pass: the arguments of a process and of an initializer travel without a tag.
    if (codec != BROOD_CODEC_MSGPACK && codec != BROOD_CODEC_RAW) {
      fail("is not MessagePack but codec " + std::to_string(codec));
    }
    // A few bytes may announce millions of elements: no container can have more than there are
    // bytes.
    const size_t most = bytes.size();
    const msgpack::unpack_limit limit(most, most, most, most, most, kDeepest);
    try {
      size_t used = 0;
      value_ = msgpack::unpack(reinterpret_cast<const char*>(bytes.data()), bytes.size(), used,
                               nullptr, nullptr, limit);
      if (used != bytes.size()) fail("has bytes after its value");
    } catch (const msgpack::unpack_error& error) {
      fail(std::string("is not a MessagePack value: ") + error.what());
    }
  }

  template <class T>
  T as() const {
    return convert<T>(*value_);
  }

  /** An array of exactly as many values as the tuple has; one value stands alone, none is nil. */
  template <class Tuple>
  Tuple as_arguments() const {
    constexpr size_t kCount = std::tuple_size_v<Tuple>;
    if constexpr (kCount == 0) {
      if (!value_->is_nil()) fail("is a value where none is taken");
      return {};
    } else if constexpr (kCount == 1) {
      return Tuple(convert<std::tuple_element_t<0, Tuple>>(*value_));
    } else {
      if (value_->type != msgpack::type::ARRAY || value_->via.array.size != kCount) {
        fail("is not an array of " + std::to_string(kCount));
      }
      return all<Tuple>(std::make_index_sequence<kCount>());
    }
  }

 private:
  static constexpr size_t kDeepest = 256;

  template <class T>
  T convert(const msgpack::object& object) const {
    try {
      return object.as<T>();
    } catch (const msgpack::type_error&) {
      fail("does not have the type that was asked for");
    }
  }
  template <class Tuple, size_t... I>
  Tuple all(std::index_sequence<I...>) const {
    return Tuple(convert<std::tuple_element_t<I, Tuple>>(value_->via.array.ptr[I])...);
  }
  [[noreturn]] void fail(const std::string& how) const {
    throw ProtocolError(Error(BROOD_E_PROTOCOL, what_ + " " + how));
  }

  std::string what_;
  msgpack::object_handle value_;
};

/** A function's arguments as they travel: see Unpacked::as_arguments(). */
template <class Tuple>
void pack_arguments(msgpack::sbuffer& buffer, const Tuple& arguments) {
  if constexpr (std::tuple_size_v<Tuple> == 0) {
    msgpack::pack(buffer, msgpack::type::nil_t());
  } else if constexpr (std::tuple_size_v<Tuple> == 1) {
    msgpack::pack(buffer, std::get<0>(arguments));
  } else {
    msgpack::pack(buffer, arguments);
  }
}

/** What a task's result is in this program: a value, nothing, or the message itself. */
template <class Result>
Result unpack_result(Message message) {
  if constexpr (std::is_same_v<Result, Message>) {
    return message;
  } else if constexpr (!std::is_void_v<Result>) {
    return Unpacked(std::as_const(message).bytes(), message.codec(), "the task's result")
        .template as<Result>();
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
#endif
