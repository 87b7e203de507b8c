// A value or an Error. Nothing but bad_alloc is thrown inside brood; everything else is a Result.
#pragma once

#include <optional>
#include <utility>
#include <variant>

#include "base/error.hpp"

namespace brood {

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return content_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return *std::get_if<0>(&content_); }
  const T& value() const& { return *std::get_if<0>(&content_); }
  T&& value() && { return std::move(*std::get_if<0>(&content_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { return *std::get_if<1>(&content_); }

 private:
  std::variant<T, Error> content_;
};

// Success without a value, or an Error.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return *error_; }
  Code code() const { return error_ ? error_->code() : Code::Ok; }

 private:
  std::optional<Error> error_;
};

// Leaves the function with the error of `expression`, if it has one.
#define BROOD_TRY(expression)                               \
  do {                                                      \
    auto&& brood_try_result = (expression);                 \
    if (!brood_try_result) return brood_try_result.error(); \
  } while (0)

}  // namespace brood
