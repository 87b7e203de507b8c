#include "pool/stream.hpp"

#include "base/patience.hpp"

namespace brood {

Stream::Stream(Pool& pool, std::string_view name, const StreamOptions& options)
    : pool_(pool),
      window_(options.window),
      ordered_(options.ordered),
      stop_at_failure_(options.stop_at_failure) {
  function = pool.function_index(name);
  chunk = static_cast<uint16_t>(std::min(options.chunk, Claim::kMostItems));
  run_limit_ms = options.run_limit_ms;
  retries = pool.retries(options.retries);
  codec = options.codec;
  pool_.ref();
}

Stream::~Stream() { pool_.unref(); }

Stream* Stream::create(Pool& pool, std::string_view function, const StreamOptions& options) {
  return new Stream(pool, function, options);
}

// ---- inputs ------------------------------------------------------------------------------------

Result<Stream*> Stream::map(Pool& pool, std::string_view function, size_t count,
                            const BytesAt& bytes, const StreamOptions& options) {
  struct Unref {
    void operator()(Stream* stream) const { stream->unref(); }
  };
  std::unique_ptr<Stream, Unref> stream(new Stream(pool, function, options));
  BROOD_TRY(stream->fill_map(count, bytes));
  return stream.release();
}

Status Stream::fill_map(size_t count, const BytesAt& bytes) {
  finished_.store(true, std::memory_order_relaxed);
  pushed_ = count;
  if (count == 0) return {};
  items_.fill(count, bytes, kInlineBytes);
  const Patience patience;  // what was made is queued or given back
  Status status = keep_large(bytes);
  if (status) {
    std::lock_guard lock(pool_.mutex());
    held_by_pool_ = pushed_;
    ref();  // until the pool has dropped the last item
    status = pool_.accept_locked({this, 0, pushed_});
    if (status) return status;
    unref();
  }
  for (uint64_t i = 0; i < pushed_; ++i) pool_.drop_argument(items_.at(i).argument);
  return status;
}

Status Stream::keep_large(const BytesAt& bytes) {
  for (uint64_t i = 0; i < pushed_; ++i) {
    if (items_.at(i).argument) continue;
    Result<Argument> kept = pool_.keep_argument(bytes(i));
    if (!kept) return kept.error().with_context("item " + std::to_string(i) + " of the map");
    items_.at(i).argument = *kept;
  }
  return {};
}

bool Stream::can_push_locked() const {
  return finished_.load(std::memory_order_relaxed) || failed_.load(std::memory_order_relaxed) ||
         pushed_ - taken_.load(std::memory_order_relaxed) < window_;
}

Status Stream::push(std::span<const std::byte> bytes, Deadline deadline,
                    const CancelToken* cancel) {
  const auto may_push = [this] {
    std::lock_guard lock(pool_.mutex());
    return can_push_locked();
  };
  for (;;) {
    if (may_push()) break;
    BROOD_TRY(pool_.wait(deadline, cancel, may_push, &room_));
  }
  Argument large;
  if (bytes.size() > kInlineBytes) {
    Result<Argument> kept = pool_.keep_argument(bytes);
    if (!kept) return kept.error();
    large = *kept;
    bytes = {};
  }
  Status status;
  {
    std::lock_guard lock(pool_.mutex());
    status = push_locked(bytes, large);
  }
  if (!status) pool_.drop_argument(large);
  return status;
}

Status Stream::push_locked(std::span<const std::byte> bytes, const Argument& large) {
  if (finished_.load(std::memory_order_relaxed)) {
    return Error(Code::Closed, "the stream was finished: it takes no more inputs");
  }
  if (failed_.load(std::memory_order_relaxed)) {
    return Error(Code::Closed, "a failure ended the stream");
  }
  const uint64_t ticket = items_.place(pushed_, bytes);
  if (large.in_heap) items_.at(ticket).argument = large;
  if (ordered_) order_.push_back(ticket);
  ++pushed_;
  if (held_by_pool_++ == 0) ref();  // until the pool has dropped the last item
  Status status = pool_.accept_locked({this, ticket, 1});
  if (status) return status;
  // As if it was never pushed.
  --pushed_;
  if (ordered_) order_.pop_back();
  items_.clear(ticket);
  if (--held_by_pool_ == 0) unref();
  return status;
}

void Stream::finish() {
  {
    std::lock_guard lock(pool_.mutex());
    finished_.store(true, std::memory_order_release);
    if (exhausted()) notify_locked();
    room_.made_locked();
  }
  pool_.changed();
}

// ---- results -----------------------------------------------------------------------------------

// Of an ordered map without any lock: who takes meanwhile leaves the item behind it done.
bool Stream::next_is_done() const {
  if (!ordered_) return settled_ != taken_.load(std::memory_order_relaxed);
  if (!is_map()) return !order_.empty() && items_.at(order_.front()).outcome.done();
  const uint64_t taken = taken_.load(std::memory_order_acquire);
  return taken < pushed_ && items_.at(taken).outcome.done();
}

bool Stream::ready() const {
  return failed_.load(std::memory_order_acquire) || next_is_done() || exhausted();
}

// Of an ordered map: who moves the number on has the items that it passes.
size_t Stream::take_in_order(std::span<Taken> out) {
  uint64_t first = taken_.load(std::memory_order_acquire);
  uint64_t count;
  do {
    count = 0;
    const uint64_t most = std::min<uint64_t>(out.size(), pushed_ - first);
    for (bool failed = false; count < most && !failed; ++count) {
      const OutcomeSlot& slot = items_.at(first + count).outcome;
      // In this order: it may be settled in between.
      if (!slot.done()) break;
      failed = slot.failed();
      if (failed && count > 0) break;
    }
    if (count == 0) return 0;
    // Release: who sees the new number sees that the items before it are done.
  } while (!taken_.compare_exchange_weak(first, first + count, std::memory_order_acq_rel));
  for (uint64_t i = 0; i < count; ++i) out[i] = {first + i, items_.at(first + i).outcome.take()};
  return count;
}

// Of a map without order.
size_t Stream::take_of_crowd(std::span<Taken> out) {
  std::lock_guard gathering(gathering_);
  if (gathered_.empty()) {
    std::lock_guard lock(pool_.mutex());
    gathered_.swap(order_);
  }
  size_t count = 0;
  for (bool failed = false; count < out.size() && !failed && !gathered_.empty(); ++count) {
    const uint64_t ticket = gathered_.front();
    failed = items_.at(ticket).outcome.failed();
    if (failed && count > 0) break;
    gathered_.pop_front();
    out[count] = {ticket, items_.at(ticket).outcome.take()};
  }
  taken_.fetch_add(count, std::memory_order_release);
  return count;
}

size_t Stream::take_of_window(std::span<Taken> out) {
  size_t count = 0;
  {
    std::lock_guard lock(pool_.mutex());
    for (bool failed = false; count < out.size() && !failed && next_is_done(); ++count) {
      const uint64_t ticket = order_.front();
      StreamItems::Item& item = items_.at(ticket);
      failed = item.outcome.failed();
      if (failed && count > 0) break;
      order_.pop_front();
      taken_.fetch_add(1, std::memory_order_relaxed);
      out[count] = {items_.index_of(ticket), item.outcome.take()};
      items_.clear(ticket);
    }
    if (count == 0) return 0;
    pool_.note_change_locked();
    room_.made_locked();
  }
  pool_.nudge_drainer();
  return count;
}

size_t Stream::take_ready(std::span<Taken> out) {
  if (failed_.load(std::memory_order_acquire)) return 0;
  const size_t count = !is_map()  ? take_of_window(out)
                       : ordered_ ? take_in_order(out)
                                  : take_of_crowd(out);
  if (count == 1 && out[0].outcome.failure() != nullptr && stop_at_failure_) {
    {
      std::lock_guard lock(pool_.mutex());
      failed_.store(true, std::memory_order_release);
      pool_.note_change_locked();
      notify_locked();
      room_.made_locked();
    }
    pool_.cancel_all(*this);
  }
  return count;
}

Result<size_t> Stream::next(std::span<Taken> out, Deadline deadline, const CancelToken* cancel) {
  const auto is_ready = [this] {
    std::lock_guard lock(pool_.mutex());
    return ready();
  };
  for (;;) {
    if (const size_t count = take_ready(out); count != 0) return count;
    {
      std::lock_guard lock(pool_.mutex());
      if (failed_.load(std::memory_order_relaxed)) {
        return Error(Code::Closed, "a failure ended the stream");
      }
      if (exhausted()) return Error(Code::Closed);
    }
    BROOD_TRY(pool_.wait(deadline, cancel, is_ready, this));
  }
}

void Stream::settle_locked(Pool& pool, uint64_t ticket, Outcome outcome) {
  StreamItems::Item& item = items_.at(ticket);
  pool.drop_argument(item.argument);
  item.argument = Argument();
  item.outcome.put(std::move(outcome));
  ++settled_;
  if (!ordered_) order_.push_back(ticket);
  if (watched_locked() && ready()) notify_locked();
}

void Stream::drop_locked(uint64_t items) {
  held_by_pool_ -= items;
  if (held_by_pool_ == 0) unref();
}

void Stream::abandon() {
  {
    std::lock_guard lock(pool_.mutex());
    finished_.store(true, std::memory_order_release);
  }
  pool_.cancel_all(*this);
  unref();
}

}  // namespace brood
