#include "stepper.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "instruction.hpp"

namespace brood::crash {

namespace {

constexpr auto kAsleepAfter = std::chrono::milliseconds(100);

std::string read_small_file(const std::string& path) {
  char text[512] = {};
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  const ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  return std::string(text, static_cast<size_t>(std::max<ssize_t>(got, 0)));
}

}  // namespace

bool sleeps(pid_t pid) {
  const std::string stat = read_small_file("/proc/" + std::to_string(pid) + "/stat");
  const size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && stat.compare(name_end + 2, 1, "S") == 0;
}

bool sleeps_on_futex(pid_t pid) {
  return sleeps(pid) &&
         read_small_file("/proc/" + std::to_string(pid) + "/syscall").starts_with("202 ");
}

Victim::Victim(const std::function<void()>& operation) {
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    operation();
    raise(SIGSTOP);
    _exit(0);
  }
  int status = 0;
  if (pid_ < 0 || waitpid(pid_, &status, 0) != pid_ || !WIFSTOPPED(status)) {
    perror("starting a victim under ptrace");
    _exit(2);
  }
}

Victim::~Victim() { kill(); }

bool Victim::step() { return resume(PTRACE_SINGLESTEP); }

bool Victim::resume(int request) {
  if (ptrace(static_cast<__ptrace_request>(request), pid_, nullptr, nullptr) != 0) return false;
  auto end = std::chrono::steady_clock::now() + kAsleepAfter;
  int status = 0;
  for (int turn = 0;; ++turn) {
    const pid_t seen = waitpid(pid_, &status, WNOHANG | __WALL);
    if (seen == pid_) break;
    sched_yield();
    if (turn % 64 != 63 || std::chrono::steady_clock::now() < end) continue;
    // On a busy machine it may only not have had its turn.
    if (sleeps(pid_)) return false;
    end += kAsleepAfter;
  }
  if (WIFEXITED(status) || WIFSIGNALED(status)) dead_ = true;
  return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
}

bool Victim::poke(uint64_t address, long word) {
  return ptrace(PTRACE_POKETEXT, pid_, reinterpret_cast<void*>(address),
                reinterpret_cast<void*>(word)) == 0;
}

bool Victim::run_to(const Moment& moment) {
  if (moment.step == 0) return true;
  errno = 0;
  const long original =
      ptrace(PTRACE_PEEKTEXT, pid_, reinterpret_cast<void*>(moment.address), nullptr);
  if (errno != 0) return false;
  const long trap = (original & ~0xffL) | 0xcc;
  for (long hit = 1; hit <= moment.nth; ++hit) {
    if (!poke(moment.address, trap) || !resume(PTRACE_CONT)) return false;
    user_regs_struct registers{};
    ptrace(PTRACE_GETREGS, pid_, nullptr, &registers);
    if (registers.rip != moment.address + 1 || !poke(moment.address, original)) return false;
    registers.rip = moment.address;
    ptrace(PTRACE_SETREGS, pid_, nullptr, &registers);
    if (hit < moment.nth && !step()) return false;
  }
  for (long again = 0; again < moment.extra; ++again) {
    if (!step()) return false;
  }
  return true;
}

const user_regs_struct& Victim::look() {
  registers_ = {};
  ptrace(PTRACE_GETREGS, pid_, nullptr, &registers_);
  return registers_;
}

// The victim is a fork: its code lies where ours does.
static const uint8_t* code_at(uint64_t address) {
  return reinterpret_cast<const uint8_t*>(address);
}

bool Victim::before_syscall() const {
  const uint8_t* code = code_at(registers_.rip);
  return code[0] == 0x0f && code[1] == 0x05;
}

bool Victim::may_write(uint64_t begin, uint64_t end) const {
  return crash::may_write(code_at(registers_.rip), registers_, begin, end);
}

void Victim::kill() {
  if (pid_ <= 0 || dead_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, __WALL);
  dead_ = true;
}

std::string source_line(uint64_t address) {
  char command[256];
  snprintf(command, sizeof command, "addr2line -Cfspe /proc/%d/exe 0x%llx 2>/dev/null",
           static_cast<int>(getpid()), static_cast<unsigned long long>(address));
  std::string text;
  if (FILE* pipe = popen(command, "r")) {
    char buffer[512];
    while (fgets(buffer, sizeof buffer, pipe) != nullptr) text += buffer;
    pclose(pipe);
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.empty() || text[0] == '?' ? "in a library" : text;
}

}  // namespace brood::crash
