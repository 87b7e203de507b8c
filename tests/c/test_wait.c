/* Waiting for many things, completion queues, cancel tokens. */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "functions.h"

static void waits_for_the_first_of_many(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  brood_cancel *cancel = NULL;
  OK(brood_cancel_create(&cancel, NULL));
  int64_t five = 5;
  brood_future *hanging = submit(pool, "hang", NULL, 0);
  brood_future *quick = submit(pool, "square", &five, sizeof five);
  brood_handle *handles[] = {brood_future_handle(hanging), brood_future_handle(quick),
                             brood_cancel_handle(cancel)};
  size_t index = 9;
  OK(brood_wait(handles, 3, LONG_MS, NULL, &index, NULL));
  assert_int_equal(index, 1);
  brood_handle *others[] = {handles[0], handles[2]};
  FAILS(BROOD_E_TIMEOUT, brood_wait(others, 2, 20, NULL, &index, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_wait(others, 2, 0, NULL, &index, NULL));
  brood_cancel_fire(cancel);
  OK(brood_wait(others, 2, LONG_MS, NULL, &index, NULL));
  assert_int_equal(index, 1);
  FAILS(BROOD_E_CANCELED, brood_wait(handles, 1, LONG_MS, cancel, &index, NULL));
  /* What is ready wins over a fired token. */
  OK(brood_wait(handles, 2, LONG_MS, cancel, &index, NULL));
  assert_int_equal(index, 1);
  brood_future_free(hanging);
  brood_future_free(quick);
  brood_cancel_free(cancel);
  brood_pool_free(pool);
}

static void completions_come_as_they_are_done(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  brood_completions *completions = NULL;
  OK(brood_completions_create(&completions, NULL));
  uint64_t tag = 0;
  FAILS(BROOD_E_CLOSED, brood_completions_next(completions, LONG_MS, NULL, &tag, NULL));
  char seen[500] = {0};
  for (int64_t i = 0; i < 500; ++i) {
    brood_future *future = submit(pool, "square", &i, sizeof i);
    OK(brood_completions_add(completions, brood_future_handle(future), (uint64_t)i, NULL));
    /* Dropped before it is delivered: the queue holds on to it. */
    brood_future_free(future);
  }
  for (int i = 0; i < 500; ++i) {
    OK(brood_completions_next(completions, LONG_MS, NULL, &tag, NULL));
    assert_true(tag < 500 && !seen[tag]);
    seen[tag] = 1;
  }
  FAILS(BROOD_E_CLOSED, brood_completions_next(completions, 0, NULL, &tag, NULL));
  brood_future *hanging = submit(pool, "hang", NULL, 0);
  OK(brood_completions_add(completions, brood_future_handle(hanging), 77, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_completions_next(completions, 20, NULL, &tag, NULL));
  brood_cancel *cancel = NULL;
  OK(brood_cancel_create(&cancel, NULL));
  brood_cancel_fire(cancel);
  FAILS(BROOD_E_CANCELED, brood_completions_next(completions, LONG_MS, cancel, &tag, NULL));
  OK(brood_completions_add(completions, brood_cancel_handle(cancel), 1, NULL));
  OK(brood_completions_next(completions, LONG_MS, NULL, &tag, NULL));
  assert_int_equal(tag, 1);
  OK(brood_future_cancel(hanging, NULL));
  OK(brood_completions_next(completions, LONG_MS, NULL, &tag, NULL));
  assert_int_equal(tag, 77);
  brood_cancel_free(cancel);
  brood_future_free(hanging);
  /* Freed with something registered. */
  hanging = submit(pool, "hang", NULL, 0);
  OK(brood_completions_add(completions, brood_future_handle(hanging), 78, NULL));
  brood_completions_free(completions);
  brood_future_free(hanging);
  brood_pool_free(pool);
}

typedef struct caller {
  brood_pool *pool;
  pthread_t thread;
  int64_t base;
  int64_t wrong;
} caller;

static void *call_often(void *context) {
  caller *self = context;
  for (int64_t i = self->base; i < self->base + 2000; ++i) {
    brood_msg *msg = NULL;
    int64_t value = -1;
    if (brood_pool_call(self->pool, "square", &i, sizeof i, NULL, LONG_MS, NULL, &msg, NULL) ==
        BROOD_OK)
      memcpy(&value, brood_msg_data(msg), sizeof value);
    brood_msg_free(msg);
    self->wrong += value != i * i;
  }
  return NULL;
}

static void many_threads_wait_on_one_pool(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  enum { kThreads = 60 }; /* more than a process has bells of its own */
  caller callers[kThreads];
  for (int i = 0; i < kThreads; ++i) {
    callers[i] = (caller){pool, 0, i * 10000, 0};
    assert_int_equal(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
  }
  for (int i = 0; i < kThreads; ++i) {
    pthread_join(callers[i].thread, NULL);
    assert_int_equal(callers[i].wrong, 0);
  }
  end_pool(pool);
}

static void *push_all(void *context) {
  brood_stream *stream = context;
  for (int64_t i = 0; i < 20000; ++i)
    if (brood_stream_push(stream, &i, sizeof i, LONG_MS, NULL, NULL) != BROOD_OK) return stream;
  return brood_stream_finish(stream, NULL) == BROOD_OK ? NULL : stream;
}

static void one_thread_pushes_while_another_takes(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
  options.window = 16;
  brood_stream *stream = NULL;
  OK(brood_stream_create(pool, "square", &options, &stream, NULL));
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, push_all, stream), 0);
  for (int64_t i = 0; i < 20000; ++i) {
    brood_msg *msg = NULL;
    OK(brood_stream_next(stream, LONG_MS, NULL, NULL, &msg, NULL));
    int64_t value;
    memcpy(&value, brood_msg_data(msg), sizeof value);
    assert_int_equal(value, i * i);
    brood_msg_free(msg);
  }
  brood_msg *msg = NULL;
  FAILS(BROOD_E_CLOSED, brood_stream_next(stream, LONG_MS, NULL, NULL, &msg, NULL));
  void *failed = NULL;
  pthread_join(thread, &failed);
  assert_null(failed);
  brood_stream_free(stream);
  end_pool(pool);
}

int main(int argc, char **argv) {
  test_begin(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(waits_for_the_first_of_many),
      cmocka_unit_test(completions_come_as_they_are_done),
      cmocka_unit_test(many_threads_wait_on_one_pool),
      cmocka_unit_test(one_thread_pushes_while_another_takes),
  };
  return RUN_TESTS("wait", tests);
}
