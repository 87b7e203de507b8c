// Many results of one call: messages with the numbers of their inputs, and plain numbers. A batch
// is made once and filled again and again.
#pragma once

#include <brood/brood.h>

#ifndef SWIG
#include <vector>

struct brood_batch {
  explicit brood_batch(size_t capacity) : msgs(capacity), indexes(capacity) {}
  ~brood_batch() { clear(); }
  brood_batch(const brood_batch &) = delete;
  brood_batch &operator=(const brood_batch &) = delete;
  void clear() {
    brood_msg_free_many(msgs.data(), count);
    count = 0;
  }

  std::vector<brood_msg *> msgs;  // the first `count` are owned, or null once they are taken
  std::vector<uint64_t> indexes;
  size_t count = 0;
};

struct brood_numbers {
  std::vector<int64_t> values;
};
#else
struct brood_batch;
struct brood_numbers;
#endif

/** Room for up to `capacity` messages; at least 1. */
inline brood_batch *brood_batch_create(size_t capacity) {
  return new brood_batch(capacity > 0 ? capacity : 1);
}
inline void brood_batch_free(brood_batch *batch) { delete batch; }
inline size_t brood_batch_count(const brood_batch *batch) { return batch->count; }
/** The number of the input that message number `i` belongs to; number 0 after a failure. */
inline uint64_t brood_batch_index(const brood_batch *batch, size_t i) {
  return i < batch->indexes.size() ? batch->indexes[i] : 0;
}
/** Take message number `i` out: yours to free. NULL once it is taken, or beyond the last. */
inline brood_msg *brood_batch_take(brood_batch *batch, size_t i) {
  if (i >= batch->count) return nullptr;
  brood_msg *msg = batch->msgs[i];
  batch->msgs[i] = nullptr;
  return msg;
}

/** brood_stream_next_many(): whatever was left in the batch is freed first. */
inline brood_status brood_stream_next_batch(brood_stream *stream, brood_batch *batch,
                                            int64_t timeout_ms, brood_cancel *cancel,
                                            brood_error **error) {
  batch->clear();
  return brood_stream_next_many(stream, batch->msgs.size(), timeout_ms, cancel,
                                batch->indexes.data(), batch->msgs.data(), &batch->count, error);
}
/** brood_queue_get_many(). */
inline brood_status brood_queue_get_batch(brood_queue *queue, brood_batch *batch,
                                          int64_t timeout_ms, brood_cancel *cancel,
                                          brood_error **error) {
  batch->clear();
  return brood_queue_get_many(queue, batch->msgs.size(), timeout_ms, cancel, batch->msgs.data(),
                              &batch->count, error);
}

inline void brood_numbers_free(brood_numbers *numbers) { delete numbers; }
inline size_t brood_numbers_count(const brood_numbers *numbers) { return numbers->values.size(); }
inline int64_t brood_numbers_at(const brood_numbers *numbers, size_t i) {
  return i < numbers->values.size() ? numbers->values[i] : 0;
}

/** brood_pool_workers(): four numbers for each worker: id, state, pid, tasks. */
inline brood_status brood_pool_worker_list(brood_pool *pool, brood_numbers **out,
                                           brood_error **error) {
  std::vector<brood_worker_info> workers(16);
  size_t count = 0;
  for (;;) {
    const brood_status status =
        brood_pool_workers(pool, workers.data(), workers.size(), &count, error);
    if (status != BROOD_OK) return status;
    if (count <= workers.size()) break;
    workers.resize(count);
  }
  auto *numbers = new brood_numbers;
  for (size_t i = 0; i < count; ++i) {
    const brood_worker_info &worker = workers[i];
    numbers->values.insert(numbers->values.end(), {worker.id, worker.state, worker.pid,
                                                   static_cast<int64_t>(worker.tasks)});
  }
  *out = numbers;
  return BROOD_OK;
}

/** brood_active_children(): their pids. */
inline brood_status brood_active_children_list(brood_numbers **out, brood_error **error) {
  (void)error;
  std::vector<int64_t> pids(16);
  size_t count = 0;
  while ((count = brood_active_children(pids.data(), pids.size())) > pids.size()) {
    pids.resize(count);
  }
  pids.resize(count);
  *out = new brood_numbers{std::move(pids)};
  return BROOD_OK;
}
