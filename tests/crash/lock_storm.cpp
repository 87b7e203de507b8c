// The storm of locks: workers take locks, permits and read-write locks, change what they guard,
// signal and wait, and are killed at random, all the time. What a lock guards says who is in it, so
// that each who comes in knows whether it is alone.
//
//   lock_storm [KILLS] [SEED]
//
// A worker that dies with a lock leaves what it guards half changed: the next one must hear of it,
// once, and puts it right. Who had what when is written down besides, and checked in the end
// (lock_history). In the end nothing may be in use but the objects.
#include <sys/mman.h>
#include <unistd.h>

#include <optional>

#include "lock_history.hpp"
#include "sync/condition.hpp"
#include "sync/rw_lock.hpp"
#include "sync/semaphore.hpp"

namespace brood::crash {
namespace {

constexpr int kWorkers = 4;
constexpr int kQuietTurns = 1000;
constexpr uint32_t kPermits = 2;
constexpr uint64_t kOwner = 7;
constexpr uint32_t kReaders = 3;
constexpr uint64_t kKillsAtOnce = 1000;  // then what was written down is checked
constexpr auto kHangAfter = std::chrono::seconds(2);

// What is written down of whom.
enum Object : uint64_t { kPlain, kRecursive, kQueue, kPermit, kWritten };
constexpr LockRule kRules[] = {
    {1, true}, {1, true}, {1, true}, {kPermits, false}, {kReaders, true}};

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
  Worker(Board& board, Objects& objects, BellRack& rack, HistoryLog& log, int number, unsigned seed)
      : board_(board), objects_(objects), rack_(rack), log_(log), number_(number), random_(seed) {}

  [[noreturn]] void run() {
    for (;;) {
      switch (random_() % 6) {
        case 0:
          in_lock(objects_.plain, kPlain, board_.plain, 1);
          break;
        case 1:
          in_lock(objects_.recursive, kRecursive, board_.recursive,
                  1 + static_cast<int>(random_() % 3));
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

  void write_down(Object object, uint64_t weight, bool after_death) {
    log_.add(after_death ? Did::Recovered : Did::Acquired, object, weight);
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

  void in_lock(Lock& lock, Object object, Guarded& guarded, int depth) {
    const bool after_death = enter(lock);
    write_down(object, 1, after_death);
    for (int more = 1; more < depth; ++more) (void)enter(lock);
    change(guarded, after_death);
    log_.add(Did::Releases, object);
    for (int count = 0; count < depth; ++count) {
      claim(lock.view().release(rack_, kOwner).ok(), "the lock cannot be released");
    }
  }

  void with_permit() {
    claim(objects_.permits.acquire(rack_, Deadline::forever(), nullptr).ok(), "no permit");
    write_down(kPermit, 1, false);
    board_.admitted[number_].store(1);
    uint32_t admitted = 0;
    for (const auto& one : board_.admitted) admitted += one.load();
    claim(admitted <= kPermits, "more are in than there are permits");
    linger();
    board_.admitted[number_].store(0);
    log_.add(Did::Releases, kPermit);
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
    write_down(kWritten, kReaders, after_death);
    change(board_.written, after_death);
    log_.add(Did::Releases, kWritten);
    claim(objects_.rw_lock.release_write(rack_).ok(), "the writer cannot release");
  }

  void read() {
    const Status status = objects_.rw_lock.acquire_read(rack_, Deadline::forever(), nullptr);
    if (!status) return claim(status.code() == Code::OwnerDied, "nobody can read");
    write_down(kWritten, 1, false);
    claim(board_.written.inside.load() == 0, "a writer among readers");
    claim(board_.written.left.load() == board_.written.right.load(), "a reader sees a half change");
    log_.add(Did::Releases, kWritten);
    claim(objects_.rw_lock.release_read(rack_).ok(), "the reader cannot release");
  }

  // Two of three put an item, one waits for one: signals must not be lost.
  void pass_an_item() {
    write_down(kQueue, 1, enter(objects_.queue));
    if (random_() % 3 != 0) {
      board_.items.fetch_add(1);
      (void)objects_.condition.signal(1);
    } else {
      while (board_.items.load() == 0) {
        log_.add(Did::Releases, kQueue);
        const Status status = objects_.condition.wait(rack_, objects_.queue.view(), kOwner,
                                                      Deadline::after_ms(20), nullptr);
        const bool lost = status.code() == Code::OwnerDied;
        write_down(kQueue, 1, lost && enter(objects_.queue));
        if (status.code() == Code::Timeout) break;
      }
      if (board_.items.load() > 0) board_.items.fetch_sub(1);
    }
    log_.add(Did::Releases, kQueue);
    claim(objects_.queue.view().release(rack_, kOwner).ok(), "the queue's lock is lost");
  }

  Board& board_;
  Objects& objects_;
  BellRack& rack_;
  HistoryLog& log_;
  const int number_;
  std::mt19937 random_;
};

struct Count {
  uint64_t kills = 0, done = 0, recovered = 0, wrong = 0, hung = 0, left = 0;
  LockVerdict history;
  bool bad() const { return wrong + hung + left + history.wrong > 0; }
};

class Storm {
 public:
  explicit Storm(unsigned seed) : random_(seed), family_(64 << 20), history_(kWorkers) {
    Holdings& holdings = family_.holdings();
    objects_.emplace(Objects{*Lock::create(holdings, false), *Lock::create(holdings, true),
                             *Lock::create(holdings, true), *Condition::create(holdings, 8),
                             *Semaphore::create(holdings, kPermits, kPermits, true),
                             *RwLock::create(holdings, kReaders)});
    board_ = new (storm_memory(sizeof(Board))) Board{};
    for (int number = 0; number < kWorkers; ++number) start(number);
  }
  ~Storm() { munmap(board_, sizeof(Board)); }

  Count run(uint64_t kills) {
    while (count_.kills < kills && !history_.nearly_full() && everybody_moves()) {
      usleep(static_cast<useconds_t>(random_() % 1500));
      const int number = static_cast<int>(random_() % kWorkers);
      end(number);
      start(number);
      ++count_.kills;
    }
    // And without deaths, whose reaper would make a lost wake good.
    for (int turn = 0; turn < kQuietTurns && everybody_moves(); ++turn) usleep(100);
    for (int number = 0; number < kWorkers; ++number) {
      end(number);
      count_.done += board_->done[number].load();
    }
    objects_.reset();
    count_.left = family_.close();
    count_.recovered = board_->recovered.load();
    count_.wrong = board_->wrong.load();
    count_.history = check_locks(history_, kRules);
    return count_;
  }

 private:
  void start(int number) {
    family_.reserve(processes_[number]);
    const unsigned seed = random_();
    family_.start(processes_[number], [&] {
      auto rack = std::make_shared<BellRack>(family_.arena(), processes_[number].id);
      Worker(*board_, *objects_, *rack, history_.of(static_cast<size_t>(number)), number, seed)
          .run();
    });
  }

  void end(int number) {
    const bool killed = history_.kill(family_, processes_[number], static_cast<size_t>(number),
                                      // Before the permit can be had again.
                                      [&] { board_->admitted[number].store(0); });
    if (!killed) ++count_.wrong;
  }

  // Each worker does something within the time that is a hang.
  bool everybody_moves() {
    for (int number = 0; number < kWorkers; ++number) {
      const uint64_t before = board_->done[number].load();
      const auto end = Clock::now() + kHangAfter;
      while (board_->done[number].load() == before) {
        if (Clock::now() > end) {
          printf("worker %d hangs\n", number);
          ++count_.hung;
          return false;
        }
        usleep(20);
      }
    }
    return board_->wrong.load() == 0;
  }

  std::mt19937 random_;
  StormFamily family_;
  History history_;
  std::optional<Objects> objects_;
  Board* board_ = nullptr;
  Process processes_[kWorkers];
  Count count_;
};

bool run(uint64_t kills, unsigned seed) {
  Count all;
  while (all.kills < kills && !all.bad()) {
    const Count part = Storm(seed++).run(std::min(kKillsAtOnce, kills - all.kills));
    trim_memory();
    all.kills += part.kills;
    all.done += part.done;
    all.recovered += part.recovered;
    all.wrong += part.wrong;
    all.hung += part.hung;
    all.left += part.left;
    all.history.holds += part.history.holds;
    all.history.deaths += part.history.deaths;
    all.history.wrong += part.history.wrong;
  }
  printf("history: held %llu times, %llu deaths in it, %llu wrong\n", number_of(all.history.holds),
         number_of(all.history.deaths), number_of(all.history.wrong));
  printf("%llu kills, %llu operations, %llu recovered, %llu wrong, %llu hung, %llu bytes left\n",
         number_of(all.kills), number_of(all.done), number_of(all.recovered), number_of(all.wrong),
         number_of(all.hung), number_of(all.left));
  return !all.bad();
}

}  // namespace
}  // namespace brood::crash

int main(int argc, char** argv) { return brood::crash::storm_main(argc, argv, brood::crash::run); }
