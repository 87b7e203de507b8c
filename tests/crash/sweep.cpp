// Promise 4, the crash sweep: a victim does one operation instruction by instruction and is killed
// after step k; then it is reaped, and the invariants are checked. For every operation, and every k
// that matters.
//
//   sweep [--full] [--first] [--state FILE] [NAME...]
//
// Quick mode kills after the steps that changed shared memory and on both sides of each system
// call, or 400 of these. Full mode kills after every step; operations of more than 3000 are quick
// mode and 500 random steps. FILE.1, FILE.2 and so on remember what a full sweep has done, so that
// it can be interrupted. Each CPU sweeps operations of its own, in an arena of its own. --first
// ends at the first failure. NAME picks operations by a part of their name.
#include <signal.h>
#include <sys/mman.h>
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
#include <thread>
#include <vector>

#include "operation.hpp"
#include "stepper.hpp"
#include "world.hpp"

namespace brood::crash {
namespace {

constexpr size_t kManySteps = 3000;
constexpr size_t kMostQuickPoints = 400;
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
  size_t unforeseen = 0;  // changes after an instruction that was said to change nothing
};

// Steps through the operation; one line for each moment. `every`: looks at the memory after every
// step, and not only after those that may have changed it.
std::string trace(World& world, const Operation& operation, bool every) {
  std::string lines;
  std::map<uint64_t, long> met;
  Victim victim([&] { act(world, operation); });
  uint64_t last = world.fingerprint();
  bool after_syscall = false;
  bool may_differ = false;
  Moment moment;
  for (bool going = true;;) {
    const uint64_t address = victim.look().rip;
    const bool same = moment.step > 0 && address == moment.address;
    moment.extra = same ? moment.extra + 1 : 0;
    if (!same && moment.step > 0) moment.nth = ++met[address];
    moment.address = address;
    const uint64_t now =
        every || may_differ || after_syscall || !going ? world.fingerprint() : last;
    const bool syscall = going && victim.before_syscall();
    const bool worth = now != last || syscall || after_syscall || !going;
    const bool unforeseen = now != last && !may_differ && !after_syscall;
    char line[96];
    snprintf(line, sizeof line, "%ld %llu %ld %ld %d %d\n", moment.step,
             static_cast<unsigned long long>(address), moment.nth, moment.extra, worth, unforeseen);
    lines += line;
    last = now;
    after_syscall = syscall;
    if (!going) return lines;
    may_differ = victim.may_write(world.begin(), world.end());
    going = victim.step();
    ++moment.step;
  }
}

Steps find_steps(World& world, const Operation& operation, bool every) {
  world.restore();
  const std::string text = in_child(kFindSeconds, [&] {
    operation.setup(world);
    const pid_t survivor = operation.survivor(world);
    std::string lines = trace(world, operation, every);
    // A survivor that was woken changes memory whenever it likes.
    if (survivor > 0) kill(survivor, SIGKILL);
    return lines + (survivor > 0 ? "survivor" : "");
  });
  Steps steps;
  std::istringstream lines(text);
  Moment moment;
  bool worth = false;
  bool unforeseen = false;
  while (lines >> moment.step >> moment.address >> moment.nth >> moment.extra >> worth >>
         unforeseen) {
    if (worth) steps.worth.insert(steps.all.size());
    if (unforeseen) ++steps.unforeseen;
    steps.all.push_back(moment);
  }
  if (text.ends_with("survivor")) steps.unforeseen = 0;
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

// How far one operation is.
struct Progress {
  long points = 0;
  long failures = 0;
};

// Remembers it in a file of its own; without a name nothing is remembered.
class State {
 public:
  State(const std::string& file, size_t number)
      : file_(file.empty() ? file : file + "." + std::to_string(number)) {}

  Progress load() const {
    Progress progress;
    std::ifstream(file_) >> progress.points >> progress.failures;
    return progress;
  }
  void save(const Progress& progress) const {
    if (file_.empty()) return;
    const std::string fresh = file_ + ".new";
    std::ofstream(fresh) << progress.points << ' ' << progress.failures << '\n';
    rename(fresh.c_str(), file_.c_str());
  }

 private:
  const std::string file_;
};

Progress sweep(World& world, const Operation& operation, const Options& options,
               const State& state) {
  const auto begin = Clock::now();
  const Steps steps = find_steps(world, operation, options.full);
  const std::set<size_t> chosen = choose(steps, options.full);
  const std::vector<size_t> points(chosen.begin(), chosen.end());
  Progress progress = state.load();
  for (auto at = static_cast<size_t>(progress.points); at < points.size(); ++at) {
    const std::string wrong = run_point(world, operation, steps.all[points[at]]);
    ++progress.points;
    if (!wrong.empty() && ++progress.failures <= kMostFailuresShown) {
      printf("FAILED %s, step %zu, %s\n", operation.name, points[at], wrong.c_str());
    }
    if (options.first && progress.failures > 0) break;
    if (progress.points % 50 == 0) state.save(progress);
  }
  if (steps.unforeseen > 0) {
    printf("FAILED %s: %zu changes that may_write() did not foresee\n", operation.name,
           steps.unforeseen);
    ++progress.failures;
  }
  if (points.size() < 2) {
    printf("FAILED %s: it has no steps\n", operation.name);
    ++progress.failures;
  }
  state.save(progress);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  printf("%-58s %6zu steps %5ld points %3ld failures %6.2f s\n", operation.name, steps.all.size(),
         progress.points, progress.failures, seconds);
  fflush(stdout);
  return progress;
}

// What the sweepers share: the next operation, and the sums.
struct Board {
  std::atomic<size_t> next;
  std::atomic<long> operations, points, failures;
};

std::vector<Operation> all_operations(const Options& options) {
  std::vector<Operation> all;
  for (const auto& group :
       {lane_operations(), worker_operations(), heap_operations(), object_operations(),
        member_operations(), waiter_operations(), lock_operations(), meeting_operations(),
        queue_operations(), ticket_operations(), pipe_operations()}) {
    std::copy_if(group.begin(), group.end(), std::back_inserter(all),
                 [&](const Operation& operation) { return options.picks(operation.name); });
  }
  return all;
}

// One of the sweepers, in a process of its own.
void sweep_some(const std::vector<Operation>& all, const Options& options, Board& board) {
  World world;
  for (size_t at; (at = board.next.fetch_add(1)) < all.size();) {
    const Progress progress = sweep(world, all[at], options, State(options.state_file, at + 1));
    ++board.operations;
    board.points += progress.points;
    board.failures += progress.failures;
    if (options.first && board.failures.load() > 0) return;
  }
}

int run(const Options& options) {
  const std::vector<Operation> all = all_operations(options);
  auto* board = static_cast<Board*>(
      mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  const unsigned sweepers = std::max(1u, std::thread::hardware_concurrency());
  for (unsigned count = 0; count < sweepers; ++count) {
    if (fork() != 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sweep_some(all, options, *board);
    _exit(0);
  }
  for (int status = 0; wait(&status) > 0;) {
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) ++board->failures;
  }
  const long failures = board->failures.load();
  printf("%ld operations, %ld points, %ld failures\n", board->operations.load(),
         board->points.load(), failures);
  const bool complete = board->operations.load() == static_cast<long>(all.size());
  return failures == 0 && complete && !all.empty() ? 0 : 1;
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
