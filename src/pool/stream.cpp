#include "pool/stream.hpp"

#include <cstring>
#include <new>

#include "base/patience.hpp"

namespace brood {

Stream::Stream(Pool& pool, std::string_view function, const StreamOptions& options)
    : pool_(pool), options_(options), function_(pool.function_index(function)) {
  pool_.ref();
}

Stream::~Stream() {
  for (Entry* entry : options_.ordered ? window_ : arrivals_) {
    if (map_entries_ != nullptr) {
      entry->~Entry();
    } else {
      delete entry;
    }
  }
  pool_.unref();
}

Stream* Stream::create(Pool& pool, std::string_view function, const StreamOptions& options) {
  return new Stream(pool, function, options);
}

void Stream::set_up(Entry& entry) const {
  entry.function = function_;
  entry.chunk = options_.chunk;
  entry.run_limit_ms = options_.run_limit_ms;
  entry.retries_left = options_.retries;
  entry.codec = options_.codec;
}

// ---- inputs ------------------------------------------------------------------------------------

Result<Stream*> Stream::map(Pool& pool, std::string_view function,
                            std::span<const std::span<const std::byte>> items,
                            const StreamOptions& options) {
  Stream* stream = new Stream(pool, function, options);
  Status status = stream->fill_map(items);
  if (!status) {
    stream->abandon();
    return status.error();
  }
  return stream;
}

Status Stream::fill_map(std::span<const std::span<const std::byte>> items) {
  const Patience patience;  // but for the one large piece
  size_t bytes = items.size() * sizeof(Entry);
  for (const auto& item : items) {
    if (item.size() <= kInlineBytes) bytes += padded(item.size());
  }
  finished_ = true;
  if (items.empty()) return {};
  map_memory_.reset(new (std::nothrow) std::byte[bytes]);
  if (!map_memory_) return Error(Code::NoMemory);
  std::byte* memory = map_memory_.get();
  map_entries_ = reinterpret_cast<Entry*>(memory);
  std::byte* at = memory + items.size() * sizeof(Entry);
  TaskQueue tasks;
  Status status;
  for (const auto& item : items) {
    Entry* entry = new (map_entries_ + pushed_) Entry(*this, pushed_);
    ++pushed_;
    set_up(*entry);
    if (options_.ordered) window_.push_back(entry);
    if (item.size() <= kInlineBytes) {
      if (!item.empty()) std::memcpy(at, item.data(), item.size());
      entry->argument = {at, {}, item.size()};
      at += padded(item.size());
    } else if (Result<Argument> kept = pool_.keep_argument(item)) {
      entry->argument = *kept;
    } else {
      status = kept.error().with_context("item " + std::to_string(entry->index) + " of the map");
      break;
    }
    tasks.push_back(entry);
  }
  held_by_pool_ = tasks.size();
  if (status) {
    ref();  // until the pool has dropped the last task
    status = pool_.enqueue(std::move(tasks));
    if (status) return status;
    unref();
  }
  // Nothing was queued: what was made so far goes again.
  held_by_pool_ = 0;
  for (uint64_t i = 0; i < pushed_; ++i) {
    pool_.drop_argument(map_entries_[i].argument);
    if (!options_.ordered) map_entries_[i].~Entry();
  }
  return status;
}

bool Stream::can_push_locked() const {
  return finished_ || failed_ || pushed_ - taken_ < options_.window;
}

Status Stream::push(std::span<const std::byte> bytes, Deadline deadline,
                    const CancelToken* cancel) {
  const auto may_push = [this] {
    std::lock_guard lock(pool_.mutex());
    return can_push_locked();
  };
  for (;;) {
    {
      std::lock_guard lock(pool_.mutex());
      if (finished_) return Error(Code::Closed, "the stream was finished: it takes no more inputs");
      if (failed_) return Error(Code::Closed, "a failure ended the stream");
      if (pushed_ - taken_ < options_.window) break;
    }
    BROOD_TRY(pool_.wait(deadline, cancel, may_push, &room_));
  }
  const bool small = bytes.size() <= kInlineBytes;
  Entry* entry = new (::operator new(sizeof(Entry) + (small ? bytes.size() : 0))) Entry(*this, 0);
  set_up(*entry);
  if (small) {
    auto* data = reinterpret_cast<std::byte*>(entry + 1);
    if (!bytes.empty()) std::memcpy(data, bytes.data(), bytes.size());
    entry->argument = {data, {}, bytes.size()};
  } else {
    Result<Argument> kept = pool_.keep_argument(bytes);
    if (!kept) {
      delete entry;
      return kept.error();
    }
    entry->argument = *kept;
  }
  {
    std::lock_guard lock(pool_.mutex());
    entry->index = pushed_++;
    if (options_.ordered) window_.push_back(entry);
    if (held_by_pool_++ == 0) ref();  // until the pool has dropped the last task
  }
  TaskQueue tasks;
  tasks.push_back(entry);
  Status status = pool_.enqueue(std::move(tasks));
  if (status) return status;
  // The pool did not take it: as if it was never pushed. Only this thread pushes at a time, so that
  // it is still the last one.
  const Argument argument = entry->argument;
  bool last = false;
  {
    std::lock_guard lock(pool_.mutex());
    --pushed_;
    if (options_.ordered) window_.pop_back();
    last = --held_by_pool_ == 0;
    delete entry;
  }
  pool_.drop_argument(argument);
  if (last) unref();
  return status;
}

void Stream::finish() {
  {
    std::lock_guard lock(pool_.mutex());
    finished_ = true;
    if (exhausted_locked()) notify_locked();
    room_.made_locked();
  }
  pool_.changed();
}

// ---- results -----------------------------------------------------------------------------------

Stream::Entry* Stream::front_locked() const {
  if (options_.ordered) {
    return !window_.empty() && window_.front()->done() ? window_.front() : nullptr;
  }
  return arrivals_.empty() ? nullptr : arrivals_.front();
}

bool Stream::ready() const { return failed_ || front_locked() != nullptr || exhausted_locked(); }

Stream::Item Stream::take_locked(Entry& entry) {
  if (options_.ordered) {
    window_.pop_front();
  } else {
    arrivals_.pop_front();
  }
  ++taken_;
  entry.taken = true;
  if (options_.window != 0) {
    pool_.note_change_locked();
    room_.made_locked();
  }
  Item item{entry.index, entry.failure ? Result<Message::Ptr>(*entry.failure)
                                       : Result<Message::Ptr>(std::move(entry.value))};
  release_locked(entry);
  return item;
}

// Everything that is there, up to a limit and a failure; from a window only one, since each makes
// room.
void Stream::gather_locked() {
  constexpr size_t kMost = 128;
  const size_t most = options_.window == 0 ? kMost : 1;
  while (gathered_.size() < most) {
    Entry* entry = front_locked();
    if (entry == nullptr) return;
    gathered_.push_back(take_locked(*entry));
    if (!gathered_.back().outcome.ok()) return;
  }
}

std::optional<Stream::Item> Stream::take_ready() {
  std::unique_lock taking(taking_);
  if (gathered_.empty()) {
    std::lock_guard lock(pool_.mutex());
    if (failed_) return std::nullopt;
    gather_locked();
    if (gathered_.empty()) return std::nullopt;
  }
  Item item = std::move(gathered_.front());
  gathered_.pop_front();
  taking.unlock();
  if (options_.window != 0) pool_.nudge_drainer();
  if (!item.outcome.ok() && options_.stop_at_failure) {
    {
      std::lock_guard lock(pool_.mutex());
      failed_ = true;
    }
    pool_.cancel_group(this);
  }
  return item;
}

Result<Stream::Item> Stream::next(Deadline deadline, const CancelToken* cancel) {
  const auto is_ready = [this] {
    std::lock_guard lock(pool_.mutex());
    return ready();
  };
  for (;;) {
    if (std::optional<Item> item = take_ready()) return std::move(*item);
    {
      std::lock_guard lock(pool_.mutex());
      if (failed_) return Error(Code::Closed, "a failure ended the stream");
      if (exhausted_locked()) return Error(Code::Closed);
    }
    BROOD_TRY(pool_.wait(deadline, cancel, is_ready, this));
  }
}

void Stream::entry_done_locked(Entry& entry) {
  if (!options_.ordered) arrivals_.push_back(&entry);
  if (abandoned_ || watched_locked()) {
    if (ready()) notify_locked();
  }
}

void Stream::entry_dropped_locked(Entry& entry) {
  entry.dropped = true;
  release_locked(entry);
  if (--held_by_pool_ == 0) unref();
}

void Stream::release_locked(Entry& entry) {
  if (!entry.taken || !entry.dropped) return;
  if (map_entries_ != nullptr) {
    entry.~Entry();
  } else {
    delete &entry;
  }
}

void Stream::abandon() {
  {
    std::lock_guard lock(pool_.mutex());
    abandoned_ = true;
    finished_ = true;
  }
  pool_.cancel_group(this);
  unref();
}

}  // namespace brood
