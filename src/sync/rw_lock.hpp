// A lock that many may hold for reading or one for writing; who wants to write goes first. Holds
// belong to processes. A reader's death leaves the data as it was, and its place is there again; a
// writer's leaves the lock abandoned, until somebody recovers it.
#pragma once

#include "sync/owner_wait.hpp"
#include "sync/shared_object.hpp"

namespace brood {

//   0     writer    who writes, or waits for the readers to end before it does
//   8     writing   the member that the readers have ended for, 0 for none: only its death leaves
//                   damage, until another one's name is here
//   16    places    how many may read at once
//   128   ended     the writer, while it waits for the readers
//   256   readers   a word for each place
struct RwLockState {
  OwnerLock writer;
  std::atomic<uint64_t> writing;
  uint32_t places;
  alignas(128) WaiterSet ended;
  OwnerLock readers[1];
};
static_assert(SharedPod<RwLockState> && offsetof(RwLockState, ended) == 128 &&
              offsetof(RwLockState, readers) == 256);

class RwLock final : public SharedObject {
 public:
  static constexpr uint32_t kMostReaders = 4096;

  // For at most `readers` at once; more wait.
  static Result<RwLock> create(Holdings& holdings, uint32_t readers);
  static Result<RwLock> from(Held held);

  // Timeout, Canceled; OwnerDied: a writer died with it.
  Status acquire_read(BellRack& rack, Deadline deadline, const CancelToken* cancel) const;
  Status acquire_write(BellRack& rack, Deadline deadline, const CancelToken* cancel) const;
  // State when this process does not hold it so.
  Status release_read(BellRack& rack) const;
  Status release_write(BellRack& rack) const;
  // Takes an abandoned lock for writing. State when it is not abandoned.
  Status recover(BellRack& rack) const;

  // It can be read.
  bool ready() const override;

 private:
  RwLock(Held held, uint32_t places) : SharedObject(std::move(held)), places_(places) {}
  static constexpr size_t state_bytes(uint32_t places) {
    return offsetof(RwLockState, readers) + places * sizeof(OwnerLock);
  }
  RwLockState& state() const { return state_as<RwLockState>(); }
  bool abandoned(OwnerWord writer) const;
  bool try_read(MemberId me, bool& died) const;
  bool give_back_place(MemberId me) const;
  bool no_readers() const;
  Status begin_writing(BellRack& rack, Deadline deadline, const CancelToken* cancel) const;

  uint32_t places_;  // as it was when the handle was made, and checked
};

}  // namespace brood
