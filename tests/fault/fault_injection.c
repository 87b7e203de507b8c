/* Each system call that brood makes in its host fails once, and each allocation: what was asked for
 * works all the same or fails with a status and a message that names the cause; nothing crashes,
 * hangs or stays open, no process is left, and the second attempt works.
 *
 *   fault_injection [--full] [NAME...]
 *
 * NAME picks functions; "memory" are the allocations, "few_files" is a limit of fds that lasts
 * until something failed. Without --full the first calls of each function fail, and of the rest a
 * sample. Every point is a host of its own: this program again. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "faults.h"
#include "scenario.h"

enum { kHostSeconds = 30, kOrphanSeconds = 5, kAlways = 8, kMostReported = 400 };
/* What a host's exit code says. */
enum { kFine = 0, kNotReached = 2, kWrong = 3 };

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- one host ------------------------------------------------------------------------------- */

static int be_host(int argc, char **argv) {
  alarm(kHostSeconds);
  int fds = 0;
  const char *story = scenario_run(argc, argv, argv[2], atol(argv[3]), &fds);
  const int most = atoi(argv[4]);
  if (story[0] != 0) {
    printf("%s", story);
    return kWrong;
  }
  if (most != 0 && fds > most) {
    printf("%d fds are open in the end, usually %d", fds, most);
    return kWrong;
  }
  if (most == 0) printf("%d", fds);
  return fault_fired() ? kFine : kNotReached;
}

typedef struct outcome {
  int status;
  char text[600];
} outcome;

/* Its nursery and what that started are this process's, which adopts orphans: they must end too. */
static bool orphans_are_gone(void) {
  const int64_t end = now_ms() + kOrphanSeconds * 1000;
  for (;;) {
    const pid_t ended = waitpid(-1, NULL, WNOHANG);
    if (ended < 0 && errno == ECHILD) return true;
    if (ended > 0) continue;
    if (now_ms() > end) return false;
    poll(NULL, 0, 1);
  }
}

static outcome run_host(const char *name, long number, int most_fds) {
  outcome result = {0, ""};
  int ends[2];
  char number_text[24], fds_text[24];
  snprintf(number_text, sizeof number_text, "%ld", number);
  snprintf(fds_text, sizeof fds_text, "%d", most_fds);
  if (pipe(ends) != 0) exit(99);
  const pid_t host = fork();
  if (host == 0) {
    dup2(ends[1], 1);
    close(ends[0]);
    close(ends[1]);
    execl("/proc/self/exe", "fault_injection", "host", name, number_text, fds_text, (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  waitpid(host, &result.status, 0);
  const ssize_t size = read(ends[0], result.text, sizeof result.text - 1);
  result.text[size > 0 ? size : 0] = 0;
  close(ends[0]);
  if (!orphans_are_gone()) {
    snprintf(result.text, sizeof result.text, "processes are left");
    result.status = kWrong << 8;
    kill(-1, 0); /* nobody is killed: the caller ends, and the keepers with their nursery */
  }
  return result;
}

/* ---- all of them ---------------------------------------------------------------------------- */

/* What is wrong with it; NULL for nothing. */
static const char *fault_of(const outcome *outcome) {
  static char text[700];
  if (WIFSIGNALED(outcome->status)) {
    const int number = WTERMSIG(outcome->status);
    snprintf(text, sizeof text, "%s by signal %d: %s", number == SIGALRM ? "hung, ended" : "ended",
             number, outcome->text);
    return text;
  }
  const int code = WEXITSTATUS(outcome->status);
  if (code == kFine || code == kNotReached) return NULL;
  snprintf(text, sizeof text, "exit code %d: %s", code, outcome->text);
  return text;
}

typedef struct tally {
  long functions, points, failures;
} tally;

static void try_function(const char *name, long step, int most_fds, tally *all) {
  long points = 0, failures = 0;
  for (long number = 1;; number += number < kAlways ? 1 : step) {
    const outcome result = run_host(name, number, most_fds);
    const char *fault = fault_of(&result);
    if (fault != NULL && ++failures <= kMostReported)
      printf("FAILED %s, call %ld: %s\n", name, number, fault);
    if (WIFEXITED(result.status) && WEXITSTATUS(result.status) == kNotReached) break;
    ++points;
  }
  printf("%-18s %5ld points %3ld failures\n", name, points, failures);
  fflush(stdout);
  all->functions += points > 0;
  all->points += points;
  all->failures += failures;
}

static bool picked(int argc, char **argv, const char *name) {
  bool named = false;
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "--full") == 0) continue;
    if (strcmp(argv[i], name) == 0) return true;
    named = true;
  }
  return !named;
}

int main(int argc, char **argv) {
  if (argc == 5 && strcmp(argv[1], "host") == 0) return be_host(argc, argv);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const bool full = argc > 1 && strcmp(argv[1], "--full") == 0;
  const outcome usual = run_host("", 0, 0);
  if (fault_of(&usual) != NULL) {
    printf("FAILED without any fault: %s\n", fault_of(&usual));
    return 1;
  }
  tally all = {0, 0, 0};
  for (size_t i = 0; fault_name(i) != NULL; ++i) {
    const char *name = fault_name(i);
    const long sample = strcmp(name, FAULT_MEMORY) == 0 ? 5 : 3;
    if (picked(argc, argv, name)) try_function(name, full ? 1 : sample, atoi(usual.text), &all);
  }
  printf("%ld functions, %ld points, %ld failures\n", all.functions, all.points, all.failures);
  return all.failures == 0 && all.points > 0 ? 0 : 1;
}
