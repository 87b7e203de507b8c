// The kill storm over queues: processes put into one, take from it and put into another, and are
// killed at random, all the time. The oracle is what they write down outside of the family's
// memory.
//
//   queue_storm [KILLS] [SEED]
//
// A producer notes the number of each message whose put has returned; a consumer those that it
// took, before it does anything else with them, and takes some of them as leases. The host takes
// what consumers pass on. In the end: whatever was acknowledged was taken, but for at most one
// message for each killed consumer; nothing was passed on twice, or torn, or out of its producer's
// order; nothing is in use but the queues, and with them nothing.
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "channel/queue.hpp"
#include "shm/reaper.hpp"

namespace brood::crash {
namespace {

constexpr int kProducers = 2;
constexpr int kConsumers = 3;
constexpr uint64_t kArenaBytes = 256 << 20;
constexpr uint64_t kMostNumbers = 1 << 24;
constexpr uint64_t kCapacity = 64;
constexpr auto kHangAfter = std::chrono::seconds(5);

struct Item {
  uint64_t number;
  uint64_t producer;
  uint64_t bytes;
};

// Outside the arena; shared with every process of the storm.
struct Notes {
  std::atomic<uint64_t> next_number[kProducers];         // the next message of each producer
  std::atomic<uint8_t> put[kProducers][kMostNumbers];    // acknowledged
  std::atomic<uint8_t> taken[kProducers][kMostNumbers];  // in a consumer's hands
};

struct Count {
  uint64_t kills = 0, messages = 0, lost = 0, in_hand = 0, duplicate = 0, torn = 0, hung = 0;
  bool bad() const { return lost + duplicate + torn + hung > 0; }
};

struct Process {
  MemberId id;
  pid_t pid = 0;
  bool consumer = false;
  int index = 0;
};

std::byte byte_of(const Item& item) { return static_cast<std::byte>(item.number * 31); }

bool is_whole(const Message& message, Item& item) {
  if (message.size() < sizeof item) return false;
  std::memcpy(&item, message.data(), sizeof item);
  if (message.size() != item.bytes || item.producer >= kProducers || item.number >= kMostNumbers) {
    return false;
  }
  for (size_t at = sizeof item; at < item.bytes; at += 61) {
    if (message.data()[at] != byte_of(item)) return false;
  }
  return true;
}

class Member {
 public:
  Member(Arena& arena, MemberId id, const Handle& raw, const Handle& passed)
      : holdings(arena, id.slot),
        rack(std::make_shared<BellRack>(arena, id)),
        from(*Queue::from(*holdings.hold(raw), rack)),
        to(*Queue::from(*holdings.hold(passed), rack)) {}
  Holdings holdings;
  std::shared_ptr<BellRack> rack;
  Queue from;
  Queue to;
};

// As the API does: the short way first.
bool put(Ring& ring, Parcel& parcel) {
  const Outgoing& item = parcel.item();
  const bool small = item.chunk.offset == 0;
  if (small && ring.put_quickly(item.data, item.size, item.codec)) return true;
  if (!ring.put({&item, 1}, Deadline::forever(), nullptr)) return false;
  parcel.sent();
  return true;
}

Message::Ptr get(Ring& ring) {
  Message::Ptr message(ring.get_quickly());
  if (!message && !ring.get({&message, 1}, Deadline::forever(), nullptr)) return nullptr;
  return message;
}

[[noreturn]] void produce(Member& member, Notes& notes, int index, unsigned seed) {
  std::mt19937 random(seed);
  for (;;) {
    const uint64_t number = notes.next_number[index].load();
    const bool large = random() % 32 == 0;
    const uint64_t bytes = sizeof(Item) + random() % (large ? 100000 : 600);
    std::vector<std::byte> text(bytes);
    const Item item{number, static_cast<uint64_t>(index), bytes};
    std::fill(text.begin(), text.end(), byte_of(item));
    std::memcpy(text.data(), &item, sizeof item);
    auto parcel = Parcel::of_bytes(member.holdings, text.data(), bytes, 1);
    if (!parcel) _exit(3);
    // A number is used once, whatever becomes of its message.
    notes.next_number[index].store(number + 1);
    if (!put(member.from.ring(), *parcel)) _exit(4);
    notes.put[index][number].store(1);
  }
}

void pass_on(Member& member, Message& message) {
  auto parcel = Parcel::of_bytes(member.holdings, message.data(), message.size(), 1);
  if (!parcel) _exit(5);
  if (!put(member.to.ring(), *parcel)) _exit(6);
}

[[noreturn]] void consume(Member& member, Notes& notes, unsigned seed) {
  std::mt19937 random(seed);
  Item item;
  for (;;) {
    if (random() % 4 == 0) {
      // Passed on at least once, since it is acknowledged only then: the host is told by the codec.
      auto leased = member.from.ring().lease(Deadline::forever(), nullptr);
      if (!leased || !is_whole(*leased->message, item)) _exit(7);
      auto parcel = Parcel::of_bytes(member.holdings, leased->message->data(), item.bytes, 2);
      if (!parcel) _exit(5);
      if (!put(member.to.ring(), *parcel)) _exit(6);
      if (!member.from.ring().acknowledge(leased->ticket, Deadline::forever(), nullptr)) _exit(8);
      continue;
    }
    const Message::Ptr message = get(member.from.ring());
    if (!message) _exit(9);
    if (!is_whole(*message, item)) _exit(10);
    notes.taken[item.producer][item.number].fetch_add(1);
    pass_on(member, *message);
  }
}

class Storm {
 public:
  explicit Storm(unsigned seed) : random_(seed) {
    notes_ = static_cast<Notes*>(mmap(nullptr, sizeof(Notes), PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    auto made = Arena::create(kArenaBytes);
    if (!made || notes_ == MAP_FAILED) exit(2);
    arena_ = std::move(*made);
    host_ = *arena_->members().reserve(kNobody);
    (void)arena_->members().join(host_, getpid(), 1);
    holdings_ = std::make_unique<Holdings>(*arena_, host_.slot);
    rack_ = std::make_shared<BellRack>(*arena_, host_);
    const RingSettings bounded{.capacity_items = kCapacity, .remember = Remember::Last};
    raw_.emplace(*Queue::create(*holdings_, rack_, bounded));
    passed_.emplace(*Queue::create(*holdings_, rack_,
                                   {.capacity_items = 4 * kCapacity, .remember = Remember::Last}));
    for (int index = 0; index < kProducers + kConsumers; ++index) {
      Process& process = processes_[index];
      process.consumer = index >= kProducers;
      process.index = index;
      start(process);
    }
    seen_.resize(kProducers);
  }

  Count run(uint64_t kills) {
    auto last_news = Clock::now();
    auto next_kill = Clock::now();
    while (count_.kills < kills) {
      Message::Ptr messages[64];
      auto got = passed_->ring().get(messages, Deadline::at(next_kill), nullptr);
      if (got) {
        for (size_t index = 0; index < *got; ++index) judge(*messages[index]);
        last_news = Clock::now();
      }
      const auto now = Clock::now();
      if (now - last_news > kHangAfter) {
        ++count_.hung;
        break;
      }
      if (now < next_kill) continue;
      Process& process = processes_[random_() % (kProducers + kConsumers)];
      end(process);
      start(process);
      next_kill = Clock::now() + std::chrono::microseconds(random_() % 800);
    }
    finish();
    return count_;
  }

 private:
  void start(Process& process) {
    process.id = *arena_->members().reserve(host_.slot);
    const unsigned seed = random_();
    process.pid = fork();
    if (process.pid != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!arena_->members().join(process.id, getpid(), 1)) _exit(2);
    Member member(*arena_, process.id, raw_->held().handle(), passed_->held().handle());
    if (process.consumer) consume(member, *notes_, seed);
    produce(member, *notes_, process.index, seed);
  }

  void end(Process& process) {
    kill(process.pid, SIGKILL);
    int status = 0;
    waitpid(process.pid, &status, 0);
    if (WIFEXITED(status)) {
      ++count_.torn;
      printf("a process ended by itself: %d\n", WEXITSTATUS(status));
    }
    if (process.consumer) ++killed_consumers_;
    ++count_.kills;
    reap(*arena_, process.id, host_.slot);
  }

  // 1 passed on after a get, 2 after a lease: only these may come twice.
  void judge(Message& message) {
    ++count_.messages;
    Item item;
    if (!is_whole(message, item)) {
      ++count_.torn;
      return;
    }
    std::vector<uint8_t>& seen = seen_[item.producer];
    if (seen.size() <= item.number) seen.resize(item.number * 2 + 1024);
    const bool leased = message.codec() == 2;
    if (seen[item.number] != 0 && !(leased && seen[item.number] == 2)) {
      // A lease that was passed on, came back, and was taken by a get.
      if (seen[item.number] != 2) ++count_.duplicate;
    }
    seen[item.number] = leased ? 2 : 1;
  }

  void drain() {
    Message::Ptr message;
    while (passed_->ring().get({&message, 1}, Deadline::after_ms(0), nullptr)) judge(*message);
  }

  void finish() {
    for (Process& process : processes_) end(process);
    count_.kills -= kProducers + kConsumers;
    drain();
    // What is left in the first queue, leases that came back among it.
    Message::Ptr message;
    while (raw_->ring().get({&message, 1}, Deadline::after_ms(0), nullptr)) judge(*message);
    for (uint64_t producer = 0; producer < kProducers; ++producer) {
      const uint64_t all = notes_->next_number[producer].load();
      for (uint64_t number = 0; number < all; ++number) {
        if (notes_->put[producer][number] == 0) continue;
        if (number < seen_[producer].size() && seen_[producer][number] != 0) continue;
        ++count_.in_hand;
      }
    }
    if (count_.in_hand > killed_consumers_) count_.lost += count_.in_hand - killed_consumers_;
    raw_.reset();
    passed_.reset();
    holdings_.reset();
    const uint64_t left = arena_->heap().live_bytes();
    if (left != 0) {
      printf("%llu bytes are left in use\n", static_cast<unsigned long long>(left));
      ++count_.lost;
    }
  }

  std::mt19937 random_;
  Notes* notes_;
  std::unique_ptr<Arena> arena_;
  MemberId host_;
  std::unique_ptr<Holdings> holdings_;
  std::shared_ptr<BellRack> rack_;
  std::optional<Queue> raw_;
  std::optional<Queue> passed_;
  Process processes_[kProducers + kConsumers];
  std::vector<std::vector<uint8_t>> seen_;
  uint64_t killed_consumers_ = 0;
  Count count_;
};

}  // namespace
}  // namespace brood::crash

int main(int argc, char** argv) {
  const uint64_t kills = argc > 1 ? strtoull(argv[1], nullptr, 10) : 2000;
  const auto seed = static_cast<unsigned>(argc > 2 ? atoi(argv[2]) : getpid());
  printf("seed %u\n", seed);
  brood::crash::Storm storm(seed);
  const brood::crash::Count count = storm.run(kills);
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  printf(
      "%llu kills, %llu messages, %llu in hands of the killed, %llu lost, %llu duplicate, %llu "
      "torn, "
      "%llu hung\n",
      number(count.kills), number(count.messages), number(count.in_hand), number(count.lost),
      number(count.duplicate), number(count.torn), number(count.hung));
  return count.bad() ? 1 : 0;
}
