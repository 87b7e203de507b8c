/**
 * @file
 * Outcomes: of one task (Future), and of many (Results, Stream).
 */
#ifndef BROOD_CPP_STREAM_HPP
#define BROOD_CPP_STREAM_HPP

#include <brood/pool.h>

#include <algorithm>
#include <array>
#include <brood/cpp/function.hpp>
#include <iterator>
#include <variant>
#include <vector>

namespace brood {
inline namespace v0 {

/** The outcome of one task, some day. */
template <class Result>
class Future {
 public:
  explicit Future(brood_future* future) noexcept : future_(future) {}

  /** Wait for the task and take its result, once; throws what went wrong. */
  Result get(Wait patience = {}) {
    brood_msg* result = nullptr;
    detail::check([&](brood_error** error) {
      return brood_future_result(future_.get(), patience.timeout_ms(), patience.cancel(), &result,
                                 error);
    });
    return detail::unpack_result<Result>(Message(result));
  }
  /** Wait until the task is done, however it ended; false when the time ran out. */
  bool wait(Wait patience = {}) {
    return detail::check_unless(BROOD_E_TIMEOUT, [&](brood_error** error) {
      return brood_future_wait(future_.get(), patience.timeout_ms(), patience.cancel(), error);
    });
  }
  bool done() const noexcept { return brood_future_done(future_.get()); }
  /** Give the task up; false when it was done already. */
  bool cancel() {
    return detail::check_unless(BROOD_E_STATE, [&](brood_error** error) {
      return brood_future_cancel(future_.get(), error);
    });
  }
  brood_handle* handle() noexcept { return brood_future_handle(future_.get()); }
  brood_future* raw() const noexcept { return future_.get(); }

 private:
  detail::Owned<brood_future, brood_future_free> future_;
};

/** What became of one input of a map or stream: a value, or an error for exactly this input. */
template <class Result>
class Item {
 public:
  using Value = std::conditional_t<std::is_void_v<Result>, std::monostate, Result>;

  Item(uint64_t index, Value value)
      : index_(index), outcome_(std::in_place_index<0>, std::move(value)) {}
  Item(uint64_t index, const Error& error)
      : index_(index), outcome_(std::in_place_index<1>, error) {}

  /** The number of its input, from 0. */
  uint64_t index() const noexcept { return index_; }
  bool ok() const noexcept { return outcome_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  /** The value, or the failure thrown. */
  Value& value() & {
    if (!ok()) std::get<1>(outcome_).raise();
    return std::get<0>(outcome_);
  }
  Value&& value() && { return std::move(value()); }
  /** The failure; only if !ok(). */
  const Error& error() const { return std::get<1>(outcome_); }

 private:
  uint64_t index_;
  std::variant<Value, Error> outcome_;
};

/** The outcomes of many tasks, taken one by one or in a range-based for. */
template <class Result>
class Results {
 public:
  explicit Results(brood_stream* stream) noexcept : stream_(stream) {}

  /** The next outcome; nothing after the last. Throws Timeout and Canceled of this wait. */
  std::optional<Item<Result>> next(Wait patience = {}) {
    // An input's own failure sets the index, that of the wait does not: so the two are told apart.
    uint64_t index = kNone;
    brood_msg* result = nullptr;
    brood_error* story = nullptr;
    const brood_status status = brood_stream_next(stream_.get(), patience.timeout_ms(),
                                                  patience.cancel(), &index, &result, &story);
    if (status == BROOD_OK) return unpack(index, Message(result));
    const Error error(status, story);
    if (index != kNone) return Item<Result>(index, error);
    if (status == BROOD_E_CLOSED) return std::nullopt;
    error.raise();
  }

  /**
   * The values that are there, at most `most` and 256, waiting for the first; a failed item comes
   * alone. Empty after the last. Throws Timeout and Canceled of this wait.
   */
  std::vector<Item<Result>> next_many(size_t most, Wait patience = {}) {
    std::array<uint64_t, 256> indexes;
    std::array<brood_msg*, 256> results;
    size_t count = 0;
    indexes[0] = kNone;
    brood_error* story = nullptr;
    const brood_status status =
        brood_stream_next_many(stream_.get(), std::min(most, results.size()), patience.timeout_ms(),
                               patience.cancel(), indexes.data(), results.data(), &count, &story);
    std::vector<Item<Result>> items;
    if (status == BROOD_OK) {
      std::vector<Message> messages(results.begin(), results.begin() + count);
      items.reserve(count);
      for (size_t i = 0; i < count; ++i) {
        items.push_back(unpack(indexes[i], std::move(messages[i])));
      }
      return items;
    }
    const Error error(status, story);
    if (indexes[0] != kNone) {
      items.emplace_back(indexes[0], error);
    } else if (status != BROOD_E_CLOSED) {
      error.raise();
    }
    return items;
  }

  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = Item<Result>;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    explicit Iterator(Results* results) : results_(results), item_(results->next()) {}
    Item<Result>& operator*() const { return *item_; }
    Iterator& operator++() {
      item_ = results_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !item_.has_value(); }

   private:
    Results* results_ = nullptr;
    mutable std::optional<Item<Result>> item_;
  };
  Iterator begin() { return Iterator(this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  brood_handle* handle() noexcept { return brood_stream_handle(stream_.get()); }
  brood_stream* raw() const noexcept { return stream_.get(); }

 private:
  static constexpr uint64_t kNone = UINT64_MAX;

  static Item<Result> unpack(uint64_t index, Message message) {
    try {
      if constexpr (std::is_void_v<Result>) {
        return {index, std::monostate()};
      } else {
        return {index, detail::unpack_result<Result>(std::move(message))};
      }
    } catch (const ProtocolError& error) {
      return {index, error};
    }
  }

  detail::Owned<brood_stream, brood_stream_free> stream_;
};

/** A stream whose inputs are pushed one by one, in bounded memory. */
template <class F>
class Stream : public Results<typename Function<F>::Result> {
 public:
  using Results<typename Function<F>::Result>::Results;

  /**
   * Push the arguments of one call; false when the window stayed full for as long as `patience`
   * says: take results then.
   */
  template <class... A>
  requires CallableWith<F, A...>
  bool push(Wait patience, A&&... arguments) {
    buffer_.clear();
    detail::pack_arguments(buffer_, typename Function<F>::Arguments(std::forward<A>(arguments)...));
    return detail::check_unless(BROOD_E_TIMEOUT, [&](brood_error** error) {
      return brood_stream_push(this->raw(), buffer_.data(), buffer_.size(), patience.timeout_ms(),
                               patience.cancel(), error);
    });
  }
  /** No more inputs. */
  void finish() {
    detail::check([&](brood_error** error) { return brood_stream_finish(this->raw(), error); });
  }

 private:
  msgpack::sbuffer buffer_;
};

}  // namespace v0
}  // namespace brood
#endif
