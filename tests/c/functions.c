#include "functions.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- what workers do ---------------------------------------------------------------------------
 */

static void reply_int(brood_task *task, int64_t value) {
  (void)!brood_task_reply(task, &value, sizeof value, BROOD_CODEC_RAW, NULL);
}

static int64_t int_argument(brood_task *task) {
  int64_t value = 0;
  brood_msg *args = brood_task_args(task);
  if (brood_msg_size(args) >= sizeof value) memcpy(&value, brood_msg_data(args), sizeof value);
  return value;
}

static void echo(brood_task *task, void *context) {
  (void)context;
  brood_msg *args = brood_task_args(task);
  (void)!brood_task_reply(task, brood_msg_data(args), brood_msg_size(args), brood_msg_codec(args),
                          NULL);
}

static void square(brood_task *task, void *context) {
  (void)context;
  const int64_t n = int_argument(task);
  reply_int(task, n * n);
}

static void nothing(brood_task *task, void *context) {
  (void)task;
  (void)context;
}

static void context_value(brood_task *task, void *context) {
  reply_int(task, *(const int *)context);
}

static void pid(brood_task *task, void *context) {
  (void)context;
  reply_int(task, getpid());
}

static void worker_number(brood_task *task, void *context) {
  (void)context;
  reply_int(task, brood_worker_id());
}

static void refuse(brood_task *task, void *context) {
  (void)context;
  (void)!brood_task_fail(task, "test.Refusal", "this is refused", "at refuse, line 1", NULL);
}

static void twice(brood_task *task, void *context) {
  (void)context;
  (void)!brood_task_reply(task, "1", 1, BROOD_CODEC_TEXT, NULL);
  /* The second answer must be refused and change nothing. */
  if (brood_task_reply(task, "2", 1, BROOD_CODEC_TEXT, NULL) != BROOD_E_STATE) abort();
}

static void hang(brood_task *task, void *context) {
  (void)task;
  (void)context;
  for (;;) pause();
}

static void spin(brood_task *task, void *context) {
  (void)task;
  (void)context;
  for (volatile int i = 0;; ++i) {
  }
}

static void stop_self(brood_task *task, void *context) {
  (void)task;
  (void)context;
  raise(SIGSTOP);
}

static void segfault(brood_task *task, void *context) {
  (void)task;
  (void)context;
  /* A page without any right: also a sanitizer lets that happen. */
  *(volatile char *)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) = 1;
}

static void do_abort(brood_task *task, void *context) {
  (void)task;
  (void)context;
  abort();
}

static void exit_with(brood_task *task, void *context) {
  (void)context;
  exit((int)int_argument(task));
}

static int overflow(volatile char *below, int64_t deep) {
  volatile char page[4096];
  page[0] = below ? below[0] : 1;
  return deep == 0 ? 0 : overflow(page, deep - 1) + page[0];
}

static void stack_overflow(brood_task *task, void *context) {
  (void)context;
  reply_int(task, overflow(NULL, INT64_MAX));
}

/* Segfaults on the item whose number is the context's; squares the others. */
static void crash_on_7(brood_task *task, void *context) {
  if (int_argument(task) == 7) segfault(task, context);
  square(task, context);
}

static void fail_on_7(brood_task *task, void *context) {
  if (int_argument(task) == 7) {
    refuse(task, context);
  } else {
    square(task, context);
  }
}

static void hang_on_7(brood_task *task, void *context) {
  if (int_argument(task) == 7) hang(task, context);
  square(task, context);
}

/* A result of as many bytes as the argument says, each the low byte of its place. */
static void big(brood_task *task, void *context) {
  (void)context;
  const size_t size = (size_t)int_argument(task);
  brood_msg *room = NULL;
  if (brood_task_loan(task, size, BROOD_CODEC_RAW, &room, NULL) != BROOD_OK) return;
  unsigned char *bytes = brood_msg_data(room);
  for (size_t i = 0; i < size; ++i) bytes[i] = (unsigned char)(i * 31 + i / 4096);
  if (brood_task_reply_msg(task, room, NULL) != BROOD_OK) brood_msg_free(room);
}

/* Waits until the file that its argument names is there; says that it runs by the file
 * <path>.<pid>. */
static void wait_for_file(brood_task *task, void *context) {
  (void)context;
  const char *path = brood_msg_data(brood_task_args(task));
  char note[256];
  snprintf(note, sizeof note, "%s.%d", path, (int)getpid());
  FILE *file = fopen(note, "w");
  if (file) fclose(file);
  while (access(path, F_OK) != 0) poll(NULL, 0, 1);
}

/* Kills itself if the file that its argument names is not there, and makes it first. */
static void crash_once(brood_task *task, void *context) {
  (void)context;
  const char *path = brood_msg_data(brood_task_args(task));
  if (access(path, F_OK) != 0) {
    FILE *file = fopen(path, "w");
    if (file) fclose(file);
    raise(SIGKILL);
  }
  reply_int(task, 1);
}

/* Starts a grandchild in a session of its own, and answers its pid. */
static void grandchild(brood_task *task, void *context) {
  (void)context;
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    for (;;) pause();
  }
  reply_int(task, child);
}

static void grandchild_then_hang(brood_task *task, void *context) {
  const char *path = brood_msg_data(brood_task_args(task));
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    for (;;) pause();
  }
  FILE *file = fopen(path, "w");
  if (file) {
    fprintf(file, "%d\n", (int)child);
    fclose(file);
  }
  hang(task, context);
}

static int initialised = 0;
static void start_well(brood_task *task, void *context) {
  (void)context;
  initialised = (int)int_argument(task);
}
static void start_with_event(brood_task *task, void *context) {
  (void)context;
  brood_event *event = NULL;
  if (brood_msg_take_event(brood_task_args(task), 0, &event, NULL) != BROOD_OK) {
    (void)!brood_task_fail(task, "", "there is no event", "", NULL);
    return;
  }
  initialised = brood_msg_codec(brood_task_args(task)) * 100 + (int)int_argument(task);
  brood_event_set(event);
  brood_event_free(event);
}
static void how_started(brood_task *task, void *context) {
  (void)context;
  reply_int(task, initialised);
}
static void start_badly(brood_task *task, void *context) {
  (void)context;
  (void)!brood_task_fail(task, "test.NoStart", "the database is not there", "", NULL);
}
static void start_crash(brood_task *task, void *context) { segfault(task, context); }

static void leave_note(brood_task *task, void *context) {
  (void)task;
  (void)context;
  const char *path = getenv("NOTE_PATH");
  FILE *file = path ? fopen(path, "a") : NULL;
  if (!file) return;
  fprintf(file, "%d\n", (int)getpid());
  fclose(file);
}

/* A pool inside a worker: squares its argument there, or goes one level deeper while that is
 * positive. */
static void nested(brood_task *task, void *context) {
  (void)context;
  const int64_t depth = int_argument(task);
  if (depth == 0) {
    reply_int(task, 100);
    return;
  }
  const int64_t below = depth - 1;
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = 1;
  brood_pool *pool = NULL;
  brood_msg *result = NULL;
  brood_error *error = NULL;
  int64_t value = -1;
  if (brood_pool_create(&options, &pool, &error) == BROOD_OK &&
      brood_pool_call(pool, "nested", &below, sizeof below, NULL, BROOD_FOREVER, NULL, &result,
                      &error) == BROOD_OK) {
    memcpy(&value, brood_msg_data(result), sizeof value);
    reply_int(task, value + 1);
  } else {
    (void)!brood_task_fail(task, brood_status_name(brood_error_code(error)),
                           brood_error_message(error), "", NULL);
  }
  brood_error_free(error);
  brood_msg_free(result);
  brood_pool_free(pool);
}

static void wait_for_token(brood_task *task, void *context) {
  (void)context;
  brood_cancel *cancel = NULL;
  if (brood_msg_take_cancel(brood_task_args(task), 0, &cancel, NULL) != BROOD_OK) {
    refuse(task, NULL);
    return;
  }
  brood_handle *handle = brood_cancel_handle(cancel);
  size_t index = 7;
  const brood_status status = brood_wait(&handle, 1, LONG_MS, NULL, &index, NULL);
  reply_int(task, status == BROOD_OK ? (int64_t)index : status);
  brood_cancel_free(cancel);
}

/* ---- beginning ----------------------------------------------------------------------------- */

static int context_number = 4711;

void test_begin(int argc, char **argv) {
  static const struct {
    const char *name;
    brood_function function;
  } functions[] = {
      {"echo", echo},
      {"square", square},
      {"nothing", nothing},
      {"pid", pid},
      {"worker_number", worker_number},
      {"refuse", refuse},
      {"twice", twice},
      {"hang", hang},
      {"spin", spin},
      {"stop_self", stop_self},
      {"segfault", segfault},
      {"abort", do_abort},
      {"exit_with", exit_with},
      {"stack_overflow", stack_overflow},
      {"crash_on_7", crash_on_7},
      {"fail_on_7", fail_on_7},
      {"hang_on_7", hang_on_7},
      {"big", big},
      {"wait_for_file", wait_for_file},
      {"crash_once", crash_once},
      {"grandchild", grandchild},
      {"grandchild_then_hang", grandchild_then_hang},
      {"start_well", start_well},
      {"start_with_event", start_with_event},
      {"how_started", how_started},
      {"start_badly", start_badly},
      {"start_crash", start_crash},
      {"leave_note", leave_note},
      {"nested", nested},
      {"wait_for_token", wait_for_token},
  };
  brood_error *error = NULL;
  brood_status status = BROOD_OK;
  for (size_t i = 0; i < sizeof functions / sizeof *functions && status == BROOD_OK; ++i) {
    status = brood_register(functions[i].name, functions[i].function, NULL, &error);
  }
  if (status == BROOD_OK)
    status = brood_register("context_value", context_value, &context_number, &error);
  if (status == BROOD_OK) status = brood_init(argc, argv, NULL, &error);
  if (status != BROOD_OK) {
    fprintf(stderr, "test_begin: %s\n", brood_error_message(error));
    exit(99);
  }
}
