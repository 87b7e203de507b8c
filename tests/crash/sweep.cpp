// The crash sweep: a victim does one operation instruction by instruction and is killed after step
// k; then it is reaped, and the invariants are checked. For every operation, and every k that
// matters.
//
//   sweep [--full] [--first] [--state FILE] [NAME...]
//
// Quick mode kills after the steps that changed shared memory and on both sides of each system
// call, or 120 of these. Full mode kills after every step; operations of more than 3000 are quick
// mode and 500 random steps. FILE remembers what a full sweep has done, so that it can be
// interrupted. --first ends at the first failure. NAME picks operations by a part of their name.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "operation.hpp"
#include "stepper.hpp"
#include "world.hpp"

namespace brood::crash {
namespace {

constexpr size_t kManySteps = 3000;
constexpr size_t kMostQuickPoints = 120;
constexpr const char* kAnotherWay = "another way";
constexpr int kRandomSteps = 500;
constexpr unsigned kPointSeconds = 10;
constexpr unsigned kFindSeconds = 120;
constexpr int kMostFailuresShown = 5;

struct Options {
  bool full = false;
  bool first = false;
  std::string state_file;
  std::vector<std::string> names;

  bool picks(const std::string& name) const {
    if (names.empty()) return true;
    return std::any_of(names.begin(), names.end(), [&](const std::string& part) {
      return name.find(part) != std::string::npos;
    });
  }
};

// Everything of one point happens in a child, so that it starts from the same private state and a
// hang is a finding. What `body` prints is the finding.
std::string in_child(unsigned seconds, const std::function<std::string()>& body) {
  int ends[2];
  if (pipe(ends) != 0) return "pipe failed";
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(seconds);
    const std::string text = body();
    (void)!write(ends[1], text.data(), text.size());
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  ssize_t got;
  while ((got = read(ends[0], buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    text = WTERMSIG(status) == SIGALRM
               ? "HANG of whoever goes on"
               : "the checker died of signal " + std::to_string(WTERMSIG(status));
  }
  return text;
}

void act(World& world, const Operation& operation) {
  operation.act(world);
  world.control->acked = 1;
}

// The moments of one run, and which of them are worth a kill.
struct Steps {
  std::vector<Moment> all;
  std::set<size_t> worth;
};

// Steps through the operation; one line for each moment.
std::string trace(World& world, const Operation& operation) {
  std::string lines;
  std::map<uint64_t, long> met;
  Victim victim([&] { act(world, operation); });
  uint64_t last = world.fingerprint();
  bool after_syscall = false;
  Moment moment;
  for (bool going = true;;) {
    const uint64_t address = victim.instruction();
    const bool same = moment.step > 0 && address == moment.address;
    moment.extra = same ? moment.extra + 1 : 0;
    if (!same && moment.step > 0) moment.nth = ++met[address];
    moment.address = address;
    const uint64_t now = world.fingerprint();
    const bool syscall = going && victim.before_syscall();
    const bool worth = now != last || syscall || after_syscall || !going;
    char line[96];
    snprintf(line, sizeof line, "%ld %llu %ld %ld %d\n", moment.step,
             static_cast<unsigned long long>(address), moment.nth, moment.extra, worth);
    lines += line;
    last = now;
    after_syscall = syscall;
    if (!going) return lines;
    going = victim.step();
    ++moment.step;
  }
}

Steps find_steps(World& world, const Operation& operation) {
  world.restore();
  const std::string text = in_child(kFindSeconds, [&] {
    operation.setup(world);
    const pid_t survivor = operation.survivor(world);
    std::string lines = trace(world, operation);
    if (survivor > 0) kill(survivor, SIGKILL);
    return lines;
  });
  Steps steps;
  std::istringstream lines(text);
  Moment moment;
  bool worth = false;
  while (lines >> moment.step >> moment.address >> moment.nth >> moment.extra >> worth) {
    if (worth) steps.worth.insert(steps.all.size());
    steps.all.push_back(moment);
  }
  return steps;
}

// Kills at that moment. Empty, or "where: what is wrong".
std::string run_point(World& world, const Operation& operation, const Moment& moment,
                      bool by_steps = false) {
  world.restore();
  const std::string wrong = in_child(kPointSeconds, [&]() -> std::string {
    operation.setup(world);
    const pid_t survivor = operation.survivor(world);
    {
      Victim victim([&] { act(world, operation); });
      if (by_steps) {
        for (long done = 0; done < moment.step && victim.step(); ++done) {
        }
      } else if (!victim.run_to(moment)) {
        if (survivor > 0) kill(survivor, SIGKILL);
        return kAnotherWay;
      }
    }
    const bool acked = world.control->acked != 0;
    if (operation.meanwhile) operation.meanwhile(world);
    reap(*world.arena, world.victim, world.host.slot);
    std::string found = operation.check(world, survivor, acked);
    if (found.empty()) found = world.audit({world.victim.slot}, world.base_live);
    if (found.empty()) found = world.exercise();
    return found;
  });
  // In the kernel for good, or where no breakpoint can be set.
  if (wrong == kAnotherWay && !by_steps) return run_point(world, operation, moment, true);
  return wrong.empty() ? "" : source_line(moment.address) + ": " + wrong;
}

std::set<size_t> choose(const Steps& steps, bool full) {
  if (!full && steps.worth.size() > kMostQuickPoints) {
    // Large records and zeroed memory: neighbours there differ little.
    const std::vector<size_t> worth(steps.worth.begin(), steps.worth.end());
    std::set<size_t> some;
    for (size_t index = 0; index < kMostQuickPoints; ++index) {
      some.insert(worth[index * worth.size() / kMostQuickPoints]);
    }
    some.insert(worth.back());
    return some;
  }
  std::set<size_t> chosen = steps.worth;
  if (!full) return chosen;
  if (steps.all.size() <= kManySteps) {
    for (size_t step = 0; step < steps.all.size(); ++step) chosen.insert(step);
  } else {
    std::mt19937 random(1);  // the same ones when a sweep is resumed
    std::uniform_int_distribution<size_t> any(0, steps.all.size() - 1);
    for (int count = 0; count < kRandomSteps; ++count) chosen.insert(any(random));
  }
  return chosen;
}

// What a state file says: for each operation, how many of its points were done, and how many
// failed.
struct Progress {
  long points = 0;
  long failures = 0;
};
using State = std::map<std::string, Progress>;

State load_state(const std::string& file) {
  State state;
  std::ifstream in(file);
  Progress progress;
  std::string name;
  while (in >> progress.points >> progress.failures && std::getline(in >> std::ws, name)) {
    state[name] = progress;
  }
  return state;
}

void save_state(const std::string& file, const State& state) {
  if (file.empty()) return;
  const std::string fresh = file + ".new";
  std::ofstream out(fresh);
  for (const auto& [name, progress] : state) {
    out << progress.points << ' ' << progress.failures << ' ' << name << '\n';
  }
  out.close();
  rename(fresh.c_str(), file.c_str());
}

Progress sweep(World& world, const Operation& operation, const Options& options, State& state) {
  const auto begin = Clock::now();
  const Steps steps = find_steps(world, operation);
  const std::set<size_t> chosen = choose(steps, options.full);
  const std::vector<size_t> points(chosen.begin(), chosen.end());
  Progress& progress = state[operation.name];
  for (auto at = static_cast<size_t>(progress.points); at < points.size(); ++at) {
    const std::string wrong = run_point(world, operation, steps.all[points[at]]);
    ++progress.points;
    if (!wrong.empty() && ++progress.failures <= kMostFailuresShown) {
      printf("FAILED %s, step %zu, %s\n", operation.name, points[at], wrong.c_str());
    }
    if (options.first && progress.failures > 0) break;
    if (progress.points % 50 == 0) save_state(options.state_file, state);
  }
  if (points.size() < 2) {
    printf("FAILED %s: it has no steps\n", operation.name);
    ++progress.failures;
  }
  save_state(options.state_file, state);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  fflush(stdout);
  printf("%-58s %6zu steps %5ld points %3ld failures %6.2f s\n", operation.name, steps.all.size(),
         progress.points, progress.failures, seconds);
  return progress;
}

int run(const Options& options) {
  World world;
  State state;
  if (!options.state_file.empty()) state = load_state(options.state_file);
  long operations = 0;
  Progress all;
  for (const auto& group :
       {lane_operations(), worker_operations(), heap_operations(), object_operations(),
        member_operations(), waiter_operations(), lock_operations(), meeting_operations(),
        queue_operations(), ticket_operations(), pipe_operations()}) {
    for (const Operation& operation : group) {
      if (!options.picks(operation.name)) continue;
      const Progress progress = sweep(world, operation, options, state);
      ++operations;
      all.points += progress.points;
      all.failures += progress.failures;
      if (options.first && all.failures > 0) return 1;
    }
  }
  printf("%ld operations, %ld points, %ld failures\n", operations, all.points, all.failures);
  return all.failures == 0 && operations > 0 ? 0 : 1;
}

}  // namespace
}  // namespace brood::crash

int main(int argc, char** argv) {
  brood::crash::Options options;
  for (int index = 1; index < argc; ++index) {
    if (strcmp(argv[index], "--full") == 0) {
      options.full = true;
    } else if (strcmp(argv[index], "--first") == 0) {
      options.first = true;
    } else if (strcmp(argv[index], "--state") == 0 && index + 1 < argc) {
      options.state_file = argv[++index];
    } else {
      options.names.emplace_back(argv[index]);
    }
  }
  return brood::crash::run(options);
}
