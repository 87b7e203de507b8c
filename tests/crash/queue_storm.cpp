// Promise 5, the kill storm over queues: processes put into one, take from it and put into another,
// and are killed at random, all the time. What each did is written down (history.hpp) and checked
// in the end (queue_history.hpp).
//
//   queue_storm [KILLS] [SEED]
//
// Some take with a lease, and acknowledge it when the message was passed on, or give it back. The
// host takes what they pass on. In the end: whatever was acknowledged was passed on, but for at
// most one message for each killed consumer; nothing was passed on twice, or torn; nothing is in
// use but the queues, and with them nothing.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "channel/queue.hpp"
#include "queue_history.hpp"

namespace brood::crash {
namespace {

constexpr uint64_t kProducers = 2;
constexpr uint64_t kConsumers = 3;
constexpr uint64_t kProcesses = kProducers + kConsumers;
constexpr uint64_t kArenaBytes = 256 << 20;
constexpr QueueLimits kLimits{64, 64000};
constexpr uint64_t kMostBytes = 60000;
constexpr uint64_t kKillsAtOnce = 1000;  // then what was written down is checked
constexpr auto kHangAfter = std::chrono::seconds(5);

// How a message was taken that is passed on: a leased one may come again.
enum Codec : uint8_t { kTaken = 1, kLeased = 2 };

struct Item {
  uint64_t number;
  uint64_t producer;
  uint64_t bytes;
  uint64_t name() const { return item_of(producer, number); }
};

struct Count {
  uint64_t kills = 0, messages = 0, lost = 0, in_hand = 0, duplicate = 0, torn = 0, hung = 0;
  QueueVerdict history;
  bool bad() const { return lost + duplicate + torn + hung + history.wrong > 0; }
};

std::byte byte_of(const Item& item) { return static_cast<std::byte>(item.number * 31); }

bool is_whole(const Message& message, Item& item) {
  if (message.size() < sizeof item) return false;
  std::memcpy(&item, message.data(), sizeof item);
  if (message.size() != item.bytes || item.producer >= kProducers) return false;
  for (size_t at = sizeof item; at < item.bytes; at += 61) {
    if (message.data()[at] != byte_of(item)) return false;
  }
  return true;
}

// One of the storm's processes.
class Member {
 public:
  Member(Arena& arena, MemberId id, const Handle& raw, const Handle& passed, HistoryLog& log,
         unsigned seed)
      : holdings_(arena, id.slot),
        rack_(std::make_shared<BellRack>(arena, id)),
        from_(*Queue::from(*holdings_.hold(raw), rack_)),
        to_(*Queue::from(*holdings_.hold(passed), rack_)),
        log_(log),
        random_(seed) {}

  // `next`: the number of the next message, which is used once, whatever becomes of it.
  [[noreturn]] void produce(uint64_t producer, std::atomic<uint64_t>& next) {
    for (;;) {
      const bool large = random_() % 32 == 0;
      const Item item{next.fetch_add(1), producer,
                      sizeof(Item) + random_() % (large ? kMostBytes : 600)};
      std::vector<std::byte> text(item.bytes, byte_of(item));
      std::memcpy(text.data(), &item, sizeof item);
      log_.add(Did::BeginPut, item.name(), item.bytes);
      put(from_, text.data(), text.size(), kTaken);
      log_.add(Did::EndPut);
    }
  }

  [[noreturn]] void consume() {
    for (;;) {
      if (random_() % 4 == 0) {
        lease();
      } else {
        get();
      }
    }
  }

 private:
  void put(Queue& queue, const std::byte* data, uint64_t size, uint8_t codec) {
    auto parcel = Parcel::of_bytes(holdings_, data, size, codec);
    if (!parcel) _exit(3);
    // As the API does: the short way first.
    const Outgoing& item = parcel->item();
    const bool small = item.chunk.offset == 0;
    if (small && queue.ring().put_quickly(item.data, item.size, item.codec)) return;
    if (!queue.ring().put({&item, 1}, Deadline::forever(), nullptr)) _exit(4);
    parcel->sent();
  }

  void get() {
    Item item;
    log_.add(Did::BeginGet);
    Message::Ptr message(from_.ring().get_quickly());
    if (!message && !from_.ring().get({&message, 1}, Deadline::forever(), nullptr)) _exit(9);
    if (!is_whole(*message, item)) _exit(10);
    log_.add(Did::EndGet, item.name());
    put(to_, message->data(), message->size(), kTaken);
  }

  void lease() {
    Item item;
    log_.add(Did::BeginLease);
    auto leased = from_.ring().lease(Deadline::forever(), nullptr);
    if (!leased || !is_whole(*leased->message, item)) _exit(7);
    log_.add(Did::EndLease, item.name());
    if (random_() % 8 == 0) {
      log_.add(Did::BeginReturn);
      from_.ring().give_back(leased->ticket);
      log_.add(Did::EndReturn);
      return;
    }
    put(to_, leased->message->data(), item.bytes, kLeased);
    log_.add(Did::BeginAck);
    if (!from_.ring().acknowledge(leased->ticket, Deadline::forever(), nullptr)) _exit(8);
    log_.add(Did::EndAck);
  }

  Holdings holdings_;
  std::shared_ptr<BellRack> rack_;
  Queue from_;
  Queue to_;
  HistoryLog& log_;
  std::mt19937 random_;
};

class Storm {
 public:
  explicit Storm(unsigned seed) : random_(seed), family_(kArenaBytes), history_(kProcesses + 1) {
    next_number_ = static_cast<std::atomic<uint64_t>*>(storm_memory(4096));
    raw_.emplace(*Queue::create(family_.holdings(), family_.rack(),
                                {.capacity_items = kLimits.items,
                                 .capacity_bytes = kLimits.bytes,
                                 .remember = Remember::Last}));
    passed_.emplace(
        *Queue::create(family_.holdings(), family_.rack(),
                       {.capacity_items = 4 * kLimits.items, .remember = Remember::Last}));
    for (size_t place = 0; place < kProcesses; ++place) start(place);
    seen_.resize(kProducers);
  }
  ~Storm() { munmap(next_number_, 4096); }

  Count run(uint64_t kills) {
    auto last_news = Clock::now();
    auto next_kill = Clock::now();
    while (count_.kills < kills && !history_.nearly_full()) {
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
      const size_t place = random_() % kProcesses;
      end(place);
      start(place);
      ++count_.kills;
      next_kill = Clock::now() + std::chrono::microseconds(random_() % 800);
    }
    finish();
    return count_;
  }

 private:
  void start(size_t place) {
    Process& process = processes_[place];
    family_.reserve(process);
    const unsigned seed = random_();
    family_.start(process, [&] {
      Member member(family_.arena(), process.id, raw_->held().handle(), passed_->held().handle(),
                    history_.of(place), seed);
      if (place >= kProducers) member.consume();
      member.produce(place, next_number_[place]);
    });
  }

  void end(size_t place) {
    if (!history_.kill(family_, processes_[place], place)) ++count_.torn;
    if (place >= kProducers) ++killed_consumers_;
  }

  // Only what was leased may come twice, and once more when it came back and was taken by a get.
  void judge(Message& message) {
    ++count_.messages;
    Item item;
    if (!is_whole(message, item)) {
      ++count_.torn;
      return;
    }
    std::vector<uint8_t>& seen = seen_[item.producer];
    if (seen.size() <= item.number) seen.resize(item.number * 2 + 1024);
    if (seen[item.number] == kTaken) ++count_.duplicate;
    seen[item.number] = message.codec();
  }

  // What is left in the first queue, leases that came back among it, is the host's.
  void take_the_rest() {
    HistoryLog& log = history_.of(kProcesses);
    for (;;) {
      Message::Ptr message;
      Item item;
      log.add(Did::BeginGet);
      if (!raw_->ring().get({&message, 1}, Deadline::after_ms(0), nullptr)) break;
      judge(*message);
      if (is_whole(*message, item)) log.add(Did::EndGet, item.name());
    }
  }

  void finish() {
    for (size_t place = 0; place < kProcesses; ++place) end(place);
    Message::Ptr message;
    while (passed_->ring().get({&message, 1}, Deadline::after_ms(0), nullptr)) judge(*message);
    message.reset();
    take_the_rest();
    count_.history = check_queue(history_, kLimits, [this](uint64_t item) {
      const std::vector<uint8_t>& seen = seen_[producer_of(item)];
      return number_in(item) < seen.size() && seen[number_in(item)] != 0;
    });
    count_.in_hand = count_.history.missing;
    if (count_.in_hand > killed_consumers_) count_.lost += count_.in_hand - killed_consumers_;
    raw_.reset();
    passed_.reset();
    if (family_.close() != 0) ++count_.lost;
  }

  std::mt19937 random_;
  StormFamily family_;
  History history_;
  std::atomic<uint64_t>* next_number_;  // one for each producer
  std::optional<Queue> raw_;
  std::optional<Queue> passed_;
  Process processes_[kProcesses];
  std::vector<std::vector<uint8_t>> seen_;
  uint64_t killed_consumers_ = 0;
  Count count_;
};

bool run(uint64_t kills, unsigned seed) {
  Count all;
  QueueVerdict& history = all.history;
  while (all.kills < kills && !all.bad()) {
    const Count part = Storm(seed++).run(std::min(kKillsAtOnce, kills - all.kills));
    trim_memory();
    all.kills += part.kills;
    all.messages += part.messages;
    all.lost += part.lost;
    all.in_hand += part.in_hand;
    all.duplicate += part.duplicate;
    all.torn += part.torn;
    all.hung += part.hung;
    history.leases += part.history.leases;
    history.again += part.history.again;
    history.most_items = std::max(history.most_items, part.history.most_items);
    history.most_bytes = std::max(history.most_bytes, part.history.most_bytes);
    history.wrong += part.history.wrong;
  }
  printf(
      "history: at most %llu messages and %llu bytes at once, %llu leases, %llu came again, %llu "
      "wrong\n",
      number_of(history.most_items), number_of(history.most_bytes), number_of(history.leases),
      number_of(history.again), number_of(history.wrong));
  printf(
      "%llu kills, %llu messages, %llu in hands of the killed, %llu lost, %llu duplicate, %llu "
      "torn, "
      "%llu hung\n",
      number_of(all.kills), number_of(all.messages), number_of(all.in_hand), number_of(all.lost),
      number_of(all.duplicate), number_of(all.torn), number_of(all.hung));
  return !all.bad();
}

}  // namespace
}  // namespace brood::crash

int main(int argc, char** argv) { return brood::crash::storm_main(argc, argv, brood::crash::run); }
