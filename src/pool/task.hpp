// One task as its host sees it, from submit to outcome. Owned by a Future or a Stream, which
// outlive the pool's interest in it. Guarded by the pool's mutex until it is done; from then on it
// does not change.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/result.hpp"
#include "channel/message.hpp"

namespace brood {

class Pool;

enum class TaskState : uint8_t { Queued, Sent, Done };

// Where a task's argument lies: in private memory behind its owner, or in a chunk of the heap that
// the host owns until the task is done, so that a worker's death costs no copy.
struct Argument {
  const std::byte* data = nullptr;  // private bytes; null if in the heap
  Chunk::Name chunk;                // else
  uint64_t size = 0;
};

class Task {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  bool done() const { return state.load(std::memory_order_acquire) == TaskState::Done; }
  // The outcome is in place: the owner tells whoever waits. With the pool's mutex held, once.
  virtual void done_locked(Pool& pool) = 0;
  // The pool has no more use for it; it may be gone when this returns. With the pool's mutex held,
  // once.
  virtual void dropped_locked(Pool& pool) = 0;
  // The stream it belongs to, whose neighbouring tasks may be sent as one chunk; null for a
  // future's.
  virtual const void* group() const { return nullptr; }

  Task* next = nullptr;  // in the queue, or among those sent to the same worker
  Argument argument;
  Message::Ptr attached;  // the message whose chunk the argument is, if it was given as one
  Message::Ptr value;     // the outcome: a value,
  std::unique_ptr<Error> failure;        // or a failure
  std::unique_ptr<std::string> history;  // earlier runs that ended with their worker
  uint64_t sequence = 0;                 // in the lane of the worker it was sent to
  uint32_t function = 0;
  uint32_t chunk = 1;  // items of its group that may be sent with it
  int64_t run_limit_ms = 0;
  uint32_t seat = 0;
  int32_t retries_left = 0;
  uint16_t attempts = 0;
  uint8_t codec = 0;
  bool canceled = false;   // cancelled while it ran: its worker's death is no failure
  bool timed_out = false;  // its worker was killed for its run limit
  std::atomic<TaskState> state{TaskState::Queued};

 protected:
  ~Task() = default;
};

}  // namespace brood
