/* The kill storm over a real pool: threads submit tasks and run maps while workers, now and then a
 * keeper, and seldom the nursery are killed. The oracle is a file that every worker maps: each task
 * notes there who began it and that it was finished.
 *
 *   pool_storm [KILLS] [SEED]
 *
 * Every future is done exactly once. A value is right, and its task ran once. A lost task is one
 * that nobody began, or that exactly the worker began which its error names; none begins twice. In
 * the end nothing is in use that was not at the beginning. */
#include <brood/brood.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "inspect.h"

enum { kWorkers = 4, kSubmitters = 3, kWindow = 24, kMapItems = 150, kMostTasks = 1 << 21 };
#define HANG_MS 20000

typedef struct run {
  _Atomic uint32_t begun;
  _Atomic uint32_t finished;
  _Atomic int64_t pid;
} run;

typedef struct order {
  uint64_t number;
  uint64_t bytes; /* of the answer */
} order;

static run *runs;
static _Atomic uint64_t next_number;
static _Atomic bool over;
static _Atomic uint64_t messages, lost, wrong, duplicate, hung, nursery_kills;
static _Atomic uint64_t called_back;
static brood_pool *pool;

static void complain(_Atomic uint64_t *count, const char *what, uint64_t number,
                     const char *message) {
  if (atomic_fetch_add(count, 1) < 5)
    printf("task %llu: %s %s\n", (unsigned long long)number, what, message);
}

/* ---- in the worker -------------------------------------------------------------------------- */

static unsigned char byte_of(uint64_t number, uint64_t at) {
  return (unsigned char)(number * 31 + at / 64);
}

static void fill(brood_task *task, void *context) {
  (void)context;
  order given;
  memcpy(&given, brood_msg_data(brood_task_args(task)), sizeof given);
  run *mine = &runs[given.number];
  atomic_store(&mine->pid, getpid());
  atomic_fetch_add(&mine->begun, 1);
  brood_msg *room = NULL;
  if (brood_task_loan(task, given.bytes, BROOD_CODEC_RAW, &room, NULL) != BROOD_OK) abort();
  unsigned char *bytes = brood_msg_data(room);
  for (uint64_t at = 0; at < given.bytes; at += 64) bytes[at] = byte_of(given.number, at);
  atomic_fetch_add(&mine->finished, 1);
  if (brood_task_reply_msg(task, room, NULL) != BROOD_OK) abort();
}

/* ---- judging -------------------------------------------------------------------------------- */

static void judge_value(const order *given, brood_msg *msg) {
  const run *ran = &runs[given->number];
  const unsigned char *bytes = brood_msg_data(msg);
  bool right = brood_msg_size(msg) == given->bytes;
  for (uint64_t at = 0; right && at < given->bytes; at += 64)
    right = bytes[at] == byte_of(given->number, at);
  if (!right) complain(&wrong, "has a wrong value", given->number, "");
  if (atomic_load(&ran->begun) != 1)
    complain(&duplicate, "has a value and did not run once", given->number, "");
  atomic_fetch_add(&messages, 1);
}

static void judge_failure(const order *given, brood_status status, const brood_error *error) {
  const run *ran = &runs[given->number];
  const char *message = brood_error_message(error);
  if (status == BROOD_E_TIMEOUT) {
    complain(&hung, "hangs", given->number, "");
  } else if (status != BROOD_E_WORKER_LOST) {
    complain(&wrong, "failed:", given->number, message);
  } else if (atomic_load(&ran->begun) > 1) {
    complain(&duplicate, "ran twice:", given->number, message);
  } else if (atomic_load(&ran->begun) == 1 && atomic_load(&ran->pid) != brood_error_pid(error)) {
    char text[400];
    snprintf(text, sizeof text, "begun by %d, finished %u times; %s", (int)atomic_load(&ran->pid),
             (unsigned)atomic_load(&ran->finished), message);
    complain(&wrong, "is blamed on another worker:", given->number, text);
  }
  atomic_fetch_add(&lost, 1);
}

/* ---- who submits ---------------------------------------------------------------------------- */

typedef struct ticket {
  order given;
  brood_future *future;
  _Atomic uint32_t done;
} ticket;

static order next_order(unsigned *seed) {
  const order given = {atomic_fetch_add(&next_number, 1),
                       1 + (uint64_t)rand_r(seed) % (rand_r(seed) % 16 == 0 ? 100000 : 300)};
  return given;
}

static void count_done(brood_future *future, void *context) {
  (void)future;
  if (atomic_fetch_add(&((ticket *)context)->done, 1) != 0)
    complain(&duplicate, "was done twice", ((ticket *)context)->given.number, "");
  atomic_fetch_add(&called_back, 1);
}

static void submit(ticket *ticket, unsigned *seed) {
  ticket->given = next_order(seed);
  atomic_store(&ticket->done, 0);
  brood_error *error = NULL;
  if (brood_pool_submit(pool, "fill", &ticket->given, sizeof ticket->given, NULL, &ticket->future,
                        &error) != BROOD_OK) {
    complain(&wrong, "was refused:", ticket->given.number, brood_error_message(error));
    brood_error_free(error);
    ticket->future = NULL;
    return;
  }
  if (brood_future_then(ticket->future, count_done, ticket, NULL) != BROOD_OK)
    complain(&wrong, "takes no callback", ticket->given.number, "");
}

static bool called(void *context) { return atomic_load(&((ticket *)context)->done) == 1; }

static bool eventually(bool (*ready)(void *), void *context) {
  for (int waited = 0; waited < HANG_MS; ++waited) {
    if (ready(context)) return true;
    poll(NULL, 0, 1);
  }
  return false;
}

static void collect(ticket *ticket) {
  if (ticket->future == NULL) return;
  brood_msg *msg = NULL;
  brood_error *error = NULL;
  const brood_status status = brood_future_result(ticket->future, HANG_MS, NULL, &msg, &error);
  if (status == BROOD_OK) {
    judge_value(&ticket->given, msg);
  } else {
    judge_failure(&ticket->given, status, error);
  }
  if (!eventually(called, ticket)) complain(&hung, "never called back", ticket->given.number, "");
  brood_msg_free(msg);
  brood_error_free(error);
  brood_future_free(ticket->future);
  ticket->future = NULL;
}

static void *submit_singly(void *context) {
  unsigned seed = *(unsigned *)context;
  static _Thread_local ticket window[kWindow];
  for (size_t i = 0; !atomic_load(&over); i = (i + 1) % kWindow) {
    collect(&window[i]);
    if (atomic_load(&next_number) < kMostTasks - 10000) submit(&window[i], &seed);
  }
  for (size_t i = 0; i < kWindow; ++i) collect(&window[i]);
  return NULL;
}

static void map_once(unsigned *seed) {
  order orders[kMapItems];
  brood_bytes items[kMapItems];
  for (size_t i = 0; i < kMapItems; ++i) {
    orders[i] = next_order(seed);
    items[i] = (brood_bytes){&orders[i], sizeof orders[i]};
  }
  brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
  options.on_error = BROOD_ON_ERROR_COLLECT;
  options.unordered = rand_r(seed) % 2 == 0;
  brood_stream *stream = NULL;
  brood_error *error = NULL;
  if (brood_pool_map(pool, "fill", items, kMapItems, &options, &stream, &error) != BROOD_OK) {
    complain(&wrong, "begins a map that was refused:", orders[0].number,
             brood_error_message(error));
    brood_error_free(error);
    return;
  }
  bool seen[kMapItems] = {false};
  for (size_t i = 0; i < kMapItems; ++i) {
    brood_msg *msg = NULL;
    uint64_t index = kMapItems;
    error = NULL;
    const brood_status status = brood_stream_next(stream, HANG_MS, NULL, &index, &msg, &error);
    if (index >= kMapItems) {
      complain(&hung, "begins a map that stops:", orders[0].number, brood_error_message(error));
      brood_error_free(error);
      break;
    }
    if (seen[index]) complain(&duplicate, "came twice", orders[index].number, "");
    seen[index] = true;
    if (status == BROOD_OK) {
      judge_value(&orders[index], msg);
    } else {
      judge_failure(&orders[index], status, error);
    }
    brood_msg_free(msg);
    brood_error_free(error);
  }
  brood_stream_free(stream);
}

static void *submit_maps(void *context) {
  unsigned seed = *(unsigned *)context;
  while (!atomic_load(&over) && atomic_load(&next_number) < kMostTasks - 10000) map_once(&seed);
  return NULL;
}

/* ---- who kills ------------------------------------------------------------------------------ */

static int64_t parent_of(int64_t pid) {
  char path[64], line[512] = "";
  snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  if (fgets(line, sizeof line, file) == NULL) line[0] = 0;
  fclose(file);
  const char *end = strrchr(line, ')');
  return end != NULL ? strtoll(end + 4, NULL, 10) : 0;
}

static bool runs_program(int64_t pid, const char *name) {
  char path[64], program[512];
  snprintf(path, sizeof path, "/proc/%lld/exe", (long long)pid);
  const ssize_t size = readlink(path, program, sizeof program - 1);
  if (size <= 0) return false;
  program[size] = 0;
  return strstr(program, name) != NULL;
}

/* False if it was gone before; a pid that somebody else has by now is not hit. */
static bool kill_one(int64_t pid, const char *program) {
  const int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
  if (fd < 0) return false;
  const bool killed =
      runs_program(pid, program) && syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
  close(fd);
  return killed;
}

static bool kill_somebody(unsigned *seed) {
  brood_worker_info workers[kWorkers];
  size_t count = 0;
  if (brood_pool_workers(pool, workers, kWorkers, &count, NULL) != BROOD_OK || count == 0)
    return false;
  const brood_worker_info *worker = &workers[(size_t)rand_r(seed) % count];
  if (worker->pid == 0) return false;
  /* Seldom in its start: four in a row that came to nothing are a program that cannot start. */
  if (worker->state == BROOD_WORKER_STARTING && rand_r(seed) % 10 != 0) return false;
  const int dice = rand_r(seed) % 100;
  if (dice >= 8) return kill_one(worker->pid, "pool_storm");
  const int64_t keeper = parent_of(worker->pid);
  if (keeper <= 1) return false;
  if (dice >= 2) return kill_one(keeper, "brood-keeper");
  const int64_t nursery = parent_of(keeper);
  if (nursery <= 1 || !kill_one(nursery, "brood-nursery")) return false;
  atomic_fetch_add(&nursery_kills, 1);
  return true;
}

static void storm(uint64_t kills, unsigned seed) {
  pthread_t threads[kSubmitters];
  unsigned seeds[kSubmitters];
  for (int i = 0; i < kSubmitters; ++i) {
    seeds[i] = seed + (unsigned)i + 1;
    if (pthread_create(&threads[i], NULL, i == 0 ? submit_maps : submit_singly, &seeds[i]) != 0)
      exit(2);
  }
  for (uint64_t killed = 0; killed < kills;) {
    const struct timespec pause = {0, rand_r(&seed) % 2500000};
    nanosleep(&pause, NULL);
    killed += kill_somebody(&seed);
    if (atomic_load(&wrong) + atomic_load(&hung) + atomic_load(&duplicate) > 20) break;
  }
  atomic_store(&over, true);
  for (int i = 0; i < kSubmitters; ++i) pthread_join(threads[i], NULL);
}

/* ---- before and after ----------------------------------------------------------------------- */

static void make_pool(void) {
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = kWorkers;
  brood_error *error = NULL;
  if (brood_pool_create(&options, &pool, &error) == BROOD_OK) return;
  printf("no pool: %s\n", brood_error_message(error));
  exit(2);
}

static void end_pool(void) {
  if (brood_pool_shutdown(pool, NULL) != BROOD_OK ||
      brood_pool_join(pool, HANG_MS, NULL, NULL) != BROOD_OK)
    complain(&hung, "the pool does not end", 0, "");
  brood_pool_free(pool);
}

static left_behind before;
static char story[200];
static bool is_clean(void *context) {
  (void)context;
  const left_behind now = look_around();
  return nothing_left(&before, &now, story, sizeof story);
}

/* The file that every worker maps: its path is the program's last argument. */
static void map_runs(const char *path) {
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0 || ftruncate(fd, kMostTasks * sizeof(run)) != 0) exit(2);
  runs = mmap(NULL, kMostTasks * sizeof(run), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (runs == MAP_FAILED) exit(2);
}

int main(int argc, char **argv) {
  const uint64_t kills = argc > 1 ? strtoull(argv[1], NULL, 10) : 300;
  const unsigned seed = argc > 2 ? (unsigned)atoi(argv[2]) : (unsigned)getpid();
  char path[] = "/tmp/pool-storm-XXXXXX", number[24], seed_text[24];
  const bool worker = argc == 4;
  if (!worker) close(mkstemp(path));
  snprintf(number, sizeof number, "%llu", (unsigned long long)kills);
  snprintf(seed_text, sizeof seed_text, "%u", seed);
  char *arguments[] = {argv[0], number, seed_text, worker ? argv[3] : path, NULL};
  map_runs(arguments[3]);
  if (brood_register("fill", fill, NULL, NULL) != BROOD_OK ||
      brood_init(4, arguments, NULL, NULL) != BROOD_OK)
    return 2;
  printf("seed %u\n", seed);
  fflush(stdout);
  char folder[] = "/tmp/pool-storm-XXXXXX"; /* nobody else's files are counted */
  if (mkdtemp(folder) == NULL || setenv("TMPDIR", folder, 1) != 0) return 2;
  /* What is made once and stays: the loop, the nursery, the first pieces of the heap. */
  make_pool();
  end_pool();
  before = look_around();
  make_pool();
  storm(kills, seed);
  end_pool();
  if (!eventually(is_clean, NULL)) complain(&wrong, "left behind:", 0, story);
  unlink(path);
  rmdir(folder);
  const uint64_t bad = atomic_load(&wrong) + atomic_load(&duplicate) + atomic_load(&hung);
  printf(
      "%llu kills (%llu of the nursery), %llu results, %llu lost with their worker, %llu wrong, "
      "%llu duplicate, %llu hung\n",
      (unsigned long long)kills, (unsigned long long)atomic_load(&nursery_kills),
      (unsigned long long)atomic_load(&messages), (unsigned long long)atomic_load(&lost),
      (unsigned long long)atomic_load(&wrong), (unsigned long long)atomic_load(&duplicate),
      (unsigned long long)atomic_load(&hung));
  return bad == 0 && atomic_load(&messages) > 0 ? 0 : 1;
}
