// Queues: queue.h.
#include "api/taking.hpp"

using namespace brood;
using namespace brood::api;

// A leased item, and the queue that it goes back to.
struct brood_lease {
  Queue queue;
  LeasedItem item;
};

namespace {

Result<Ring*> use(brood_queue* queue) {
  BROOD_LET(runtime, Runtime::open());
  (void)runtime;
  BROOD_NEED(queue);
  return &queue->object.ring();
}

// For calls with nothing special about them: null is no error, but sends the caller the long way.
Ring* at_hand(brood_queue* queue, int64_t timeout_ms) {
  const bool usual = queue != nullptr && timeout_ms >= BROOD_FOREVER && Runtime::at_hand();
  return usual ? &queue->object.ring() : nullptr;
}

Status put_parcel(Ring& ring, Parcel& parcel, int64_t timeout_ms, brood_cancel* cancel) {
  BROOD_LET(deadline, read_timeout(timeout_ms));
  const auto put = ring.put({&parcel.item(), 1}, deadline, token(cancel));
  if (!put) return put.error();
  parcel.sent();
  return {};
}

// The long way of brood_queue_put() and _get(). Functions of their own, so that the short way
// prepares nothing for it.
[[gnu::noinline]] brood_status put_with_care(brood_queue* queue, const void* data, size_t size,
                                             uint8_t codec, int64_t timeout_ms,
                                             brood_cancel* cancel, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(ring, use(queue));
    BROOD_LET(bytes, read_bytes(data, size));
    BROOD_TRY(check_timeout(timeout_ms));
    if (size <= kRingInlineBytes) {
      const Outgoing item{bytes.data(), size, codec, {}};
      const Deadline deadline = Deadline::after_ms(timeout_ms);
      const auto put = ring->put({&item, 1}, deadline, token(cancel));
      return put ? Status() : Status(put.error());
    }
    BROOD_LET(parcel, Parcel::of_bytes(queue->object.holdings(), bytes.data(), size, codec));
    return put_parcel(*ring, parcel, timeout_ms, cancel);
  });
}

[[gnu::noinline]] brood_status get_with_care(brood_queue* queue, int64_t timeout_ms,
                                             brood_cancel* cancel, brood_msg** out,
                                             brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(ring, use(queue));
    BROOD_NEED(out);
    BROOD_TRY(check_timeout(timeout_ms));
    const Deadline deadline = Deadline::after_ms(timeout_ms);
    Message::Ptr message;
    const auto got = ring->get({&message, 1}, deadline, token(cancel));
    if (!got) return got.error();
    *out = to_c(message.release());
    return {};
  });
}

// So many messages are listed without an allocation.
constexpr size_t kFew = 64;

Result<size_t> put_small(Ring& ring, std::span<const brood_bytes> items, uint8_t codec,
                         const Deadline& deadline, const CancelToken* cancel) {
  Outgoing outgoing[kFew];
  for (size_t index = 0; index < items.size(); ++index) {
    outgoing[index] = {
        static_cast<const std::byte*>(items[index].data), items[index].size, codec, {}};
  }
  return ring.put({outgoing, items.size()}, deadline, cancel);
}

// Of any number and size.
Result<size_t> put_parcels(Queue& queue, std::span<const brood_bytes> items, uint8_t codec,
                           const Deadline& deadline, const CancelToken* cancel) {
  std::vector<Parcel> parcels;
  std::vector<Outgoing> outgoing;
  parcels.reserve(items.size());
  outgoing.reserve(items.size());
  for (const brood_bytes& item : items) {
    auto parcel = Parcel::of_bytes(queue.holdings(), static_cast<const std::byte*>(item.data),
                                   item.size, codec);
    if (!parcel) return parcel.error();
    parcels.push_back(std::move(*parcel));
    outgoing.push_back(parcels.back().item());
  }
  auto put = queue.ring().put(outgoing, deadline, cancel);
  for (size_t index = 0; put && index < *put; ++index) parcels[index].sent();
  return put;
}

}  // namespace

extern "C" {

brood_status brood_queue_create(const brood_queue_options* given, brood_queue** out,
                                brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    BROOD_NEED(out);
    BROOD_LET(options, read_options(given, "brood_queue_options"));
    const RingSettings settings{.capacity_items = options.capacity_items,
                                .capacity_bytes = options.capacity_bytes,
                                .remember = options.joinable ? Remember::All : Remember::Last};
    Household& household = runtime->household();
    BROOD_LET(queue, Queue::create(household.holdings(), household.rack(), settings));
    *out = new brood_queue(std::move(queue));
    return {};
  });
}

// ---- putting -----------------------------------------------------------------------------------

brood_status brood_queue_put(brood_queue* queue, const void* data, size_t size, uint8_t codec,
                             int64_t timeout_ms, brood_cancel* cancel, brood_error** error) {
  Ring* usual = size <= kRingInlineBytes && (data != nullptr || size == 0)
                    ? at_hand(queue, timeout_ms)
                    : nullptr;
  if (usual != nullptr && usual->put_quickly(static_cast<const std::byte*>(data), size, codec)) {
    return BROOD_OK;
  }
  return put_with_care(queue, data, size, codec, timeout_ms, cancel, error);
}

brood_status brood_queue_put_msg(brood_queue* queue, brood_msg* msg, int64_t timeout_ms,
                                 brood_cancel* cancel, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(ring, use(queue));
    BROOD_NEED(msg);
    BROOD_TRY(check_timeout(timeout_ms));
    Message* message = from_c(msg);
    BROOD_LET(parcel, Parcel::of_message(queue->object.holdings(), *message));
    BROOD_TRY(put_parcel(*ring, parcel, timeout_ms, cancel));
    // A chunk that was the message's own is the queue's by now.
    if (parcel.item().chunk.offset == message->chunk()) Chunk::let_go(*message);
    Message::Ptr(message).reset();
    return {};
  });
}

brood_status brood_queue_put_many(brood_queue* queue, const brood_bytes* items, size_t count,
                                  uint8_t codec, int64_t timeout_ms, brood_cancel* cancel,
                                  size_t* out_count, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(ring, use(queue));
    if (count == 0) return invalid("count is 0: there is nothing to put");
    BROOD_NEED(items);
    BROOD_NEED(out_count);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    bool small = count <= kFew;
    for (size_t index = 0; index < count; ++index) {
      const Status bytes = check_bytes(items[index].data, items[index].size);
      if (!bytes) return bytes.error().with_context("item " + std::to_string(index));
      small = small && items[index].size <= kRingInlineBytes;
    }
    const std::span<const brood_bytes> all(items, count);
    BROOD_LET(put, small ? put_small(*ring, all, codec, deadline, token(cancel))
                         : put_parcels(queue->object, all, codec, deadline, token(cancel)));
    *out_count = put;
    return {};
  });
}

brood_status brood_queue_loan(brood_queue* queue, size_t size, uint8_t codec, brood_msg** out,
                              brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(ring, use(queue));
    (void)ring;
    BROOD_NEED(out);
    BROOD_LET(message, loan(queue->object.holdings(), size, codec));
    *out = to_c(message.release());
    return {};
  });
}

// ---- taking ------------------------------------------------------------------------------------

brood_status brood_queue_get(brood_queue* queue, int64_t timeout_ms, brood_cancel* cancel,
                             brood_msg** out, brood_error** error) {
  Ring* usual = out != nullptr ? at_hand(queue, timeout_ms) : nullptr;
  if (Message* message = usual != nullptr ? usual->get_quickly() : nullptr) {
    *out = to_c(message);
    return BROOD_OK;
  }
  return get_with_care(queue, timeout_ms, cancel, out, error);
}

brood_status brood_queue_get_many(brood_queue* queue, size_t count, int64_t timeout_ms,
                                  brood_cancel* cancel, brood_msg** out, size_t* out_count,
                                  brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(ring, use(queue));
    if (count == 0) return invalid("count is 0: there is no room for a message");
    BROOD_NEED(out);
    BROOD_NEED(out_count);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    Message::Ptr few[kFew];
    std::vector<Message::Ptr> many;
    if (count > kFew) many.resize(std::min<uint64_t>(count, ring->length() + 1));
    const std::span<Message::Ptr> messages =
        count > kFew ? std::span(many) : std::span(few).first(count);
    BROOD_LET(got, ring->get(messages, deadline, token(cancel)));
    for (size_t index = 0; index < got; ++index) out[index] = to_c(messages[index].release());
    *out_count = got;
    return {};
  });
}

brood_status brood_queue_get_lease(brood_queue* queue, int64_t timeout_ms, brood_cancel* cancel,
                                   brood_lease** out, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(ring, use(queue));
    BROOD_NEED(out);
    BROOD_LET(deadline, read_timeout(timeout_ms));
    auto lease = std::make_unique<brood_lease>(brood_lease{queue->object, {}});
    BROOD_LET(item, ring->lease(deadline, token(cancel)));
    lease->item = std::move(item);
    *out = lease.release();
    return {};
  });
}

brood_msg* brood_lease_msg(brood_lease* lease) {
  return lease != nullptr ? to_c(lease->item.message.get()) : nullptr;
}

brood_status brood_lease_ack(brood_lease* lease, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(runtime, Runtime::open());
    (void)runtime;
    BROOD_NEED(lease);
    BROOD_TRY(lease->queue.ring().acknowledge(lease->item.ticket, Deadline::forever(), nullptr));
    delete lease;
    return {};
  });
}

void brood_lease_free(brood_lease* lease) {
  if (lease == nullptr || Runtime::forked()) return;
  lease->item.message.reset();
  lease->queue.ring().give_back(lease->item.ticket);
  delete lease;
}

// ---- finishing ---------------------------------------------------------------------------------

brood_status brood_queue_task_done(brood_queue* queue, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(ring, use(queue));
    return ring->finish_one(Deadline::forever(), nullptr);
  });
}

brood_status brood_queue_join(brood_queue* queue, int64_t timeout_ms, brood_cancel* cancel,
                              brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(ring, use(queue));
    BROOD_LET(deadline, read_timeout(timeout_ms));
    return ring->join(deadline, token(cancel));
  });
}

uint64_t brood_queue_length(const brood_queue* queue) {
  if (queue == nullptr || Runtime::forked()) return 0;
  return queue->object.ring().length();
}

brood_status brood_queue_get_stats(brood_queue* queue, brood_queue_stats* out,
                                   brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(ring, use(queue));
    BROOD_NEED(out);
    BROOD_LET(known, read_options(out, "brood_queue_stats"));
    (void)known;
    BROOD_TRY(ring->settle(Deadline::forever(), nullptr));
    const RingCounts counts = ring->counts();
    const brood_queue_stats all = {out->struct_size, ring->length(),  counts.put,
                                   counts.taken,     counts.finished, counts.lost};
    std::memcpy(out, &all, std::min(out->struct_size, sizeof all));
    return {};
  });
}

brood_status brood_queue_shutdown(brood_queue* queue, brood_error** error) {
  return guard(error, [&]() -> Status {
    BROOD_LET(ring, use(queue));
    ring->shut_down();
    return {};
  });
}

void brood_queue_free(brood_queue* queue) { give_back(queue); }

brood_handle* brood_queue_handle(brood_queue* queue) {
  return queue != nullptr ? up(queue) : nullptr;
}

brood_status brood_msg_take_queue(brood_msg* msg, size_t index, brood_queue** out,
                                  brood_error** error) {
  return take_handle(msg, index, out, error);
}

}  // extern "C"
