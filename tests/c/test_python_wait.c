/* What Python's own test suite demands of Connection, poll() and wait(): see
 * test_python_channels.c. */
#include <pthread.h>
#include <unistd.h>

#include "family.h"

typedef struct ends {
  brood_pipe *here, *there;
} ends;

static ends make_pipe(void) {
  ends pipe = {0};
  OK(brood_pipe_create(true, &pipe.here, &pipe.there, NULL));
  return pipe;
}

static void free_ends(const ends *pipe) {
  brood_pipe_free(pipe->here);
  brood_pipe_free(pipe->there);
}

static brood_status send_text(brood_pipe *pipe, const char *text) {
  return brood_pipe_send(pipe, text, strlen(text), BROOD_CODEC_TEXT, LONG_MS, NULL, NULL);
}

static bool receives(brood_pipe *pipe, const char *text) {
  brood_msg *msg = NULL;
  if (brood_pipe_recv(pipe, LONG_MS, NULL, &msg, NULL) != BROOD_OK) return false;
  const bool same =
      brood_msg_size(msg) == strlen(text) && memcmp(brood_msg_data(msg), text, strlen(text)) == 0;
  brood_msg_free(msg);
  return same;
}

/* handles: an end. Sends back what it receives until it is "stop". */
CHILD(echoes) {
  (void)context;
  brood_pipe *pipe = NULL;
  CHECK(brood_msg_take_pipe(brood_task_args(task), 0, &pipe, NULL) == BROOD_OK);
  for (bool stop = false; !stop;) {
    brood_msg *msg = NULL;
    CHECK(brood_pipe_recv(pipe, LONG_MS, NULL, &msg, NULL) == BROOD_OK);
    stop = brood_msg_size(msg) == 4 && memcmp(brood_msg_data(msg), "stop", 4) == 0;
    CHECK(brood_pipe_send_msg(pipe, msg, LONG_MS, NULL, NULL) == BROOD_OK);
  }
  brood_pipe_free(pipe);
}

static void test_connection(void **state) {
  (void)state;
  ends pipe = make_pipe();
  brood_handle *handle = brood_pipe_handle(pipe.there);
  brood_process *process = start_with("echoes", 0, &handle, 1);
  brood_pipe_free(pipe.there);
  FAILS(BROOD_E_TIMEOUT, brood_pipe_poll(pipe.here, 0, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_pipe_poll(pipe.here, 20, NULL, NULL));
  OK(send_text(pipe.here, "hello"));
  OK(brood_pipe_poll(pipe.here, LONG_MS, NULL, NULL));
  assert_true(receives(pipe.here, "hello"));
  FAILS(BROOD_E_TIMEOUT, brood_pipe_poll(pipe.here, 0, NULL, NULL));
  /* 16 MiB and more at once, which no kernel's buffer holds. */
  const size_t size = 17000000;
  char *bytes = malloc(size);
  memset(bytes, 'X', size);
  OK(brood_pipe_send(pipe.here, bytes, size, BROOD_CODEC_RAW, LONG_MS, NULL, NULL));
  brood_msg *msg = NULL;
  OK(brood_pipe_recv(pipe.here, LONG_MS, NULL, &msg, NULL));
  assert_int_equal(brood_msg_size(msg), size);
  assert_int_equal(memcmp(brood_msg_data(msg), bytes, size), 0);
  brood_msg_free(msg);
  free(bytes);
  OK(send_text(pipe.here, "stop"));
  assert_true(receives(pipe.here, "stop"));
  ended_well(process);
  FAILS(BROOD_E_CLOSED, brood_pipe_recv(pipe.here, LONG_MS, NULL, &msg, NULL));
  brood_pipe_free(pipe.here);
}

static void test_empty_string(void **state) {
  (void)state;
  const ends pipe = make_pipe();
  FAILS(BROOD_E_TIMEOUT, brood_pipe_poll(pipe.here, 0, NULL, NULL));
  OK(send_text(pipe.there, ""));
  OK(brood_pipe_poll(pipe.here, 0, NULL, NULL));
  OK(brood_pipe_poll(pipe.here, LONG_MS, NULL, NULL)); /* it stays until it is received */
  assert_true(receives(pipe.here, ""));
  FAILS(BROOD_E_TIMEOUT, brood_pipe_poll(pipe.here, 0, NULL, NULL));
  free_ends(&pipe);
}

static void test_strings(void **state) {
  (void)state;
  static const char *const texts[] = {"hello", "", "a", "b", "", "bye", "", "lop"};
  enum { kTexts = sizeof texts / sizeof *texts };
  const ends pipe = make_pipe();
  for (int i = 0; i < kTexts; ++i) OK(send_text(pipe.there, texts[i]));
  for (int i = 0; i < kTexts; ++i) {
    OK(brood_pipe_poll(pipe.here, 0, NULL, NULL));
    assert_true(receives(pipe.here, texts[i]));
  }
  FAILS(BROOD_E_TIMEOUT, brood_pipe_poll(pipe.here, 0, NULL, NULL));
  free_ends(&pipe);
}

static void test_boundaries(void **state) {
  (void)state;
  const ends pipe = make_pipe();
  OK(send_text(pipe.there, "first"));
  OK(send_text(pipe.there, "second"));
  OK(brood_pipe_poll(pipe.here, 0, NULL, NULL));
  size_t size = 0;
  OK(brood_pipe_peek(pipe.here, 0, NULL, &size, NULL));
  assert_int_equal(size, 5);
  assert_true(receives(pipe.here, "first"));
  assert_true(receives(pipe.here, "second"));
  free_ends(&pipe);
}

static void test_dont_merge(void **state) {
  (void)state;
  ends pipe = make_pipe();
  brood_handle *handle = brood_pipe_handle(pipe.there);
  brood_process *process = start_with("echoes", 0, &handle, 1);
  brood_pipe_free(pipe.there);
  OK(send_text(pipe.here, "a"));
  OK(send_text(pipe.here, "b"));
  OK(send_text(pipe.here, "stop"));
  ended_well(process);
  /* All three are there by now, and still three. */
  assert_true(receives(pipe.here, "a"));
  assert_true(receives(pipe.here, "b"));
  assert_true(receives(pipe.here, "stop"));
  brood_pipe_free(pipe.here);
}

static volatile sig_atomic_t signals_caught;

static void count_signal(int number) {
  (void)number;
  ++signals_caught;
}

static void *interrupt_then_send(void *context) {
  const ends *pipe = context;
  for (int i = 0; i < 20; ++i) {
    kill(getpid(), SIGUSR1);
    (void)!brood_pipe_poll(pipe->there, 5, NULL, NULL); /* nothing ever comes there */
  }
  (void)!send_text(pipe->there, "at last");
  return NULL;
}

static void test_poll_eintr(void **state) {
  (void)state;
  const struct sigaction action = {.sa_handler = count_signal};
  struct sigaction before;
  assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
  ends pipe = make_pipe();
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, interrupt_then_send, &pipe), 0);
  OK(brood_pipe_poll(pipe.here, LONG_MS, NULL, NULL));
  assert_true(receives(pipe.here, "at last"));
  pthread_join(thread, NULL);
  assert_true(signals_caught > 0);
  sigaction(SIGUSR1, &before, NULL);
  free_ends(&pipe);
}

/* handles: an end. Sends its number ten times. */
CHILD(sends_ten) {
  (void)context;
  brood_pipe *pipe = NULL;
  const int64_t number = number_of(task);
  CHECK(brood_msg_take_pipe(brood_task_args(task), 0, &pipe, NULL) == BROOD_OK);
  for (int i = 0; i < 10; ++i) {
    CHECK(brood_pipe_send(pipe, &number, sizeof number, 0, LONG_MS, NULL, NULL) == BROOD_OK);
  }
  brood_pipe_free(pipe);
}

static void test_wait(void **state) {
  (void)state;
  enum { kSenders = 4 };
  brood_pipe *readers[kSenders];
  brood_process *processes[kSenders];
  int received[kSenders] = {0};
  for (int64_t i = 0; i < kSenders; ++i) {
    brood_pipe *writer = NULL;
    OK(brood_pipe_create(false, &readers[i], &writer, NULL));
    brood_handle *handle = brood_pipe_handle(writer);
    processes[i] = start_with("sends_ten", i, &handle, 1);
    brood_pipe_free(writer);
  }
  for (size_t open = kSenders; open > 0;) {
    brood_handle *handles[kSenders];
    size_t index = 99;
    for (size_t i = 0; i < open; ++i) handles[i] = brood_pipe_handle(readers[i]);
    OK(brood_wait(handles, open, LONG_MS, NULL, &index, NULL));
    assert_true(index < open);
    brood_msg *msg = NULL;
    const brood_status status = brood_pipe_recv(readers[index], 0, NULL, &msg, NULL);
    if (status == BROOD_OK) {
      int64_t number = -1;
      memcpy(&number, brood_msg_data(msg), sizeof number);
      assert_true(number >= 0 && number < kSenders);
      ++received[number];
      brood_msg_free(msg);
    } else {
      assert_int_equal(status, BROOD_E_CLOSED);
      brood_pipe_free(readers[index]);
      readers[index] = readers[--open];
    }
  }
  for (int i = 0; i < kSenders; ++i) {
    assert_int_equal(received[i], 10);
    ended_well(processes[i]);
  }
}

static void test_wait_timeout(void **state) {
  (void)state;
  const ends first = make_pipe();
  const ends second = make_pipe();
  brood_handle *handles[] = {brood_pipe_handle(first.here), brood_pipe_handle(second.here)};
  size_t index = 99;
  const int64_t begin = now_ms();
  FAILS(BROOD_E_TIMEOUT, brood_wait(handles, 2, 100, NULL, &index, NULL));
  assert_true(now_ms() - begin >= 99);
  assert_int_equal(index, 99);
  OK(send_text(second.there, "now"));
  OK(brood_wait(handles, 2, LONG_MS, NULL, &index, NULL));
  assert_int_equal(index, 1);
  free_ends(&first);
  free_ends(&second);
}

/* In Python the number is a process's sentinel. */
static void test_wait_integer(void **state) {
  (void)state;
  ends pipe = make_pipe();
  const ends other = make_pipe();
  brood_handle *end = brood_pipe_handle(pipe.there);
  brood_process *process = start_with("echoes", 0, &end, 1);
  brood_pipe_free(pipe.there);
  brood_handle *handles[] = {brood_pipe_handle(other.here), brood_process_handle(process)};
  size_t index = 99;
  FAILS(BROOD_E_TIMEOUT, brood_wait(handles, 2, 20, NULL, &index, NULL));
  OK(send_text(pipe.here, "stop"));
  OK(brood_wait(handles, 2, LONG_MS, NULL, &index, NULL));
  assert_int_equal(index, 1);
  OK(send_text(other.there, "too"));
  OK(brood_wait(handles, 2, LONG_MS, NULL, &index, NULL));
  assert_int_equal(index, 0);
  assert_true(receives(other.here, "too"));
  OK(brood_wait(handles, 2, LONG_MS, NULL, &index, NULL));
  assert_int_equal(index, 1); /* it stays ended */
  ended_well(process);
  brood_pipe_free(pipe.here);
  free_ends(&other);
}

static void test_neg_timeout(void **state) {
  (void)state;
  const ends pipe = make_pipe();
  brood_handle *handle = brood_pipe_handle(pipe.here);
  size_t index = 99;
  FAILS(BROOD_E_INVALID, brood_wait(&handle, 1, -2, NULL, &index, NULL));
  FAILS(BROOD_E_INVALID, brood_pipe_poll(pipe.here, -1000, NULL, NULL));
  free_ends(&pipe);
}

static const child_function functions[] = {{"echoes", echoes}, {"sends_ten", sends_ten}};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_connection),   cmocka_unit_test(test_empty_string),
    cmocka_unit_test(test_strings),      cmocka_unit_test(test_boundaries),
    cmocka_unit_test(test_dont_merge),   cmocka_unit_test(test_poll_eintr),
    cmocka_unit_test(test_wait),         cmocka_unit_test(test_wait_timeout),
    cmocka_unit_test(test_wait_integer), cmocka_unit_test(test_neg_timeout),
};
RUN_WITH(functions, tests)
