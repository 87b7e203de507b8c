// Many tasks of one function whose results come out one by one: a window over an endless source, or
// a map over a list, which is a window as wide as the list. Guarded by its pool's mutex.
#pragma once

#include <deque>
#include <vector>

#include "pool/pool.hpp"

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

class Stream final : public Waitable {
 public:
  static Stream* create(Pool& pool, std::string_view function, const StreamOptions& options);
  // A stream with all its inputs, finished.
  static Result<Stream*> map(Pool& pool, std::string_view function,
                             std::span<const std::span<const std::byte>> items,
                             const StreamOptions& options);

  Status push(std::span<const std::byte> bytes, Deadline deadline, const CancelToken* cancel);
  void finish();
  struct Item {
    uint64_t index;
    Result<Message::Ptr> outcome;
  };
  // The next result if it is there already.
  std::optional<Item> take_ready();
  // The next result; an Error is about the stream (Closed, Timeout, Canceled), not about an item.
  Result<Item> next(Deadline deadline, const CancelToken* cancel);
  // The user's handle is gone: cancels what is left.
  void abandon();

  bool ready() const override;

 private:
  // One input. Its argument lies behind it, or behind all tasks of a map.
  struct Entry final : Task {
    explicit Entry(Stream& owner, uint64_t number) : stream(owner), index(number) {}
    ~Entry() = default;
    static void operator delete(void* memory) { ::operator delete(memory); }
    void done_locked(Pool&) override { stream.entry_done_locked(*this); }
    void dropped_locked(Pool&) override { stream.entry_dropped_locked(*this); }
    const void* group() const override { return &stream; }

    Stream& stream;
    uint64_t index;
    bool dropped = false;  // the pool has no more use for it
    bool taken = false;    // nor has the user
  };

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

  void set_up(Entry& entry) const;
  Status fill_map(std::span<const std::span<const std::byte>> items);
  void entry_done_locked(Entry& entry);
  void entry_dropped_locked(Entry& entry);
  void release_locked(Entry& entry);
  Entry* front_locked() const;
  bool can_push_locked() const;
  bool exhausted_locked() const { return finished_ && taken_ == pushed_; }
  Item take_locked(Entry& entry);
  void gather_locked();

  Pool& pool_;
  Room room_{*this};
  StreamOptions options_;
  uint32_t function_;
  std::deque<Entry*> window_;                // pushed and not taken, in order
  std::deque<Entry*> arrivals_;              // unordered: done and not taken, as they came
  std::unique_ptr<std::byte[]> map_memory_;  // a map's entries, and their arguments behind them
  Entry* map_entries_ = nullptr;
  uint64_t pushed_ = 0;
  uint64_t taken_ = 0;
  uint64_t held_by_pool_ = 0;
  std::mutex taking_;  // guards the next line only; taken before the pool's
  std::deque<Item>
      gathered_;  // a map's results, fetched together so that the pool is locked seldom
  bool finished_ = false;
  bool failed_ = false;  // a failure was handed out and ended the stream
  bool abandoned_ = false;
};

}  // namespace brood
