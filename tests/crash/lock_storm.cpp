// The storm of locks: workers take locks, permits and read-write locks, change what they guard,
// signal and wait, and are killed at random, all the time. What a lock guards says who is in it, so
// that each who comes in knows whether it is alone.
//
//   lock_storm [KILLS] [SEED]
//
// A worker that dies with a lock leaves what it guards half changed: the next one must hear of it,
// once, and puts it right. In the end nothing may be in use but the objects.
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "shm/reaper.hpp"
#include "sync/condition.hpp"
#include "sync/rw_lock.hpp"
#include "sync/semaphore.hpp"

namespace brood::crash {
namespace {

constexpr int kWorkers = 4;
constexpr int kQuietTurns = 1000;
constexpr uint32_t kPermits = 2;
constexpr uint64_t kOwner = 7;
constexpr auto kHangAfter = std::chrono::seconds(2);

// Guarded by one lock: who is in, and two numbers that are equal unless somebody is.
struct Guarded {
  std::atomic<uint32_t> inside;
  std::atomic<uint64_t> left;
  std::atomic<uint64_t> right;
};

// Outside the arena.
struct Board {
  Guarded plain, recursive, written;
  std::atomic<uint64_t> items;               // guarded by the lock of the condition
  std::atomic<uint32_t> admitted[kWorkers];  // who has a permit
  std::atomic<uint64_t> done[kWorkers];
  std::atomic<uint64_t> recovered;
  std::atomic<uint64_t> wrong;
};

struct Objects {
  Lock plain, recursive, queue;
  Condition condition;
  Semaphore permits;
  RwLock rw_lock;
};

class Worker {
 public:
  Worker(Board& board, Objects& objects, BellRack& rack, int number, unsigned seed)
      : board_(board), objects_(objects), rack_(rack), number_(number), random_(seed) {}

  [[noreturn]] void run() {
    for (;;) {
      switch (random_() % 6) {
        case 0:
          in_lock(objects_.plain, board_.plain, 1);
          break;
        case 1:
          in_lock(objects_.recursive, board_.recursive, 1 + static_cast<int>(random_() % 3));
          break;
        case 2:
          with_permit();
          break;
        case 3:
          write();
          break;
        case 4:
          read();
          break;
        default:
          pass_an_item();
      }
      board_.done[number_].fetch_add(1);
    }
  }

 private:
  void claim(bool right, const char* what) {
    if (right) return;
    board_.wrong.fetch_add(1);
    printf("worker %d: %s\n", number_, what);
    fflush(stdout);
  }

  void linger() {
    for (unsigned turn = random_() % 200; turn > 0; --turn) platform::cpu_relax();
    if (random_() % 64 == 0) usleep(10);
  }

  // As one who is alone with it. `after_death`: the last one died in the middle.
  void change(Guarded& guarded, bool after_death) {
    if (after_death) {
      board_.recovered.fetch_add(1);
      guarded.right.store(guarded.left.load());
    } else {
      claim(guarded.inside.load() == 0, "somebody else is in");
      claim(guarded.left.load() == guarded.right.load(), "a half change, and nobody said so");
    }
    guarded.inside.store(static_cast<uint32_t>(number_) + 1);
    guarded.left.fetch_add(1);
    linger();
    guarded.right.fetch_add(1);
    claim(guarded.inside.load() == static_cast<uint32_t>(number_) + 1, "somebody came in");
    guarded.inside.store(0);
  }

  // True if the last holder had died.
  bool enter(Lock& lock) {
    for (;;) {
      const Status status = lock.view().acquire(rack_, kOwner, Deadline::forever(), nullptr);
      if (status) return false;
      claim(status.code() == Code::OwnerDied, "the lock cannot be had");
      if (lock.view().recover(rack_, kOwner)) return true;
    }
  }

  void in_lock(Lock& lock, Guarded& guarded, int depth) {
    const bool after_death = enter(lock);
    for (int more = 1; more < depth; ++more) (void)enter(lock);
    change(guarded, after_death);
    for (int count = 0; count < depth; ++count) {
      claim(lock.view().release(rack_, kOwner).ok(), "the lock cannot be released");
    }
  }

  void with_permit() {
    claim(objects_.permits.acquire(rack_, Deadline::forever(), nullptr).ok(), "no permit");
    board_.admitted[number_].store(1);
    uint32_t admitted = 0;
    for (const auto& one : board_.admitted) admitted += one.load();
    claim(admitted <= kPermits, "more are in than there are permits");
    linger();
    board_.admitted[number_].store(0);
    claim(objects_.permits.release(rack_, 1).ok(), "the permit cannot be released");
  }

  void write() {
    bool after_death = false;
    for (;;) {
      const Status status = objects_.rw_lock.acquire_write(rack_, Deadline::forever(), nullptr);
      if (status) break;
      claim(status.code() == Code::OwnerDied, "nobody can write");
      after_death = objects_.rw_lock.recover(rack_).ok();
      if (after_death) break;
    }
    change(board_.written, after_death);
    claim(objects_.rw_lock.release_write(rack_).ok(), "the writer cannot release");
  }

  void read() {
    const Status status = objects_.rw_lock.acquire_read(rack_, Deadline::forever(), nullptr);
    if (!status) return claim(status.code() == Code::OwnerDied, "nobody can read");
    claim(board_.written.inside.load() == 0, "a writer among readers");
    claim(board_.written.left.load() == board_.written.right.load(), "a reader sees a half change");
    claim(objects_.rw_lock.release_read(rack_).ok(), "the reader cannot release");
  }

  // Two of three put an item, one waits for one: signals must not be lost.
  void pass_an_item() {
    (void)enter(objects_.queue);
    if (random_() % 3 != 0) {
      board_.items.fetch_add(1);
      (void)objects_.condition.signal(1);
    } else {
      while (board_.items.load() == 0) {
        const Status status = objects_.condition.wait(rack_, objects_.queue.view(), kOwner,
                                                      Deadline::after_ms(20), nullptr);
        if (status.code() == Code::OwnerDied) (void)enter(objects_.queue);
        if (status.code() == Code::Timeout) break;
      }
      if (board_.items.load() > 0) board_.items.fetch_sub(1);
    }
    claim(objects_.queue.view().release(rack_, kOwner).ok(), "the queue's lock is lost");
  }

  Board& board_;
  Objects& objects_;
  BellRack& rack_;
  const int number_;
  std::mt19937 random_;
};

class Storm {
 public:
  explicit Storm(unsigned seed) : random_(seed) {
    arena_ = std::move(*Arena::create(64 << 20));
    host_ = *arena_->members().reserve(kNobody);
    (void)arena_->members().join(host_, getpid(), 0);
    holdings_ = std::make_unique<Holdings>(*arena_, host_.slot);
    objects_ = std::make_unique<Objects>(Objects{
        *Lock::create(*holdings_, false), *Lock::create(*holdings_, true),
        *Lock::create(*holdings_, true), *Condition::create(*holdings_, 8),
        *Semaphore::create(*holdings_, kPermits, kPermits, true), *RwLock::create(*holdings_, 3)});
    void* board =
        mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    board_ = new (board) Board{};
    for (int number = 0; number < kWorkers; ++number) start(number);
  }

  // True if all went well.
  bool run(uint64_t kills) {
    for (uint64_t count = 0; count < kills; ++count) {
      usleep(static_cast<useconds_t>(random_() % 1500));
      const int number = static_cast<int>(random_() % kWorkers);
      end(number);
      start(number);
      if (!everybody_moves()) break;
    }
    // And without deaths, whose reaper would make a lost wake good.
    for (int turn = 0; turn < kQuietTurns && everybody_moves(); ++turn) usleep(100);
    uint64_t done = 0;
    for (int number = 0; number < kWorkers; ++number) {
      end(number);
      done += board_->done[number].load();
    }
    objects_.reset();
    holdings_.reset();
    const uint64_t left = arena_->heap().live_bytes();
    printf("%llu kills, %llu operations, %llu recovered, %llu wrong, %llu hung, %llu bytes left\n",
           number_of(kills), number_of(done), number_of(board_->recovered.load()),
           number_of(board_->wrong.load()), number_of(hung_), number_of(left));
    return board_->wrong.load() == 0 && hung_ == 0 && left == 0;
  }

 private:
  static unsigned long long number_of(uint64_t value) { return value; }

  void start(int number) {
    ids_[number] = *arena_->members().reserve(host_.slot);
    const unsigned seed = random_();
    pids_[number] = fork();
    if (pids_[number] != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)arena_->members().join(ids_[number], getpid(), platform::process_start_time(getpid()));
    auto rack = std::make_shared<BellRack>(*arena_, ids_[number]);
    Worker(*board_, *objects_, *rack, number, seed).run();
  }

  void end(int number) {
    kill(pids_[number], SIGKILL);
    waitpid(pids_[number], nullptr, 0);
    // Before the permit can be had again.
    board_->admitted[number].store(0);
    reap(*arena_, ids_[number], host_.slot);
  }

  // Each worker does something within the time that is a hang.
  bool everybody_moves() {
    for (int number = 0; number < kWorkers; ++number) {
      const uint64_t before = board_->done[number].load();
      const auto end = Clock::now() + kHangAfter;
      while (board_->done[number].load() == before) {
        if (Clock::now() > end) {
          printf("worker %d hangs\n", number);
          ++hung_;
          return false;
        }
        usleep(20);
      }
    }
    return board_->wrong.load() == 0;
  }

  std::mt19937 random_;
  std::unique_ptr<Arena> arena_;
  MemberId host_;
  std::unique_ptr<Holdings> holdings_;
  std::unique_ptr<Objects> objects_;
  Board* board_ = nullptr;
  MemberId ids_[kWorkers];
  pid_t pids_[kWorkers] = {};
  uint64_t hung_ = 0;
};

}  // namespace
}  // namespace brood::crash

int main(int argc, char** argv) {
  const uint64_t kills = argc > 1 ? strtoull(argv[1], nullptr, 10) : 2000;
  const auto seed = static_cast<unsigned>(argc > 2 ? atoi(argv[2]) : getpid());
  printf("seed %u\n", seed);
  return brood::crash::Storm(seed).run(kills) ? 0 : 1;
}
