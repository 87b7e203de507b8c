/**
 * @file
 * Queues: messages from many processes to many.
 */
#ifndef BROOD_CPP_QUEUE_HPP
#define BROOD_CPP_QUEUE_HPP

#include <brood/queue.h>

#include <brood/cpp/message.hpp>
#include <vector>

namespace brood {
inline namespace v0 {

/** A message that is delivered again unless it is acknowledged. */
class Lease {
 public:
  explicit Lease(brood_lease* lease) noexcept : lease_(lease) {}

  Bytes bytes() const noexcept {
    const brood_msg* msg = brood_lease_msg(lease_.get());
    return {static_cast<const std::byte*>(brood_msg_data(const_cast<brood_msg*>(msg))),
            brood_msg_size(msg)};
  }
  uint8_t codec() const noexcept { return brood_msg_codec(brood_lease_msg(lease_.get())); }
  brood_msg* message() const noexcept { return brood_lease_msg(lease_.get()); }
  void ack() {
    detail::check([&](brood_error** error) { return brood_lease_ack(lease_.get(), error); });
    (void)lease_.release();
  }
  brood_lease* get() const noexcept { return lease_.get(); }

 private:
  detail::Owned<brood_lease, brood_lease_free> lease_;
};

struct QueueOptions {
  uint64_t capacity_items = 0; /**< 0: no limit */
  uint64_t capacity_bytes = 0;
  bool joinable = false;
};

class Queue {
 public:
  explicit Queue(const QueueOptions& options = {}) {
    brood_queue_options c = BROOD_QUEUE_OPTIONS_INIT;
    c.capacity_items = options.capacity_items;
    c.capacity_bytes = options.capacity_bytes;
    c.joinable = options.joinable;
    brood_queue* made = nullptr;
    detail::check([&](brood_error** error) { return brood_queue_create(&c, &made, error); });
    queue_.reset(made);
  }
  explicit Queue(brood_queue* queue) noexcept : queue_(queue) {}

  void put(Bytes bytes, Wait patience = {}, uint8_t codec = BROOD_CODEC_RAW) {
    detail::check([&](brood_error** error) {
      return brood_queue_put(queue_.get(), bytes.data(), bytes.size(), codec, patience.timeout_ms(),
                             patience.cancel(), error);
    });
  }
  /** Without a copy if it is a large loan. It stays yours if this throws. */
  void put(Message&& message, Wait patience = {}) {
    detail::check([&](brood_error** error) {
      return brood_queue_put_msg(queue_.get(), message.get(), patience.timeout_ms(),
                                 patience.cancel(), error);
    });
    (void)message.release();
  }
  /** As many as there is room for, at least one, seen together; how many that were. */
  size_t put_many(std::span<const Bytes> items, Wait patience = {},
                  uint8_t codec = BROOD_CODEC_RAW) {
    std::vector<brood_bytes> all;
    all.reserve(items.size());
    for (const Bytes& item : items) all.push_back({item.data(), item.size()});
    size_t count = 0;
    detail::check([&](brood_error** error) {
      return brood_queue_put_many(queue_.get(), all.data(), all.size(), codec,
                                  patience.timeout_ms(), patience.cancel(), &count, error);
    });
    return count;
  }
  /** Room for a message to be written in place. */
  Message loan(size_t size, uint8_t codec = BROOD_CODEC_RAW) {
    brood_msg* msg = nullptr;
    detail::check([&](brood_error** error) {
      return brood_queue_loan(queue_.get(), size, codec, &msg, error);
    });
    return Message(msg);
  }

  /** The next message; nothing when the queue was shut down and is empty. */
  std::optional<Message> get(Wait patience = {}) {
    brood_msg* msg = nullptr;
    const bool got = detail::check_unless(BROOD_E_CLOSED, [&](brood_error** error) {
      return brood_queue_get(queue_.get(), patience.timeout_ms(), patience.cancel(), &msg, error);
    });
    return got ? std::optional<Message>(std::in_place, msg) : std::nullopt;
  }
  /** At least one message and at most `most`; none when the queue was shut down and is empty. */
  std::vector<Message> get_many(size_t most, Wait patience = {}) {
    std::vector<brood_msg*> msgs(most);
    std::vector<Message> messages;
    messages.reserve(most);
    size_t count = 0;
    detail::check_unless(BROOD_E_CLOSED, [&](brood_error** error) {
      return brood_queue_get_many(queue_.get(), most, patience.timeout_ms(), patience.cancel(),
                                  msgs.data(), &count, error);
    });
    for (size_t i = 0; i < count; ++i) messages.emplace_back(msgs[i]);
    return messages;
  }
  std::optional<Lease> get_lease(Wait patience = {}) {
    brood_lease* lease = nullptr;
    const bool got = detail::check_unless(BROOD_E_CLOSED, [&](brood_error** error) {
      return brood_queue_get_lease(queue_.get(), patience.timeout_ms(), patience.cancel(), &lease,
                                   error);
    });
    return got ? std::optional<Lease>(std::in_place, lease) : std::nullopt;
  }

  void task_done() {
    detail::check([&](brood_error** error) { return brood_queue_task_done(queue_.get(), error); });
  }
  void join(Wait patience = {}) {
    detail::check([&](brood_error** error) {
      return brood_queue_join(queue_.get(), patience.timeout_ms(), patience.cancel(), error);
    });
  }
  uint64_t size() const noexcept { return brood_queue_length(queue_.get()); }
  brood_queue_stats stats() {
    brood_queue_stats stats = BROOD_QUEUE_STATS_INIT;
    detail::check(
        [&](brood_error** error) { return brood_queue_get_stats(queue_.get(), &stats, error); });
    return stats;
  }
  void shutdown() {
    detail::check([&](brood_error** error) { return brood_queue_shutdown(queue_.get(), error); });
  }

  brood_handle* handle() noexcept { return brood_queue_handle(queue_.get()); }
  brood_queue* get() const noexcept { return queue_.get(); }

 private:
  detail::Owned<brood_queue, brood_queue_free> queue_;
};

namespace detail {

template <>
struct Taken<Queue> {
  using Handle = brood_queue;
  static brood_status take(brood_msg* msg, size_t index, Handle** out, brood_error** error) {
    return brood_msg_take_queue(msg, index, out, error);
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace brood
#endif
