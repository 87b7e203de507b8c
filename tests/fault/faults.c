/* Stands before the C library: what is defined here is what brood and libuv call. */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the one failure ------------------------------------------------------------------------ */

static const char *const names[] = {
    "accept4",      "bind",       "connect",        "getsockopt",
    "listen",       "socket",     "clone",          "epoll_wait",
    "faccessat",    "fallocate",  "fcntl",          "ftruncate",
    "futex",        "getrandom",  "lseek",          "madvise",
    "memfd_create", "mmap",       "open",           "pidfd_open",
    "pipe2",        "poll",       "pthread_create", "read",
    "readlink",     "recv",       "recvmsg",        "sched_getaffinity",
    "send",         "sendmsg",    "setsockopt",     "socketpair",
    "write",        FAULT_MEMORY, FAULT_FILES,
};

static const char *armed = "";
static long armed_number;
static _Atomic long seen;
static _Atomic int injected;
static rlim_t usual_files;

const char *fault_name(size_t index) {
  return index < sizeof names / sizeof *names ? names[index] : NULL;
}

void faults_arm(const char *name, long number) {
  armed_number = number;
  atomic_store(&seen, 0);
  atomic_store(&injected, 0);
  armed = name;
  if (strcmp(name, FAULT_FILES) != 0) return;
  const int lowest_free = dup(0);
  close(lowest_free);
  struct rlimit few;
  getrlimit(RLIMIT_NOFILE, &few);
  usual_files = few.rlim_cur;
  few.rlim_cur = (rlim_t)(lowest_free + number - 1);
  setrlimit(RLIMIT_NOFILE, &few);
}
void faults_disarm(void) { armed = ""; }
void faults_lift(void) {
  if (strcmp(armed, FAULT_FILES) != 0) return;
  struct rlimit usual;
  getrlimit(RLIMIT_NOFILE, &usual);
  usual.rlim_cur = usual_files;
  setrlimit(RLIMIT_NOFILE, &usual);
  atomic_store(&injected, EMFILE);
}
long faults_seen(void) { return atomic_load(&seen); }
bool fault_fired(void) { return atomic_load(&injected) != 0; }
int fault_errno(void) { return atomic_load(&injected); }

/* True if this is the call that fails; errno is set then. */
static bool fails(const char *name, int error) {
  if (strcmp(armed, name) != 0) return false;
  if (atomic_fetch_add(&seen, 1) + 1 != armed_number) return false;
  atomic_store(&injected, error);
  errno = error;
  return true;
}

/* libuv ends the program when the system refuses what it takes for granted, and brood asks for the
 * fds of its loop beforehand: for libuv only those calls fail that it may find interrupted. */
static bool asked_by_libuv(const void *caller) {
  Dl_info info;
  return dladdr(caller, &info) != 0 && info.dli_fname != NULL && strstr(info.dli_fname, "libuv");
}
#define BY_LIBUV asked_by_libuv(__builtin_return_address(0))

/* ---- system calls --------------------------------------------------------------------------- */

/* The name under which a function with 64-bit offsets is called. */
static const char *symbol(const char *name) {
  static const char *const wide[][2] = {
      {"fallocate", "fallocate64"}, {"fcntl", "fcntl64"}, {"fstat64"},
      {"ftruncate", "ftruncate64"}, {"lseek", "lseek64"}, {"mmap", "mmap64"},
      {"open", "open64"},
  };
  for (size_t i = 0; i < sizeof wide / sizeof *wide; ++i)
    if (strcmp(wide[i][0], name) == 0) return wide[i][1];
  return name;
}

#define REAL(type, name, arguments)               \
  static type(*real) arguments;                   \
  if (real == NULL) {                             \
    void *found = dlsym(RTLD_NEXT, symbol(name)); \
    memcpy(&real, &found, sizeof real);           \
  }

/* A function with fixed arguments that answers -1. */
#define FAULTY(type, name, error, parameters, arguments) \
  type name parameters;                                  \
  type name parameters {                                 \
    REAL(type, #name, parameters)                        \
    if (!BY_LIBUV && fails(#name, error)) return -1;     \
    return real arguments;                               \
  }
/* The same, which libuv may find interrupted. */
#define INTERRUPTED(type, name, error, parameters, arguments) \
  type name parameters;                                       \
  type name parameters {                                      \
    REAL(type, #name, parameters)                             \
    if (fails(#name, BY_LIBUV ? EINTR : (error))) return -1;  \
    return real arguments;                                    \
  }

FAULTY(int, accept4, EMFILE, (int fd, __SOCKADDR_ARG who, socklen_t *size, int flags),
       (fd, who, size, flags))
FAULTY(int, bind, ENOMEM, (int fd, __CONST_SOCKADDR_ARG at, socklen_t size), (fd, at, size))
FAULTY(int, connect, ENOMEM, (int fd, __CONST_SOCKADDR_ARG at, socklen_t size), (fd, at, size))
FAULTY(int, faccessat, EACCES, (int folder, const char *path, int mode, int flags),
       (folder, path, mode, flags))
FAULTY(int, fallocate, ENOSPC, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size))
FAULTY(int, ftruncate, ENOMEM, (int fd, off_t size), (fd, size))
FAULTY(int, getsockopt, ENOBUFS, (int fd, int level, int name, void *data, socklen_t *size),
       (fd, level, name, data, size))
FAULTY(ssize_t, getrandom, ENOSYS, (void *data, size_t size, unsigned flags), (data, size, flags))
FAULTY(int, listen, ENOBUFS, (int fd, int most), (fd, most))
FAULTY(off_t, lseek, EINVAL, (int fd, off_t at, int whence), (fd, at, whence))
FAULTY(int, madvise, ENOMEM, (void *data, size_t size, int advice), (data, size, advice))
FAULTY(int, memfd_create, EMFILE, (const char *name, unsigned flags), (name, flags))
FAULTY(int, pipe2, EMFILE, (int ends[2], int flags), (ends, flags))
INTERRUPTED(int, poll, ENOMEM, (struct pollfd * fds, nfds_t count, int wait_ms),
            (fds, count, wait_ms))
INTERRUPTED(ssize_t, read, EIO, (int fd, void *data, size_t size), (fd, data, size))
FAULTY(ssize_t, readlink, ENOMEM, (const char *path, char *out, size_t size), (path, out, size))
FAULTY(ssize_t, recv, ENOMEM, (int fd, void *data, size_t size, int flags), (fd, data, size, flags))
FAULTY(ssize_t, recvmsg, ENOMEM, (int fd, struct msghdr *message, int flags), (fd, message, flags))
FAULTY(int, sched_getaffinity, EINVAL, (pid_t pid, size_t size, cpu_set_t *out), (pid, size, out))
FAULTY(ssize_t, send, ENOBUFS, (int fd, const void *data, size_t size, int flags),
       (fd, data, size, flags))
FAULTY(ssize_t, sendmsg, ENOBUFS, (int fd, const struct msghdr *message, int flags),
       (fd, message, flags))
FAULTY(int, setsockopt, ENOBUFS, (int fd, int level, int name, const void *data, socklen_t size),
       (fd, level, name, data, size))
FAULTY(int, socket, EMFILE, (int domain, int type, int protocol), (domain, type, protocol))
FAULTY(int, socketpair, EMFILE, (int domain, int type, int protocol, int ends[2]),
       (domain, type, protocol, ends))
INTERRUPTED(ssize_t, write, ENOSPC, (int fd, const void *data, size_t size), (fd, data, size))

/* Only libuv calls it. */
INTERRUPTED(int, epoll_wait, EINTR, (int fd, struct epoll_event *out, int most, int wait_ms),
            (fd, out, most, wait_ms))

void *mmap(void *at, size_t size, int rights, int flags, int fd, off_t offset) {
  REAL(void *, "mmap", (void *, size_t, int, int, int, off_t))
  return fails("mmap", ENOMEM) ? (void *)-1 : real(at, size, rights, flags, fd, offset);
}

int pthread_create(pthread_t *out, const pthread_attr_t *how, void *(*main)(void *),
                   void *context) {
  REAL(int, "pthread_create", (pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))
  return fails("pthread_create", EAGAIN) ? EAGAIN : real(out, how, main, context);
}

int open(const char *path, int flags, ...) {
  REAL(int, "open", (const char *, int, ...))
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return fails("open", EMFILE) ? -1 : real(path, flags, mode);
}

int fcntl(int fd, int command, ...) {
  REAL(int, "fcntl", (int, int, ...))
  va_list rest;
  va_start(rest, command);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  return fails("fcntl", EMFILE) ? -1 : real(fd, command, argument);
}

int clone(int (*main)(void *), void *stack, int flags, void *context, ...) {
  REAL(int, "clone", (int (*)(void *), void *, int, void *, ...))
  return fails("clone", EAGAIN) ? -1 : real(main, stack, flags, context);
}

long syscall(long number, ...) {
  REAL(long, "syscall", (long, ...))
  long a[6];
  va_list rest;
  va_start(rest, number);
  for (int i = 0; i < 6; ++i) a[i] = va_arg(rest, long);
  va_end(rest);
  /* Only a sleep can be interrupted; a wake cannot fail. */
  const int operation = (int)a[1] & FUTEX_CMD_MASK;
  const bool sleeps = operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET;
  if (number == SYS_futex && sleeps && fails("futex", EINTR)) return -1;
  if (number == SYS_memfd_create && fails("memfd_create", EMFILE)) return -1;
  if (number == SYS_pidfd_open && fails("pidfd_open", EMFILE)) return -1;
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- memory --------------------------------------------------------------------------------- */

/* NOLINTBEGIN(bugprone-reserved-identifier): glibc's own names */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
/* NOLINTEND(bugprone-reserved-identifier) */

void *malloc(size_t size) { return fails(FAULT_MEMORY, ENOMEM) ? NULL : __libc_malloc(size); }
/* glibc ends the program when it cannot note that a thread's own object is to be destroyed. */
void *calloc(size_t count, size_t size) {
  Dl_info info;
  const bool noting = dladdr(__builtin_return_address(0), &info) != 0 && info.dli_sname != NULL &&
                      strcmp(info.dli_sname, "__cxa_thread_atexit_impl") == 0;
  if (!noting && fails(FAULT_MEMORY, ENOMEM)) return NULL;
  return __libc_calloc(count, size);
}
/* libuv's table of watchers, without which it ends the program, grows by it. */
void *realloc(void *old, size_t size) {
  if (!BY_LIBUV && fails(FAULT_MEMORY, ENOMEM)) return NULL;
  return __libc_realloc(old, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  return fails(FAULT_MEMORY, ENOMEM) ? NULL : __libc_memalign(alignment, size);
}
int posix_memalign(void **out, size_t alignment, size_t size) {
  if (fails(FAULT_MEMORY, ENOMEM)) return ENOMEM;
  *out = __libc_memalign(alignment, size);
  return *out != NULL ? 0 : ENOMEM;
}
