/* C's part of the matrix: the checks as a host; the tasks as a worker are tasks.c's. See
 * ../README.md.
 *
 * usage: matrix_c COMMAND...   (the workers' program) */
#include <signal.h>
#include <unistd.h>

#include "tasks.h"

static const int64_t long_ms = 60000; /* whoever waits so long waits for nothing */

/* A check returns NULL, or why it fails. */

#define EXPECT(condition)                             \
  do {                                                \
    if (!(condition)) return "not true: " #condition; \
  } while (0)
#define OK(call)                                                            \
  do {                                                                      \
    if ((call) != BROOD_OK) return brood_error_message(brood_last_error()); \
  } while (0)

/* Runs a task on packed bytes to its end. */
static brood_status call(brood_pool *pool, const char *task, const packed *argument,
                         brood_msg **out, brood_error **error) {
  brood_submit_options options = BROOD_SUBMIT_OPTIONS_INIT;
  options.codec = BROOD_CODEC_MSGPACK;
  return brood_pool_call(pool, task, argument->bytes, argument->size, &options, BROOD_FOREVER, NULL,
                         out, error);
}

/* Submits a task whose argument has handles in it. */
static brood_status submit(brood_pool *pool, const char *task, const packed *argument,
                           brood_handle *const *handles, size_t count, int64_t run_limit_ms,
                           brood_future **out) {
  brood_submit_options options = BROOD_SUBMIT_OPTIONS_INIT;
  options.run_limit_ms = run_limit_ms;
  brood_msg *msg = NULL;
  brood_status status =
      brood_msg_create(argument->bytes, argument->size, BROOD_CODEC_MSGPACK, &msg, NULL);
  for (size_t i = 0; i < count && status == BROOD_OK; ++i) {
    status = brood_msg_attach(msg, handles[i], NULL);
  }
  if (status == BROOD_OK) status = brood_pool_submit_msg(pool, task, msg, &options, out, NULL);
  if (status != BROOD_OK) brood_msg_free(msg);
  return status;
}

static brood_status end_of(brood_future *future, brood_error **error) {
  brood_msg *result = NULL;
  const brood_status status = brood_future_result(future, BROOD_FOREVER, NULL, &result, error);
  brood_msg_free(result);
  brood_future_free(future);
  return status;
}

static const char *goes_on(brood_pool *pool) {
  packed nine = {.size = 0};
  brood_msg *result = NULL;
  put_int(&nine, 9);
  OK(call(pool, "square", &nine, &result, NULL));
  reader from = reader_of(result);
  EXPECT(read_int(&from) == 81 && !from.failed);
  brood_msg_free(result);
  return NULL;
}

static const char *check_map(brood_pool *pool) {
  packed numbers[100];
  brood_bytes items[100];
  for (size_t i = 0; i < 100; ++i) {
    numbers[i].size = 0;
    put_int(&numbers[i], (int64_t)i);
    items[i].data = numbers[i].bytes;
    items[i].size = numbers[i].size;
  }
  brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
  options.codec = BROOD_CODEC_MSGPACK;
  brood_stream *stream = NULL;
  OK(brood_pool_map(pool, "square", items, 100, &options, &stream, NULL));
  for (int64_t i = 0; i < 100; ++i) {
    brood_msg *result = NULL;
    OK(brood_stream_next(stream, BROOD_FOREVER, NULL, NULL, &result, NULL));
    reader from = reader_of(result);
    EXPECT(read_int(&from) == i * i && !from.failed);
    brood_msg_free(result);
  }
  brood_stream_free(stream);
  return NULL;
}

static const char *comes_back(brood_pool *pool, packed *value) {
  brood_msg *result = NULL;
  OK(call(pool, "echo", value, &result, NULL));
  EXPECT(brood_msg_codec(result) == BROOD_CODEC_MSGPACK);
  EXPECT(brood_msg_size(result) == value->size);
  EXPECT(memcmp(brood_msg_data(result), value->bytes, value->size) == 0);
  brood_msg_free(result);
  value->size = 0;
  return NULL;
}

static const char *check_values(brood_pool *pool) {
  static const struct {
    const char *bytes;
    size_t size;
  } others[] = {
#define BYTES(literal) {literal, sizeof literal - 1}
      BYTES("\xc0"),                      /* nil */
      BYTES("\xc4\x03\x00\xff\x80"),      /* bytes */
      BYTES("\x92\x01\x92\x91\xc0\xa1x"), /* [1, [[nil], "x"]] */
      BYTES("\x81\xa4Ma\xc3\x9f\x81\xa4"
            "deep\x92\x01\x81\xa1"
            "a\xc4\x01\x01"),                            /* maps in maps */
      BYTES("\xd7\xff\x3b\x9a\xca\x00\x65\x53\xf1\x00"), /* 1700000000.25 s */
#undef BYTES
  };
  packed value = {.size = 0};
  const char *why = NULL;
  static const int64_t numbers[] = {0, -1, -33, 128, INT32_MAX, INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers && !why; ++i) {
    put_int(&value, numbers[i]);
    why = comes_back(pool, &value);
  }
  for (size_t i = 0; i < sizeof others / sizeof *others && !why; ++i) {
    put_bytes(&value, others[i].bytes, others[i].size);
    why = comes_back(pool, &value);
  }
  if (why) return why;
  put_array(&value, 5);
  put_bool(&value, true);
  put_bool(&value, false);
  put_double(&value, -0.1);
  put_text(&value, "Größe 日本語 🐦");
  put_text(&value, "");
  return comes_back(pool, &value);
}

static const char *check_error(brood_pool *pool) {
  packed text = {.size = 0};
  put_text(&text, "Größe 7 fehlt");
  brood_msg *result = NULL;
  brood_error *error = NULL;
  EXPECT(call(pool, "fail", &text, &result, &error) == BROOD_E_REMOTE);
  EXPECT(strstr(brood_error_message(error), "Größe 7 fehlt") != NULL);
  EXPECT(brood_error_kind(error)[0] != '\0');
  EXPECT(brood_error_pid(error) != 0 && brood_error_pid(error) != getpid());
  brood_error_free(error);
  return NULL;
}

static const char *check_crash(brood_pool *pool) {
  packed nil = {.size = 0};
  put_number(&nil, 0xc0, 0, 0);
  brood_msg *result = NULL;
  brood_error *error = NULL;
  EXPECT(call(pool, "crash", &nil, &result, &error) == BROOD_E_WORKER_LOST);
  EXPECT(brood_error_signal(error) == SIGKILL && brood_error_pid(error) != 0);
  brood_error_free(error);
  return goes_on(pool);
}

/* Submits a task that hangs; `out` hears when it does. */
static brood_status submit_hang(brood_pool *pool, int64_t run_limit_ms, brood_queue **queue,
                                brood_future **future) {
  packed argument = {.size = 0};
  put_handle(&argument, 0);
  const brood_status status = brood_queue_create(NULL, queue, NULL);
  if (status != BROOD_OK) return status;
  brood_handle *handle = brood_queue_handle(*queue);
  return submit(pool, "hang", &argument, &handle, 1, run_limit_ms, future);
}

static const char *check_timeout(brood_pool *pool) {
  brood_queue *queue = NULL;
  brood_future *future = NULL;
  OK(submit_hang(pool, 200, &queue, &future));
  EXPECT(end_of(future, NULL) == BROOD_E_TASK_TIMEOUT);
  brood_queue_free(queue);
  return goes_on(pool);
}

static const char *check_cancel(brood_pool *pool) {
  brood_queue *queue = NULL;
  brood_future *future = NULL;
  brood_msg *msg = NULL;
  char text[256];
  OK(submit_hang(pool, 0, &queue, &future));
  OK(brood_queue_get(queue, long_ms, NULL, &msg, NULL));
  reader from = reader_of(msg);
  read_text(&from, text);
  EXPECT(strcmp(text, "running") == 0);
  brood_msg_free(msg);
  OK(brood_future_cancel(future, NULL));
  EXPECT(end_of(future, NULL) == BROOD_E_CANCELED);
  brood_queue_free(queue);
  return goes_on(pool);
}

static const char *check_queue(brood_pool *pool) {
  brood_queue *queue = NULL;
  brood_future *future = NULL;
  packed argument = {.size = 0};
  put_array(&argument, 2);
  put_handle(&argument, 0);
  put_int(&argument, 1000);
  OK(brood_queue_create(NULL, &queue, NULL));
  brood_handle *handle = brood_queue_handle(queue);
  OK(submit(pool, "fill", &argument, &handle, 1, 0, &future));
  for (int64_t i = 0; i < 1000; ++i) {
    brood_msg *msg = NULL;
    OK(brood_queue_get(queue, long_ms, NULL, &msg, NULL));
    reader from = reader_of(msg);
    EXPECT(read_int(&from) == i && !from.failed);
    brood_msg_free(msg);
  }
  OK(end_of(future, NULL));
  EXPECT(brood_queue_length(queue) == 0);
  brood_queue_free(queue);
  return NULL;
}

static const char *check_lock(brood_pool *pool) {
  brood_lock *lock = NULL;
  brood_shared *array = NULL;
  brood_queue *queue = NULL;
  brood_future *future = NULL;
  brood_msg *msg = NULL;
  packed argument = {.size = 0};
  put_array(&argument, 3);
  for (unsigned char i = 0; i < 3; ++i) put_handle(&argument, i);
  OK(brood_lock_create(NULL, &lock, NULL));
  OK(brood_shared_create(BROOD_TYPE_INT64, 1, NULL, &array, NULL));
  OK(brood_queue_create(NULL, &queue, NULL));
  const int64_t *element = brood_shared_data(array);
  brood_handle *handles[] = {brood_lock_handle(lock), brood_shared_handle(array),
                             brood_queue_handle(queue)};
  OK(brood_lock_acquire(lock, 0, BROOD_FOREVER, NULL, NULL));
  OK(submit(pool, "locked_add", &argument, handles, 3, 0, &future));
  OK(brood_queue_get(queue, long_ms, NULL, &msg, NULL));
  reader from = reader_of(msg);
  EXPECT(!read_bool(&from) && !from.failed);
  brood_msg_free(msg);
  EXPECT(!brood_future_done(future) && *element == 0);
  OK(brood_lock_release(lock, 0, NULL));
  OK(end_of(future, NULL));
  EXPECT(*element == 1);
  brood_lock_free(lock);
  brood_shared_free(array);
  brood_queue_free(queue);
  return NULL;
}

static const char *check_array(brood_pool *pool) {
  brood_shared *array = NULL;
  brood_future *future = NULL;
  packed argument = {.size = 0};
  put_array(&argument, 2);
  put_handle(&argument, 0);
  put_double(&argument, 2.5);
  OK(brood_shared_create(BROOD_TYPE_DOUBLE, 1000, NULL, &array, NULL));
  double *elements = brood_shared_data(array);
  for (int i = 0; i < 1000; ++i) elements[i] = i + 0.5;
  brood_handle *handle = brood_shared_handle(array);
  OK(submit(pool, "scale", &argument, &handle, 1, 0, &future));
  OK(end_of(future, NULL));
  for (int i = 0; i < 1000; ++i) EXPECT(elements[i] == (i + 0.5) * 2.5);
  brood_shared_free(array);
  return NULL;
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    const char *(*run)(brood_pool *pool);
  } checks[] = {{"map", check_map},     {"values", check_values},   {"error", check_error},
                {"crash", check_crash}, {"timeout", check_timeout}, {"cancel", check_cancel},
                {"queue", check_queue}, {"lock", check_lock},       {"array", check_array}};
  const size_t count = sizeof checks / sizeof *checks;
  register_tasks();
  must(brood_init(argc, argv, NULL, NULL)); /* a worker does not come back from here */

  setvbuf(stdout, NULL, _IOLBF, 0);
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  brood_pool *pool = NULL;
  int failed = 0;
  options.workers = 1;
  options.command = (const char *const *)(argv + 1);
  must(brood_pool_create(&options, &pool, NULL));
  for (size_t i = 0; i < count; ++i) {
    const char *why = checks[i].run(pool);
    if (why)
      printf("failed %s: %s\n", checks[i].name, why);
    else
      printf("ok %s\n", checks[i].name);
    if (why) ++failed;
  }
  brood_pool_free(pool);
  printf("%zu checks, %d failed\n", count, failed);
  return failed == 0 ? 0 : 1;
}
