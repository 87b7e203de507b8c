// The porting contract: everything brood asks of an operating system, function by function. Nobody
// else includes an OS header. A port is a folder beside linux/ that implements these; what every
// POSIX system does the same way is in posix/. Every function may be called on any thread unless it
// says otherwise; none prints, none changes signal handlers, none throws but for bad_alloc.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "base/unique.hpp"

namespace brood::platform {

// ---- file descriptors --------------------------------------------------------------------------

struct FdTraits {
  using Value = int;
  static int none() { return -1; }
  static void close(int fd);
};
// Every fd that brood makes is close-on-exec from birth, and never 0, 1 or 2, so that a program
// with closed standard streams does not write into brood's.
using Fd = Unique<FdTraits>;

struct FdPair {
  Fd first;
  Fd second;
};

Result<Fd> duplicate(int fd);
Status set_nonblocking(int fd, bool nonblocking);
// A pipe: `first` is the read end.
Result<FdPair> make_pipe();
Result<Fd> open_read(const std::string& path);
Result<Fd> open_write(const std::string& path, bool append);
Result<Fd> open_null();
// Opens those of 0, 1 and 2 that are closed, while the result lives: for libraries that make fds of
// their own, and would get these.
std::vector<Fd> fill_standard_streams();
// The current folder itself, whatever its path is by now.
Result<Fd> open_current_folder();
// A file without a name that holds a copy of `bytes`, to be read from its beginning.
Result<Fd> make_anonymous_file(std::span<const std::byte> bytes);
// At most `size` bytes; 0 at end of file. Timeout when a non-blocking fd has nothing.
Result<size_t> read_some(int fd, void* data, size_t size);
// Timeout when a non-blocking fd has no room; Closed when nobody reads. Raises no SIGPIPE.
Result<size_t> write_some(int fd, const void* data, size_t size);
// Waits until `fd` can be read or written (or has hung up). False when the deadline passed first.
Result<bool> wait_fd(int fd, bool for_write, Deadline deadline);
// The index of the first fd that can be read, or has hung up. Timeout when the deadline passed
// first.
Result<size_t> wait_readable(std::span<const int> fds, Deadline deadline);

// ---- packets between processes -----------------------------------------------------------------

// A packet carries at most this many fds (a kernel limit) and bytes (brood's own).
inline constexpr size_t kMaxPacketFds = 253;
inline constexpr size_t kMaxPacketBytes = 128 * 1024;

struct Packet {
  std::vector<std::byte> bytes;
  std::vector<Fd> fds;
  bool fds_lost = false;  // this process had no room for all of them: `fds` is empty
};
// What to say of `fds_lost`.
Error no_room_for_fd();

// Two ends of a socket that keeps packet boundaries.
Result<FdPair> make_socket_pair();
// Sends one whole packet or none, waiting for room until the deadline. Closed when the other end is
// gone.
Status send_packet(int fd, std::span<const std::byte> bytes, std::span<const int> fds,
                   Deadline deadline);
// Receives one packet. Timeout when there is none by the deadline; Closed when the other end is
// gone and nothing of it is left; Protocol when the packet was cut short, whose fds are closed.
Result<Packet> receive_packet(int fd, Deadline deadline);
// The first packet's bytes, which stay where they are. Timeout when there is none; Invalid when
// `fd` is not such a socket.
Result<std::vector<std::byte>> peek_packet(int fd);
bool is_packet_socket(int fd);
// From now on the other end cannot send any more: it is told Closed. What it sent before can still
// be received; that it arrived before or was refused is one decision of the kernel's.
void stop_receiving(int fd);
// The same for both directions, for every process that has either end.
void hang_up(int fd);
bool is_open_fd(int fd);

// ---- meeting by a name -------------------------------------------------------------------------

// Processes of one machine (and one network namespace) that share nothing else meet by a name that
// is gone with the socket, whatever becomes of its process. Names can be seen by everybody, and
// anybody can take a free one or connect: prove who is there. All of these fds are non-blocking.
inline constexpr size_t kMaxMeetingName = 107;
// State when somebody has the name.
Result<Fd> open_meeting(std::span<const std::byte> name);
// A connection to who opened it, for packets. Closed when nobody did; Timeout when too many wait
// there.
Result<Fd> meet(std::span<const std::byte> name);
// The connection of the next who came. Timeout when there is nobody; Closed after hang_up().
Result<Fd> accept_met(int fd);
// Who was at the other end when the connection was made (or the meeting opened); a pid that this
// process cannot see is 0.
struct PeerIdentity {
  int64_t pid = 0;
  uint32_t user = 0;
};
Result<PeerIdentity> peer_identity(int fd);
// The user whose rights this process has.
uint32_t effective_user();

// ---- shared memory -----------------------------------------------------------------------------

// Anonymous memory that processes share by passing the fd: sparse, zeroed, of fixed size (sealed
// against shrinking and growing where the kernel can). It has no name and outlives no process.
Result<Fd> create_shared_memory(uint64_t bytes);
Result<uint64_t> shared_memory_size(int fd);

struct MappingTraits {
  struct Value {
    std::byte* data = nullptr;
    size_t size = 0;
    bool operator==(const Value&) const = default;
  };
  static Value none() { return {}; }
  static void close(const Value& value);
};
using Mapping = Unique<MappingTraits>;

// Maps the whole fd, shared and writable, kept out of core dumps; takes no memory by itself.
Result<Mapping> map_shared(int fd, uint64_t bytes);
// Maps a part of it, from the start of a page on, once more and read-only: a write to it faults.
Result<Mapping> map_shared_view(int fd, uint64_t offset, uint64_t bytes);
// Makes memory for a page-aligned range, so that touching it cannot fail later. NoMemory when
// refused.
Status commit_shared(int fd, uint64_t offset, uint64_t bytes);
// Gives the memory of a page-aligned range back; it reads as zeros afterwards.
void decommit_shared(int fd, uint64_t offset, uint64_t bytes);
size_t page_size();
// Bytes that this process can take before the machine or a control group above it runs out, less a
// margin; UINT64_MAX when unknown. `root` stands before every path that is read, for tests.
uint64_t memory_headroom(const std::string& root = "");
uint64_t physical_memory();

// ---- sleeping on a word ------------------------------------------------------------------------

// Sleeps while `*word == expected`, until woken or the deadline; may wake for no reason. The word
// may be in memory shared between processes. Async-signal-safe.
void futex_wait(const std::atomic<uint32_t>* word, uint32_t expected, Deadline deadline);
// Wakes at most `count` sleepers; returns how many. Async-signal-safe.
int futex_wake(const std::atomic<uint32_t>* word, int count);
inline constexpr int kWakeAll = INT32_MAX;

// ---- fences that others pay for ----------------------------------------------------------------

// Makes the next one reach this process's threads; once is enough for its life. False where the
// kernel cannot: then they have to fence for themselves.
bool join_fences();
// A full fence in every thread of every process that joined, as if each had it in its program
// where it is just now. Some microseconds. False where the kernel cannot.
bool fence_everybody();

// ---- CPUs and threads --------------------------------------------------------------------------

// The CPU that the calling thread runs on right now, cheaply (no system call); -1 when unknown.
extern const ptrdiff_t cpu_word;  // where the kernel keeps it for each thread; 0: it does not
int ask_for_cpu();
inline const std::byte* thread_pointer() {
#if defined(__x86_64__)
  const std::byte* pointer;
  asm("mov %%fs:0, %0" : "=r"(pointer));
  return pointer;
#elif defined(__aarch64__)
  const std::byte* pointer;
  asm("mrs %0, tpidr_el0" : "=r"(pointer));
  return pointer;
#else
  return nullptr;
#endif
}
inline int current_cpu() {
  if (cpu_word != 0) {
    int32_t cpu;
    std::memcpy(&cpu, thread_pointer() + cpu_word, sizeof cpu);
    if (cpu >= 0) return cpu;  // negative: the kernel refused to keep it
  }
  return ask_for_cpu();
}
// Tells the CPU that this is a spin loop.
inline void cpu_relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}
// CPUs this process may use: affinity, cut by the cgroup's quota (rounded up); at least 1. `root`
// stands before every path that is read, for tests.
uint32_t usable_cpus(const std::string& root = "");

// A thread with every signal blocked. `main` must not throw. Joined by join_thread, exactly once.
struct Thread;
Result<Thread*> start_thread(const char* name, std::function<void()> main);
void join_thread(Thread* thread);

// ---- processes ---------------------------------------------------------------------------------

int64_t process_id();
// The process that started this one, or that adopted it.
int64_t parent_process_id();
// Identifies one process for good, where pids are reused: start time since boot in clock ticks; 0
// when it cannot be known (no such process, or no /proc).
uint64_t process_start_time(int64_t pid);
// An fd that becomes readable when the process ends. Os with ESRCH when it is gone.
Result<Fd> open_process(int64_t pid);
// False once it has ended: also for a zombie, and when the pid is somebody else's by now
// (`start_time` 0 skips that check).
bool process_alive(int64_t pid, uint64_t start_time);
Status send_signal(int64_t pid, int signal);
// Ends this process at once, with no clean-up, as if it was killed.
[[noreturn]] void kill_self();
// Ends this process at once with an exit code; no exit handlers run.
[[noreturn]] void exit_now(int code);

// A counter that changes in a child after fork, read without a system call: remember it, compare
// later. 0 before the first call in a process; never 0 afterwards.
uint64_t fork_epoch();
// The same, quickly: 0 where it is not known without a call.
extern constinit std::atomic<const std::atomic<uint64_t>*> known_fork_epoch;
inline uint64_t fork_epoch_at_hand() {
  const std::atomic<uint64_t>* page = known_fork_epoch.load(std::memory_order_acquire);
  return page != nullptr ? page->load(std::memory_order_acquire) : 0;
}

// Bytes that nobody else has, and nobody can guess where the kernel gives any.
void random_bytes(std::span<std::byte> out);

// Absolute path of the running program and its arguments, as it was started; empty when unknown.
std::string program_path();
std::vector<std::string> program_arguments();
// The folder of the shared library (or program) that holds this function; empty when unknown.
std::string library_folder();
// An environment variable; nothing when the program runs with elevated rights.
std::optional<std::string> trusted_environment(const char* name);
std::vector<std::string> environment();
void unset_environment(const char* name);
bool is_executable(const std::string& path);
std::string current_folder();

// What a process is when it asks for a child; a child made elsewhere must become the same.
struct Identity {
  uint32_t uid = 0, euid = 0, gid = 0, egid = 0;
  std::vector<uint32_t> groups;
  std::optional<uint32_t> file_mask;  // nothing when it cannot be known
  int nice = 0;
  std::vector<uint32_t> cpus;
  struct Limit {
    uint32_t resource;
    uint64_t soft, hard;
  };
  std::vector<Limit> limits;
  // Digest of what a helper started earlier could not take on: credentials, capabilities,
  // namespaces, root folder. Two equal values mean that the helper still fits.
  uint64_t world = 0;
};
Identity current_identity();

// What a child may use at most; zero leaves a limit as it is.
struct ResourceLimits {
  uint32_t cpu_seconds = 0;  // then SIGXCPU, and SIGKILL one second later
  uint32_t open_files = 0;
  int64_t core_bytes = 0;  // -1: none
};
// Puts `wanted` in place of what `limits` says of the same resource.
void apply_limits(const ResourceLimits& wanted, std::vector<Identity::Limit>& limits);

// A program that start_detached() started. Where this process adopts orphans, something of it stays
// here, which close() takes away: after the program's end, for which it waits.
struct DetachedTraits {
  struct Value {
    int64_t standing_parent = 0;
    void* memory = nullptr;
    bool operator==(const Value&) const = default;
  };
  static Value none() { return {}; }
  static void close(const Value& value);
};
using Detached = Unique<DetachedTraits>;

// Starts a program that is no child of this process: nothing waits for it, no SIGCHLD comes of it,
// also where orphans are adopted by this process (as PID 1, or as a sub-reaper). In it fd 3 is
// `fd`, 0 is the null device, 1 and 2 are this process's own if open, everything above 3 is closed,
// signals are default.
Result<Detached> start_detached(const std::string& path, const std::vector<std::string>& arguments,
                                int fd);

// Makes this process, a helper that was started detached, the head of a family: a session of its
// own, which a terminal's signals do not reach, as many fds as it may have, and all orphans below
// are adopted by it.
Status lead_family();

}  // namespace brood::platform
