#include "tasks.h"

#include <signal.h>
#include <unistd.h>

static void answer(brood_task *task, const packed *value) {
  must(brood_task_reply(task, value->bytes, value->size, BROOD_CODEC_MSGPACK, NULL));
}

static void refuse(brood_task *task) {
  must(brood_task_fail(task, "matrix.BadArgument", "the argument is of another type", "", NULL));
}

static void put(brood_queue *queue, const packed *value) {
  must(brood_queue_put(queue, value->bytes, value->size, BROOD_CODEC_MSGPACK, BROOD_FOREVER, NULL,
                       NULL));
}

static void square(brood_task *task, void *context) {
  (void)context;
  reader from = reader_of(brood_task_args(task));
  const int64_t n = read_int(&from);
  packed result = {.size = 0};
  put_int(&result, n * n);
  if (from.failed)
    refuse(task);
  else
    answer(task, &result);
}

static void echo(brood_task *task, void *context) {
  (void)context;
  brood_msg *args = brood_task_args(task);
  must(brood_task_reply(task, brood_msg_data(args), brood_msg_size(args), brood_msg_codec(args),
                        NULL));
}

static void fail(brood_task *task, void *context) {
  (void)context;
  reader from = reader_of(brood_task_args(task));
  char text[256];
  read_text(&from, text);
  must(brood_task_fail(task, "matrix.Failure", text, "matrix.c: fail", NULL));
}

static void crash(brood_task *task, void *context) {
  (void)task;
  (void)context;
  raise(SIGKILL);
}

static void hang(brood_task *task, void *context) {
  (void)context;
  reader from = reader_of(brood_task_args(task));
  brood_queue *queue = NULL;
  packed running = {.size = 0};
  put_text(&running, "running");
  must(brood_msg_take_queue(brood_task_args(task), read_handle(&from), &queue, NULL));
  put(queue, &running);
  for (;;) pause();
}

static void fill(brood_task *task, void *context) {
  (void)context;
  reader from = reader_of(brood_task_args(task));
  brood_queue *queue = NULL;
  expect_array(&from, 2);
  must(brood_msg_take_queue(brood_task_args(task), read_handle(&from), &queue, NULL));
  const int64_t count = read_int(&from);
  for (int64_t i = 0; i < count; ++i) {
    packed number = {.size = 0};
    put_int(&number, i);
    put(queue, &number);
  }
  brood_queue_free(queue);
  if (from.failed) refuse(task);
}

static void locked_add(brood_task *task, void *context) {
  (void)context;
  brood_msg *args = brood_task_args(task);
  reader from = reader_of(args);
  brood_lock *lock = NULL;
  brood_shared *array = NULL;
  brood_queue *queue = NULL;
  expect_array(&from, 3);
  must(brood_msg_take_lock(args, read_handle(&from), &lock, NULL));
  must(brood_msg_take_shared(args, read_handle(&from), &array, NULL));
  must(brood_msg_take_queue(args, read_handle(&from), &queue, NULL));
  const bool is_free = brood_lock_acquire(lock, 0, 0, NULL, NULL) == BROOD_OK;
  packed answered = {.size = 0};
  put_bool(&answered, is_free);
  put(queue, &answered);
  if (!is_free) must(brood_lock_acquire(lock, 0, BROOD_FOREVER, NULL, NULL));
  ((int64_t *)brood_shared_data(array))[0] += 1;
  must(brood_lock_release(lock, 0, NULL));
  brood_lock_free(lock);
  brood_shared_free(array);
  brood_queue_free(queue);
}

static void scale(brood_task *task, void *context) {
  (void)context;
  reader from = reader_of(brood_task_args(task));
  brood_shared *array = NULL;
  expect_array(&from, 2);
  must(brood_msg_take_shared(brood_task_args(task), read_handle(&from), &array, NULL));
  const double factor = read_double(&from);
  double *elements = brood_shared_data(array);
  for (uint64_t i = 0; i < brood_shared_count(array); ++i) elements[i] *= factor;
  brood_shared_free(array);
  if (from.failed) refuse(task);
}

void register_tasks(void) {
  static const struct {
    const char *name;
    brood_function function;
  } tasks[] = {{"square", square},         {"echo", echo},  {"fail", fail},
               {"crash", crash},           {"hang", hang},  {"fill", fill},
               {"locked_add", locked_add}, {"scale", scale}};
  for (size_t i = 0; i < sizeof tasks / sizeof *tasks; ++i) {
    must(brood_register(tasks[i].name, tasks[i].function, NULL, NULL));
  }
}
