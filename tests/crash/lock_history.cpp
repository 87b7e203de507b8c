#include "lock_history.hpp"

#include <algorithm>
#include <vector>

namespace brood::crash {
namespace {

// From when it surely had the object to when it may have given it back.
struct Hold {
  int64_t begin, end;
  uint64_t weight;
  bool recovered;
  bool died;
};

// Somewhere between the two a process died, one after the other.
struct Kill {
  int64_t reaped, killed;
};

// Reads the log of one place into the holds of each object.
void read(const HistoryLog& log, std::vector<std::vector<Hold>>& objects,
          std::vector<Kill>& kills) {
  struct Open {
    bool held = false;
    Hold hold;
  };
  std::vector<Open> open(objects.size());
  const auto end = [&](size_t object, int64_t at, bool died) {
    if (!open[object].held) return;
    open[object].held = false;
    open[object].hold.end = at;
    open[object].hold.died = died;
    objects[object].push_back(open[object].hold);
  };
  for (const Event& event : log.events()) {
    if (event.did == Did::Killed) {
      for (size_t object = 0; object < objects.size(); ++object) end(object, event.at, true);
      kills.push_back({INT64_MAX, event.at});
    } else if (event.did == Did::Reaped) {
      kills.back().reaped = event.at;
    } else if (event.did == Did::Releases) {
      end(event.value, event.at, false);
    } else if (event.did == Did::Acquired || event.did == Did::Recovered) {
      const bool recovered = event.did == Did::Recovered;
      open[event.value] = {true, {event.at, 0, event.detail, recovered, false}};
    }
  }
}

// At no instant do those who surely hold it weigh more than there is room.
void check_room(const std::vector<Hold>& holds, uint64_t room, uint64_t object,
                Complaints& complaints) {
  std::vector<std::pair<int64_t, int64_t>> changes;
  for (const Hold& hold : holds) {
    changes.push_back({hold.begin, static_cast<int64_t>(hold.weight)});
    changes.push_back({hold.end, -static_cast<int64_t>(hold.weight)});
  }
  // At the same instant who leaves goes first.
  std::sort(changes.begin(), changes.end());
  int64_t weight = 0;
  for (const auto& [at, change] : changes) {
    weight += change;
    if (weight > static_cast<int64_t>(room)) complaints.add("held by too many, object", object);
  }
}

// Who comes after one that died in it has recovered it; who has recovered it came after a death.
void check_deaths(const std::vector<Hold>& holds, uint64_t room, const std::vector<Kill>& kills,
                  uint64_t object, Complaints& complaints) {
  int64_t begin = 0;
  bool died = false;
  for (const Hold& hold : holds) {
    if (hold.weight != room) continue;
    if (died && !hold.recovered) complaints.add("nobody heard of a death, object", object);
    if (hold.recovered && !died) {
      const auto kill = std::find_if(kills.begin(), kills.end(),
                                     [&](const Kill& one) { return one.reaped >= begin; });
      if (kill == kills.end() || kill->killed > hold.begin) {
        complaints.add("recovered, and nobody had died, object", object);
      }
    }
    begin = hold.begin;
    died = hold.died;
  }
}

}  // namespace

LockVerdict check_locks(const History& history, std::span<const LockRule> rules) {
  std::vector<std::vector<Hold>> objects(rules.size());
  std::vector<Kill> kills;
  for (const HistoryLog& log : history.logs()) read(log, objects, kills);
  std::sort(kills.begin(), kills.end(),
            [](const Kill& a, const Kill& b) { return a.reaped < b.reaped; });
  LockVerdict verdict;
  Complaints complaints;
  for (size_t object = 0; object < rules.size(); ++object) {
    std::vector<Hold>& holds = objects[object];
    std::sort(holds.begin(), holds.end(),
              [](const Hold& a, const Hold& b) { return a.begin < b.begin; });
    check_room(holds, rules[object].room, object, complaints);
    if (rules[object].tells_of_death) {
      check_deaths(holds, rules[object].room, kills, object, complaints);
    }
    verdict.holds += holds.size();
    verdict.deaths += static_cast<uint64_t>(
        std::count_if(holds.begin(), holds.end(), [](const Hold& hold) { return hold.died; }));
  }
  verdict.wrong = complaints.count();
  return verdict;
}

}  // namespace brood::crash
