/* What a small program does with brood, step by step; each step is tried again after a failure. */
#include "scenario.h"

#include <brood/brood.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"

#define LONG_MS 10000

static int argument_count;
static char **arguments;
static const char *armed_function = "";
static char story[512];

/* Remembers what went wrong first. */
static bool wrong(const char *format, ...) {
  if (story[0] != 0) return false;
  va_list rest;
  va_start(rest, format);
  vsnprintf(story, sizeof story, format, rest);
  va_end(rest);
  return false;
}

static void square(brood_task *task, void *context) {
  (void)context;
  int64_t value = 0;
  memcpy(&value, brood_msg_data(brood_task_args(task)), sizeof value);
  value *= value;
  (void)!brood_task_reply(task, &value, sizeof value, BROOD_CODEC_RAW, NULL);
}

static void echo(brood_task *task, void *context) {
  (void)context;
  brood_msg *args = brood_task_args(task);
  (void)!brood_task_reply(task, brood_msg_data(args), brood_msg_size(args), brood_msg_codec(args),
                          NULL);
}

/* Gives back the fd that comes through the pipe. */
static void echo_fd(brood_task *task, void *context) {
  (void)context;
  brood_pipe *pipe = NULL;
  int32_t fd = -1;
  if (brood_msg_take_pipe(brood_task_args(task), 0, &pipe, NULL) != BROOD_OK) return;
  while (brood_pipe_recv_fd(pipe, LONG_MS, NULL, &fd, NULL) == BROOD_OK) {
    (void)!brood_pipe_send_fd(pipe, fd, LONG_MS, NULL, NULL);
    close(fd);
  }
  brood_pipe_free(pipe);
}

/* ---- the steps ------------------------------------------------------------------------------ */

static brood_status begin(brood_error **error) {
  return brood_init(argument_count, arguments, NULL, error);
}

static brood_status token(brood_error **error) {
  brood_cancel *cancel = NULL;
  const brood_status status = brood_cancel_create(&cancel, error);
  brood_cancel_free(cancel);
  return status;
}

static brood_status any_program(brood_error **error) {
  const char *const command[] = {"cat", NULL};
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  options.command = command;
  options.standard_input.kind = BROOD_STDIO_PIPE;
  options.standard_output.kind = BROOD_STDIO_PIPE;
  brood_process *process = NULL;
  char text[4] = "";
  size_t size = 0;
  brood_status status = brood_process_spawn(&options, &process, error);
  if (status == BROOD_OK)
    status = brood_process_write(process, "abc", 3, LONG_MS, NULL, NULL, error);
  if (status == BROOD_OK) status = brood_process_close_input(process, error);
  if (status == BROOD_OK)
    status = brood_process_read(process, 1, text, sizeof text, LONG_MS, NULL, &size, error);
  if (status == BROOD_OK && (size != 3 || memcmp(text, "abc", 3) != 0)) wrong("cat gave no abc");
  if (status == BROOD_OK) status = brood_process_join(process, LONG_MS, NULL, error);
  if (status != BROOD_OK && process != NULL) (void)!brood_process_kill(process, NULL);
  brood_process_free(process);
  return status;
}

static brood_status own_function(brood_error **error) {
  const int64_t three = 3;
  brood_process *process = NULL;
  brood_status status = brood_process_start("square", &three, sizeof three, NULL, &process, error);
  if (status == BROOD_OK) status = brood_process_join(process, LONG_MS, NULL, error);
  if (status == BROOD_OK) status = brood_process_outcome(process, error);
  brood_process_free(process);
  return status;
}

static brood_status call(brood_pool *pool, brood_error **error) {
  const int64_t nine = 9;
  int64_t value = 0;
  brood_msg *result = NULL;
  const brood_status status =
      brood_pool_call(pool, "square", &nine, sizeof nine, NULL, LONG_MS, NULL, &result, error);
  if (status != BROOD_OK) return status;
  if (brood_msg_size(result) == sizeof value) memcpy(&value, brood_msg_data(result), sizeof value);
  if (value != 81) wrong("9 * 9 is %lld", (long long)value);
  brood_msg_free(result);
  return status;
}

/* Through chunks, both ways. */
static brood_status big_call(brood_pool *pool, brood_error **error) {
  enum { kSize = 100000 };
  static char bytes[kSize];
  brood_msg *result = NULL;
  const brood_status status =
      brood_pool_call(pool, "echo", bytes, kSize, NULL, LONG_MS, NULL, &result, error);
  if (status == BROOD_OK && brood_msg_size(result) != kSize) wrong("an echo of another size");
  brood_msg_free(result);
  return status;
}

static brood_status map(brood_pool *pool, brood_error **error) {
  int64_t values[20];
  brood_bytes items[20];
  for (int64_t i = 0; i < 20; ++i) {
    values[i] = i;
    items[i] = (brood_bytes){&values[i], sizeof values[i]};
  }
  brood_stream *stream = NULL;
  brood_status status = brood_pool_map(pool, "square", items, 20, NULL, &stream, error);
  for (int64_t i = 0; i < 20 && status == BROOD_OK; ++i) {
    brood_msg *msg = NULL;
    uint64_t index = 0;
    status = brood_stream_next(stream, LONG_MS, NULL, &index, &msg, error);
    int64_t value = -1;
    if (status == BROOD_OK) memcpy(&value, brood_msg_data(msg), sizeof value);
    if (status == BROOD_OK && value != i * i) wrong("item %d of the map is wrong", (int)i);
    brood_msg_free(msg);
  }
  brood_stream_free(stream);
  return status;
}

static brood_status pool(brood_error **error) {
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = 1;
  brood_pool *made = NULL;
  brood_status status = brood_pool_create(&options, &made, error);
  if (status != BROOD_OK) return status;
  status = call(made, error);
  if (status == BROOD_OK) status = big_call(made, error);
  if (status == BROOD_OK) status = map(made, error);
  if (status == BROOD_OK) status = brood_pool_shutdown(made, error);
  if (status == BROOD_OK) status = brood_pool_join(made, LONG_MS, NULL, error);
  brood_pool_free(made);
  return status;
}

static brood_status fd_there_and_back(brood_error **error) {
  brood_pipe *mine = NULL, *theirs = NULL;
  brood_msg *args = NULL;
  brood_process *process = NULL;
  int32_t fd = -1;
  brood_status status = brood_pipe_create(true, &mine, &theirs, error);
  if (status == BROOD_OK) status = brood_msg_create(NULL, 0, BROOD_CODEC_RAW, &args, error);
  if (status == BROOD_OK) status = brood_msg_attach(args, brood_pipe_handle(theirs), error);
  if (status == BROOD_OK) status = brood_process_start_msg("echo_fd", args, NULL, &process, error);
  if (status != BROOD_OK) brood_msg_free(args);
  brood_pipe_free(theirs);
  if (status == BROOD_OK) status = brood_pipe_send_fd(mine, 0, LONG_MS, NULL, error);
  if (status == BROOD_OK) status = brood_pipe_recv_fd(mine, LONG_MS, NULL, &fd, error);
  if (fd >= 0) close(fd);
  brood_pipe_free(mine);
  if (process != NULL && brood_process_join(process, LONG_MS, NULL, NULL) != BROOD_OK)
    wrong("who had the other end does not hear of this one's");
  brood_process_free(process);
  return status;
}

/* Both of the programs that meet. */
static brood_status rendezvous(brood_error **error) {
  char name[32];
  snprintf(name, sizeof name, "faults-%d", (int)getpid());
  brood_publication *publication = NULL;
  brood_pipe *visitor = NULL, *host = NULL;
  char text[4] = "";
  size_t size = 0;
  int32_t fd = -1;
  brood_status status = brood_publish(name, NULL, &publication, error);
  if (status == BROOD_OK) status = brood_lookup(name, NULL, 1000, NULL, &visitor, error);
  if (status == BROOD_OK)
    status = brood_publication_accept(publication, LONG_MS, NULL, &host, error);
  brood_publication_free(publication);
  if (status == BROOD_OK) status = brood_pipe_send(visitor, "abc", 3, 0, LONG_MS, NULL, error);
  if (status == BROOD_OK)
    status = brood_pipe_recv_into(host, text, sizeof text, LONG_MS, NULL, &size, NULL, error);
  if (status == BROOD_OK && (size != 3 || memcmp(text, "abc", 3) != 0)) wrong("no abc arrived");
  if (status == BROOD_OK) status = brood_pipe_send_fd(host, 0, LONG_MS, NULL, error);
  if (status == BROOD_OK) status = brood_pipe_recv_fd(visitor, LONG_MS, NULL, &fd, error);
  if (fd >= 0) close(fd);
  brood_pipe_free(visitor);
  brood_pipe_free(host);
  return status;
}

/* ---- judging -------------------------------------------------------------------------------- */

/* A status that the headers name, and a message that tells why. */
static bool is_told(const char *step, brood_status status, const brood_error *error) {
  const char *message = brood_error_message(error);
  if (status == BROOD_E_INTERNAL || strcmp(brood_status_name(status), "BROOD_E_?") == 0)
    return wrong("%s: status %d, %s", step, (int)status, message);
  if (brood_error_code(error) != status) return wrong("%s: no error came with the status", step);
  /* A publisher that has no fd left for a visitor lets it wait. */
  if (status == BROOD_E_TIMEOUT && strcmp(armed_function, FAULT_FILES) == 0 &&
      strstr(message, "or answers") != NULL)
    return true;
  if (status == BROOD_E_TIMEOUT) return wrong("%s: hung: %s", step, message);
  /* Where a file is looked for in many places the message says what is wrong with all of them; the
   * C library tells of no memory for a thread as of no room for one. */
  const bool names_it = status == BROOD_E_NO_MEMORY || strstr(message, strerror(fault_errno())) ||
                        (fault_errno() == EACCES && strstr(message, "may not be executed")) ||
                        strstr(message, "cannot start a thread: ");
  if (!names_it) return wrong("%s: \"%s\" does not name the cause", step, message);
  return true;
}

static bool passes(const char *step, brood_status (*run)(brood_error **)) {
  for (int attempt = 1; attempt <= 2; ++attempt) {
    brood_error *error = NULL;
    const brood_status status = run(&error);
    if (status != BROOD_OK) faults_lift();
    const bool told = status == BROOD_OK || is_told(step, status, error);
    if (status != BROOD_OK && attempt == 2)
      wrong("%s does not work afterwards: %s", step, brood_error_message(error));
    if (status != BROOD_OK && !fault_fired())
      wrong("%s failed without a fault: %s", step, brood_error_message(error));
    brood_error_free(error);
    if (!told || story[0] != 0) return false;
    if (status == BROOD_OK) return true;
  }
  return false;
}

static int open_fds(void) {
  DIR *folder = opendir("/proc/self/fd");
  int count = 0;
  while (folder && readdir(folder)) ++count;
  if (folder) closedir(folder);
  return count - 1;
}

const char *scenario_run(int argc, char **argv, const char *name, long number, int *out_fds) {
  argument_count = argc;
  arguments = argv;
  armed_function = name;
  if (brood_register("square", square, NULL, NULL) != BROOD_OK ||
      brood_register("echo_fd", echo_fd, NULL, NULL) != BROOD_OK ||
      brood_register("echo", echo, NULL, NULL) != BROOD_OK)
    return "the functions cannot be registered";
  /* A worker: nothing fails there. */
  if (getenv("BROOD_HANDOFF") == NULL) faults_arm(name, number);
  (void)(passes("init", begin) && passes("a token", token) && passes("any program", any_program) &&
         passes("an own function", own_function) && passes("a pool", pool) &&
         passes("an fd", fd_there_and_back) && passes("a rendezvous", rendezvous));
  brood_shutdown();
  faults_disarm();
  *out_fds = open_fds();
  return story;
}
