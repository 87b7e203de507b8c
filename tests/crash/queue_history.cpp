#include "queue_history.hpp"

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <vector>

namespace brood::crash {
namespace {

constexpr int64_t kNever = INT64_MAX;
// So many leases later, at the latest, an item that came back has been delivered: those are first.
constexpr size_t kLeasesToSettle = 32;

enum class Fate { InHand, Finished, PerhapsFinished, ComesAgain };

struct Take {
  int64_t begin, end;
  bool leased;
  Fate fate = Fate::InHand;
  int64_t free_from = kNever;  // from here on somebody else may have it
};

struct Item {
  uint64_t name = 0;
  int64_t put_begin = kNever, put_end = kNever;
  uint64_t bytes = 0;
  std::vector<Take> takes;
};

// A process that was killed in a lease may have had one that nobody wrote down: that item comes
// again, or for the first time as far as one can see, and later than its turn.
struct Unknown {
  int64_t begin, killed, reaped;
  bool explained = false;
};

struct Past {
  std::unordered_map<uint64_t, Item> items;
  std::vector<Unknown> unknown;
  uint64_t dead_gets = 0;  // each may have had one item, which is gone
  uint64_t puts = 0, leases = 0;
};

// Reads the log of one place: its processes one after the other, each doing one thing at a time.
class Reader {
 public:
  explicit Reader(Past& past) : past_(past) {}

  void read(const Event& event) {
    switch (event.did) {
      case Did::BeginPut:
        put(event);
        break;
      case Did::EndPut:
        past_.items[begun_.value].put_end = event.at;
        ++past_.puts;
        break;
      case Did::EndGet:
        past_.items[event.value].takes.push_back({begun_.at, event.at, false});
        break;
      case Did::EndLease:
        leased_ = &past_.items[event.value];
        number_ = leased_->takes.size();
        leased_->takes.push_back({begun_.at, event.at, true});
        ++past_.leases;
        break;
      case Did::EndAck:
        finish(Fate::Finished, begun_.at);
        break;
      case Did::EndReturn:
        finish(Fate::ComesAgain, begun_.at);
        break;
      case Did::Killed:
        died(event.at);
        return;  // what was begun is still needed
      case Did::Reaped:
        if (begun_.did == Did::BeginLease) past_.unknown.push_back({begun_.at, killed_, event.at});
        break;
      default:
        break;
    }
    begun_ = event;
  }

 private:
  void put(const Event& event) {
    Item& item = past_.items[event.value];  // a log that was read before may know who took it
    item.name = event.value;
    item.put_begin = event.at;
    item.bytes = event.detail;
  }

  void finish(Fate fate, int64_t free_from) {
    if (leased_ == nullptr) return;
    leased_->takes[number_].fate = fate;
    leased_->takes[number_].free_from = free_from;
    leased_ = nullptr;
  }

  void died(int64_t at) {
    killed_ = at;
    if (begun_.did == Did::BeginGet) ++past_.dead_gets;
    const bool giving = begun_.did == Did::BeginAck || begun_.did == Did::BeginReturn;
    finish(begun_.did == Did::BeginAck ? Fate::PerhapsFinished : Fate::ComesAgain,
           giving ? begun_.at : at);
  }

  Past& past_;
  Event begun_{};           // the last one: if it is a beginning, that is under way
  Item* leased_ = nullptr;  // and which of its takes, until it is finished
  size_t number_ = 0;
  int64_t killed_ = 0;
};

class Check {
 public:
  Check(Past& past, const QueueLimits& limits) : past_(past), limits_(limits) {
    verdict_.puts = past.puts;
    verdict_.leases = past.leases;
    for (auto& [name, item] : past_.items) {
      std::sort(item.takes.begin(), item.takes.end(),
                [](const Take& a, const Take& b) { return a.end < b.end; });
      for (const Take& take : item.takes) {
        if (take.leased) lease_times_.push_back({take.begin, take.end});
      }
    }
    std::sort(lease_times_.begin(), lease_times_.end());
  }

  QueueVerdict run() {
    for (const auto& [name, item] : past_.items) check_takes(name, item);
    if (verdict_.in_hand > past_.dead_gets) {
      complaints_.add("more are lost than died in a get", verdict_.in_hand);
    }
    check_order();
    check_capacity();
    verdict_.wrong = complaints_.count();
    return verdict_;
  }

 private:
  // Once, or again and again as leases that were not acknowledged.
  void check_takes(uint64_t name, const Item& item) {
    if (item.takes.empty()) {
      if (item.put_end != kNever) ++verdict_.in_hand;
      return;
    }
    if (item.put_begin == kNever) return complaints_.add("taken, and nobody put it", name);
    if (item.takes[0].end < item.put_begin) complaints_.add("taken before it was put", name);
    for (size_t i = 0; i + 1 < item.takes.size(); ++i) {
      const Take& take = item.takes[i];
      ++verdict_.again;
      if (!take.leased) {
        complaints_.add("taken again after a get", name);
      } else if (take.fate == Fate::Finished) {
        complaints_.add("delivered again when acknowledged", name);
      } else if (item.takes[i + 1].end < take.free_from) {
        complaints_.add("delivered to two", name);
      }
    }
    // If it came again it was into a get whose process was killed.
    const Take& last = item.takes.back();
    if (last.leased && last.fate == Fate::ComesAgain) ++verdict_.in_hand;
    if (last.leased && last.fate == Fate::InHand) complaints_.add("a lease without end", name);
  }

  // First in, first out: what was put before another's put began is not taken after the other.
  void check_order() {
    std::vector<const Item*> by_begin;
    for (const auto& [name, item] : past_.items) {
      if (!item.takes.empty() && item.put_begin != kNever) by_begin.push_back(&item);
    }
    std::vector<const Item*> by_end = by_begin;
    std::sort(by_begin.begin(), by_begin.end(),
              [](const Item* a, const Item* b) { return a->put_begin < b->put_begin; });
    std::sort(by_end.begin(), by_end.end(),
              [](const Item* a, const Item* b) { return a->put_end < b->put_end; });
    const auto taken_earlier = [](const Item* a, const Item* b) {
      return a->takes[0].begin < b->takes[0].begin;
    };
    std::priority_queue<const Item*, std::vector<const Item*>, decltype(taken_earlier)> before(
        taken_earlier);
    size_t next = 0;
    for (const Item* item : by_begin) {
      for (; next < by_end.size() && by_end[next]->put_end < item->put_begin; ++next) {
        before.push(by_end[next]);
      }
      for (; !before.empty() && before.top()->takes[0].begin > item->takes[0].end; before.pop()) {
        if (!came_again_unseen(before.top()->takes[0])) complaints_.add("out of order", item->name);
      }
    }
  }

  // The item of a process that was killed in a lease comes later than its turn; each has one.
  bool came_again_unseen(const Take& take) {
    const auto found =
        std::find_if(past_.unknown.begin(), past_.unknown.end(), [&](const Unknown& unknown) {
          return !unknown.explained && unknown.killed <= take.end && take.begin <= settled(unknown);
        });
    if (found == past_.unknown.end()) return false;
    found->explained = true;
    return true;
  }

  // Between the end of its put and the beginning of its first take an item is surely in the queue.
  void check_capacity() {
    struct Change {
      int64_t at;
      int64_t items, bytes, unknown;
    };
    std::vector<Change> changes;
    int64_t largest = 0;
    for (const auto& [name, item] : past_.items) {
      if (item.put_end == kNever || item.takes.empty()) continue;
      if (item.takes[0].begin <= item.put_end) continue;
      const auto bytes = static_cast<int64_t>(item.bytes);
      largest = std::max(largest, bytes);
      changes.push_back({item.put_end, 1, bytes, 0});
      changes.push_back({item.takes[0].begin, -1, -bytes, 0});
    }
    for (const Unknown& unknown : past_.unknown) {
      changes.push_back({unknown.begin, 0, 0, 1});
      changes.push_back({settled(unknown), 0, 0, -1});
    }
    // At the same instant what leaves goes first.
    std::sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) {
      if (a.at != b.at) return a.at < b.at;
      return a.items - a.unknown < b.items - b.unknown;
    });
    int64_t items = 0;
    int64_t bytes = 0;
    int64_t unknown = 0;
    for (const Change& change : changes) {
      items += change.items;
      bytes += change.bytes;
      unknown += change.unknown;
      note(verdict_.most_items, items - unknown, limits_.items, "too many in the queue");
      note(verdict_.most_bytes, bytes - unknown * largest, limits_.bytes, "too many bytes in it");
    }
  }

  void note(uint64_t& most, int64_t now, uint64_t limit, const char* what) {
    if (now <= 0 || static_cast<uint64_t>(now) <= most) return;
    most = static_cast<uint64_t>(now);
    if (most > limit) complaints_.add(what, most);
  }

  // From when on the item of a process that was killed in a lease is somebody else's.
  int64_t settled(const Unknown& unknown) const {
    auto later = std::lower_bound(lease_times_.begin(), lease_times_.end(),
                                  std::pair<int64_t, int64_t>(unknown.reaped, 0));
    if (lease_times_.end() - later <= static_cast<ptrdiff_t>(kLeasesToSettle)) return kNever;
    later += kLeasesToSettle;
    return later->second;
  }

  Past& past_;
  const QueueLimits limits_;
  std::vector<std::pair<int64_t, int64_t>> lease_times_;
  QueueVerdict verdict_;
  Complaints complaints_;
};

}  // namespace

QueueVerdict check_queue(const History& history, const QueueLimits& limits,
                         const std::function<bool(uint64_t)>& arrived) {
  Past past;
  for (const HistoryLog& log : history.logs()) {
    Reader reader(past);
    for (const Event& event : log.events()) reader.read(event);
  }
  QueueVerdict verdict = Check(past, limits).run();
  for (const auto& [name, item] : past.items) {
    if (item.put_end != kNever && !arrived(name)) ++verdict.missing;
  }
  return verdict;
}

}  // namespace brood::crash
