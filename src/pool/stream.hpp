// Many items of one function whose results come out one by one: a window over an endless source, or
// a map over a list, which is a window as wide as the list. Guarded by its pool's mutex, but for
// what says otherwise.
#pragma once

#include <deque>

#include "pool/pool.hpp"
#include "pool/stream_items.hpp"

namespace brood {

struct StreamOptions {
  uint64_t window = 0;
  uint32_t chunk = 1;
  bool ordered = true;
  bool stop_at_failure = true;
  int64_t run_limit_ms = 0;
  int32_t retries = 0;
  uint8_t codec = 0;
};

class Stream final : public Job {
 public:
  static Stream* create(Pool& pool, std::string_view function, const StreamOptions& options);
  // A stream with all its inputs, finished.
  static Result<Stream*> map(Pool& pool, std::string_view function, size_t count,
                             const BytesAt& bytes, const StreamOptions& options);

  Status push(std::span<const std::byte> bytes, Deadline deadline, const CancelToken* cancel);
  void finish();
  struct Taken {
    uint64_t index = 0;
    Outcome outcome;  // empty: none is there
  };
  // The next results that are there already, as many as fit; a failure only as the first and then
  // alone. Returns how many.
  size_t take_ready(std::span<Taken> out);
  // The same, waiting for the first; an Error is about the stream (Closed, Timeout, Canceled), not
  // about an item.
  Result<size_t> next(std::span<Taken> out, Deadline deadline, const CancelToken* cancel);
  // The user's handle is gone: cancels what is left.
  void abandon();

  bool ready() const override;
  Arguments arguments(uint64_t first) const override {
    return {&items_.at(first).argument, sizeof(StreamItems::Item)};
  }
  void settle_locked(Pool& pool, uint64_t ticket, Outcome outcome) override;
  void drop_locked(uint64_t items) override;

 private:
  // What a push waits for.
  struct Room final : Waitable {
    explicit Room(Stream& owner) : stream(owner) {}
    ~Room() override = default;
    bool ready() const override { return stream.can_push_locked(); }
    std::mutex& watch_mutex() const override { return stream.watch_mutex(); }
    void made_locked() { notify_locked(); }

    Stream& stream;
  };

  Stream(Pool& pool, std::string_view function, const StreamOptions& options);
  ~Stream() override;
  std::mutex& watch_mutex() const override { return pool_.mutex(); }

  Status fill_map(size_t count, const BytesAt& bytes);
  Status keep_large(const BytesAt& bytes);
  Status push_locked(std::span<const std::byte> bytes, const Argument& large);
  bool is_map() const { return window_ == 0; }
  bool can_push_locked() const;
  bool exhausted() const {
    return finished_.load(std::memory_order_acquire) &&
           taken_.load(std::memory_order_relaxed) == pushed_;
  }
  bool next_is_done() const;
  size_t take_in_order(std::span<Taken> out);
  size_t take_of_crowd(std::span<Taken> out);
  size_t take_of_window(std::span<Taken> out);

  Pool& pool_;
  Room room_{*this};
  StreamItems items_;
  const uint64_t window_;
  const bool ordered_;
  const bool stop_at_failure_;
  uint64_t pushed_ = 0;  // of a map it does not change
  uint64_t settled_ = 0;
  uint64_t held_by_pool_ = 0;
  std::deque<uint64_t> order_;  // tickets: of an ordered window those pushed and not taken; without
                                // order those done and not taken, as they came
  std::atomic<bool> finished_{false};
  std::atomic<bool> failed_{false};  // a failure was handed out and ended the stream
  std::mutex gathering_;             // guards the next line only; taken before the pool's
  std::deque<uint64_t> gathered_;    // of a map without order: part of `order_`, fetched together
  std::atomic<uint64_t> taken_{0};   // of an ordered map the next ticket to take
};

}  // namespace brood
