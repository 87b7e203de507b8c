// The crash sweep: a victim does one operation instruction by instruction and is killed after step
// k; then it is reaped, and the invariants are checked. For every operation, and every k that
// matters.
//
//   sweep [--full] [--state FILE] [NAME...]
//
// Quick mode kills after the steps that changed shared memory and on both sides of each system
// call. Full mode kills after every step; operations of more than 3000 are quick mode and 500
// random steps. FILE remembers what a full sweep has done, so that it can be interrupted. NAME
// picks operations by a part of their name.
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
#include <string>
#include <vector>

#include "operation.hpp"
#include "stepper.hpp"
#include "world.hpp"

namespace brood::crash {
namespace {

constexpr long kManySteps = 3000;
constexpr int kRandomSteps = 500;
constexpr unsigned kPointSeconds = 10;
constexpr unsigned kFindSeconds = 120;
constexpr int kMostFailuresShown = 5;

struct Options {
  bool full = false;
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

// The steps of one run that are worth a kill, and the number of all.
struct Steps {
  long total = 0;
  std::vector<long> worth;
};

Steps find_steps(World& world, const Operation& operation) {
  world.restore();
  const std::string text = in_child(kFindSeconds, [&] {
    operation.setup(world);
    const pid_t survivor = operation.survivor(world);
    std::string found;
    {
      Victim victim([&] { act(world, operation); });
      uint64_t last = world.fingerprint();
      long step = 0;
      bool going = true;
      while (going) {
        const bool syscall = victim.before_syscall();
        if (syscall) found += std::to_string(step) + " ";
        going = victim.step();
        ++step;
        const uint64_t now = world.fingerprint();
        if (now != last || syscall || !going) found += std::to_string(step) + " ";
        last = now;
      }
    }
    if (survivor > 0) kill(survivor, SIGKILL);
    return found;
  });
  Steps steps;
  std::set<long> worth;
  const char* at = text.c_str();
  char* end = nullptr;
  for (long step = strtol(at, &end, 10); end != at; step = strtol(at, &end, 10)) {
    worth.insert(step);
    steps.total = std::max(steps.total, step);
    at = end;
  }
  steps.worth.assign(worth.begin(), worth.end());
  return steps;
}

// Kills after `step` steps. Empty, or "address what is wrong".
std::string run_point(World& world, const Operation& operation, long step) {
  world.restore();
  return in_child(kPointSeconds, [&]() -> std::string {
    operation.setup(world);
    const pid_t survivor = operation.survivor(world);
    uint64_t address = 0;
    {
      Victim victim([&] { act(world, operation); });
      for (long done = 0; done < step && victim.step(); ++done) {
      }
      address = victim.instruction();
    }
    const bool acked = world.control->acked != 0;
    reap(*world.arena, world.victim, world.host.slot);
    std::string wrong = operation.check(world, survivor, acked);
    if (wrong.empty()) wrong = world.audit({world.victim.slot}, world.base_live);
    if (wrong.empty()) wrong = world.exercise();
    if (wrong.empty()) return "";
    return source_line(address) + ": " + wrong;
  });
}

std::vector<long> choose(const Steps& steps, bool full) {
  if (!full) return steps.worth;
  std::set<long> chosen(steps.worth.begin(), steps.worth.end());
  if (steps.total <= kManySteps) {
    for (long step = 0; step <= steps.total; ++step) chosen.insert(step);
  } else {
    std::mt19937 random(1);  // the same ones when a sweep is resumed
    std::uniform_int_distribution<long> any(0, steps.total);
    for (int count = 0; count < kRandomSteps; ++count) chosen.insert(any(random));
  }
  return {chosen.begin(), chosen.end()};
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
  const std::vector<long> points = choose(steps, options.full);
  Progress& progress = state[operation.name];
  for (auto at = static_cast<size_t>(progress.points); at < points.size(); ++at) {
    const std::string wrong = run_point(world, operation, points[at]);
    ++progress.points;
    if (!wrong.empty() && ++progress.failures <= kMostFailuresShown) {
      printf("FAILED %s, step %ld, %s\n", operation.name, points[at], wrong.c_str());
    }
    if (progress.points % 50 == 0) save_state(options.state_file, state);
  }
  if (points.size() < 2) {
    printf("FAILED %s: it has no steps\n", operation.name);
    ++progress.failures;
  }
  save_state(options.state_file, state);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  printf("%-58s %6ld steps %5ld points %3ld failures %6.2f s\n", operation.name, steps.total,
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
       {lane_operations(), heap_operations(), object_operations(), member_operations()}) {
    for (const Operation& operation : group) {
      if (!options.picks(operation.name)) continue;
      const Progress progress = sweep(world, operation, options, state);
      ++operations;
      all.points += progress.points;
      all.failures += progress.failures;
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
    } else if (strcmp(argv[index], "--state") == 0 && index + 1 < argc) {
      options.state_file = argv[++index];
    } else {
      options.names.emplace_back(argv[index]);
    }
  }
  return brood::crash::run(options);
}
