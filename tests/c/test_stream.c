/* Maps and streams: order, chunks, errors, windows, endless sources. */
#include <pthread.h>

#include "functions.h"

/* A map of 0 .. count-1. */
static brood_stream *map(brood_pool *pool, const char *function, size_t count,
                         const brood_stream_options *options) {
  int64_t *values = malloc(count * sizeof *values + 1);
  brood_bytes *items = malloc(count * sizeof *items + 1);
  for (size_t i = 0; i < count; ++i) {
    values[i] = (int64_t)i;
    items[i] = (brood_bytes){&values[i], sizeof values[i]};
  }
  brood_stream *stream = NULL;
  OK(brood_pool_map(pool, function, items, count, options, &stream, NULL));
  /* The items were copied. */
  memset(values, 0xff, count * sizeof *values);
  free(items);
  free(values);
  return stream;
}

static int64_t take_int(brood_stream *stream, uint64_t *index) {
  brood_msg *msg = NULL;
  OK(brood_stream_next(stream, LONG_MS, NULL, index, &msg, NULL));
  int64_t value;
  assert_int_equal(brood_msg_size(msg), sizeof value);
  memcpy(&value, brood_msg_data(msg), sizeof value);
  brood_msg_free(msg);
  return value;
}

static void expect_end(brood_stream *stream) {
  brood_msg *msg = NULL;
  FAILS(BROOD_E_CLOSED, brood_stream_next(stream, LONG_MS, NULL, NULL, &msg, NULL));
  brood_stream_free(stream);
}

static void maps_in_order(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  const uint32_t chunks[] = {0, 1, 7, 1000, 100000};
  const size_t counts[] = {0, 1, 2, 999, 20000};
  for (size_t c = 0; c < 5; ++c) {
    for (size_t n = 0; n < 5; ++n) {
      brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
      options.chunk = chunks[c];
      brood_stream *stream = map(pool, "square", counts[n], &options);
      for (size_t i = 0; i < counts[n]; ++i) {
        uint64_t index = 0;
        assert_int_equal(take_int(stream, &index), i * i);
        assert_int_equal(index, i);
      }
      expect_end(stream);
    }
  }
  end_pool(pool);
}

static void maps_without_order(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
  options.unordered = true;
  brood_stream *stream = map(pool, "square", 5000, &options);
  char *seen = calloc(5000, 1);
  for (int i = 0; i < 5000; ++i) {
    uint64_t index = 0;
    const int64_t value = take_int(stream, &index);
    assert_true(index < 5000 && !seen[index]);
    seen[index] = 1;
    assert_int_equal(value, index * index);
  }
  free(seen);
  expect_end(stream);
  end_pool(pool);
}

static void maps_big_items(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  enum { kCount = 20, kSize = 300000 };
  char *bytes = malloc(kCount * kSize);
  brood_bytes items[kCount];
  for (int i = 0; i < kCount; ++i) {
    memset(bytes + i * kSize, 'a' + i, kSize);
    items[i] = (brood_bytes){bytes + i * kSize, kSize};
  }
  brood_stream *stream = NULL;
  OK(brood_pool_map(pool, "echo", items, kCount, NULL, &stream, NULL));
  for (int i = 0; i < kCount; ++i) {
    brood_msg *msg = NULL;
    OK(brood_stream_next(stream, LONG_MS, NULL, NULL, &msg, NULL));
    assert_int_equal(brood_msg_size(msg), kSize);
    assert_memory_equal(brood_msg_data(msg), bytes + i * kSize, kSize);
    brood_msg_free(msg);
  }
  free(bytes);
  expect_end(stream);
  end_pool(pool);
}

static void the_first_failure_ends_a_map(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  brood_stream *stream = map(pool, "fail_on_7", 100, NULL);
  uint64_t index = 0;
  for (int64_t i = 0; i < 7; ++i) assert_int_equal(take_int(stream, &index), i * i);
  brood_msg *msg = NULL;
  FAILS(BROOD_E_REMOTE, brood_stream_next(stream, LONG_MS, NULL, &index, &msg, NULL));
  assert_int_equal(index, 7);
  expect_end(stream);
  assert_int_equal(call_int(pool, "square", 5), 25);
  end_pool(pool);
}

static void failures_can_be_collected(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
  options.on_error = BROOD_ON_ERROR_COLLECT;
  brood_stream *stream = map(pool, "fail_on_7", 100, &options);
  uint64_t index = 0;
  for (int64_t i = 0; i < 100; ++i) {
    if (i == 7) {
      brood_msg *msg = NULL;
      FAILS(BROOD_E_REMOTE, brood_stream_next(stream, LONG_MS, NULL, &index, &msg, NULL));
    } else {
      assert_int_equal(take_int(stream, &index), i * i);
    }
    assert_int_equal(index, i);
  }
  expect_end(stream);
  end_pool(pool);
}

static void promise_15_a_stream_draws_no_more_than_its_window(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
  options.window = 10;
  brood_stream *stream = NULL;
  OK(brood_stream_create(pool, "square", &options, &stream, NULL));
  int64_t pushed = 0;
  uint64_t index = 0;
  for (; pushed < 10; ++pushed)
    OK(brood_stream_push(stream, &pushed, sizeof pushed, 0, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_stream_push(stream, &pushed, sizeof pushed, 20, NULL, NULL));
  /* An endless source, as far as a test goes: every result makes room for one input, in order. */
  for (int64_t taken = 0; taken < 50000; ++taken) {
    assert_int_equal(take_int(stream, &index), taken * taken);
    assert_int_equal(index, taken);
    OK(brood_stream_push(stream, &pushed, sizeof pushed, 0, NULL, NULL));
    ++pushed;
    FAILS(BROOD_E_TIMEOUT, brood_stream_push(stream, &pushed, sizeof pushed, 0, NULL, NULL));
  }
  OK(brood_stream_finish(stream, NULL));
  FAILS(BROOD_E_CLOSED, brood_stream_push(stream, &pushed, sizeof pushed, 0, NULL, NULL));
  for (int i = 0; i < 10; ++i) take_int(stream, &index);
  expect_end(stream);
  end_pool(pool);
}

static void an_empty_stream_ends(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  brood_stream *stream = NULL;
  OK(brood_stream_create(pool, "square", NULL, &stream, NULL));
  brood_msg *msg = NULL;
  FAILS(BROOD_E_TIMEOUT, brood_stream_next(stream, 0, NULL, NULL, &msg, NULL));
  OK(brood_stream_finish(stream, NULL));
  OK(brood_stream_finish(stream, NULL));
  expect_end(stream);
  end_pool(pool);
}

static void a_forgotten_stream_is_cancelled(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  brood_stream *stream = map(pool, "hang", 100, NULL);
  brood_stream_free(stream); /* two hang by now or will not begin */
  assert_int_equal(call_int(pool, "square", 4), 16);
  brood_pool_stats stats = BROOD_POOL_STATS_INIT;
  OK(brood_pool_get_stats(pool, &stats, NULL));
  assert_int_equal(stats.canceled + stats.pending, 100);
  end_pool(pool);
}

/* Takes whatever comes together until the end or a failure, and counts it in `seen`. */
static brood_status take_together(brood_stream *stream, size_t capacity, int *seen,
                                  uint64_t *failed_index) {
  brood_msg *msgs[256];
  uint64_t indexes[256];
  for (;;) {
    size_t count = 0;
    const brood_status status =
        brood_stream_next_many(stream, capacity, LONG_MS, NULL, indexes, msgs, &count, NULL);
    if (status != BROOD_OK) {
      assert_int_equal(count, 0);
      if (failed_index != NULL && status != BROOD_E_CLOSED) *failed_index = indexes[0];
      return status;
    }
    assert_in_range(count, 1, capacity);
    for (size_t i = 0; i < count; ++i) {
      int64_t value;
      memcpy(&value, brood_msg_data(msgs[i]), sizeof value);
      assert_int_equal(value, indexes[i] * indexes[i]);
      ++seen[indexes[i]];
    }
    brood_msg_free_many(msgs, count);
  }
}

static void assert_each_once(const int *seen, int count, int except) {
  for (int i = 0; i < count; ++i) assert_int_equal(seen[i], i == except ? 0 : 1);
}

static void results_are_taken_together(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  for (int unordered = 0; unordered < 2; ++unordered) {
    for (size_t capacity = 1; capacity <= 256; capacity *= 16) {
      brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
      options.unordered = unordered == 1;
      options.on_error = BROOD_ON_ERROR_COLLECT;
      brood_stream *stream = map(pool, "fail_on_7", 3000, &options);
      int seen[3000] = {0};
      uint64_t index = 0;
      assert_int_equal(take_together(stream, capacity, seen, &index), BROOD_E_REMOTE);
      assert_int_equal(index, 7);
      if (!unordered) assert_true(seen[6] == 1 && seen[8] == 0);
      assert_int_equal(take_together(stream, capacity, seen, NULL), BROOD_E_CLOSED);
      assert_each_once(seen, 3000, 7);
      expect_end(stream);
    }
  }
  end_pool(pool);
}

static void a_window_is_taken_together(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
  options.window = 20;
  brood_stream *stream = NULL;
  OK(brood_stream_create(pool, "square", &options, &stream, NULL));
  int seen[400] = {0};
  for (int64_t pushed = 0, taken = 0; taken < 400;) {
    while (pushed < 400 &&
           brood_stream_push(stream, &pushed, sizeof pushed, 0, NULL, NULL) == BROOD_OK)
      ++pushed;
    assert_true(pushed - taken <= 20);
    brood_msg *msgs[7];
    uint64_t indexes[7];
    size_t count = 0;
    OK(brood_stream_next_many(stream, 7, LONG_MS, NULL, indexes, msgs, &count, NULL));
    for (size_t i = 0; i < count; ++i) ++seen[indexes[i]];
    brood_msg_free_many(msgs, count);
    taken += (int64_t)count;
  }
  assert_each_once(seen, 400, -1);
  OK(brood_stream_finish(stream, NULL));
  expect_end(stream);
  end_pool(pool);
}

struct consumer {
  brood_stream *stream;
  int *seen;
  brood_status status;
};

static void *consume(void *argument) {
  struct consumer *consumer = argument;
  consumer->status = take_together(consumer->stream, 3, consumer->seen, NULL);
  return NULL;
}

static void several_threads_take_from_one_map(void **state) {
  (void)state;
  enum { kThreads = 4, kCount = 20000 };
  brood_pool *pool = make_pool(2);
  static int seen[kThreads][kCount];
  for (int unordered = 0; unordered < 2; ++unordered) {
    memset(seen, 0, sizeof seen);
    brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
    options.unordered = unordered == 1;
    brood_stream *stream = map(pool, "square", kCount, &options);
    pthread_t threads[kThreads];
    struct consumer consumers[kThreads];
    for (int t = 0; t < kThreads; ++t) {
      consumers[t] = (struct consumer){stream, seen[t], BROOD_OK};
      assert_int_equal(pthread_create(&threads[t], NULL, consume, &consumers[t]), 0);
    }
    for (int t = 0; t < kThreads; ++t) {
      pthread_join(threads[t], NULL);
      assert_int_equal(consumers[t].status, BROOD_E_CLOSED);
    }
    for (int i = 0; i < kCount; ++i)
      assert_int_equal(seen[0][i] + seen[1][i] + seen[2][i] + seen[3][i], 1);
    brood_stream_free(stream);
  }
  end_pool(pool);
}

/* Results that this process has fetched already count as ready. */
static void a_stream_with_results_left_is_ready(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  for (int unordered = 0; unordered < 2; ++unordered) {
    brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
    options.unordered = unordered == 1;
    brood_stream *stream = map(pool, "square", 100, &options);
    brood_handle *handle = brood_stream_handle(stream);
    for (int i = 0; i < 100; ++i) {
      size_t ready = 1;
      OK(brood_wait(&handle, 1, LONG_MS, NULL, &ready, NULL));
      take_int(stream, NULL);
    }
    expect_end(stream);
  }
  end_pool(pool);
}

int main(int argc, char **argv) {
  test_begin(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(maps_in_order),
      cmocka_unit_test(maps_without_order),
      cmocka_unit_test(maps_big_items),
      cmocka_unit_test(the_first_failure_ends_a_map),
      cmocka_unit_test(failures_can_be_collected),
      cmocka_unit_test(promise_15_a_stream_draws_no_more_than_its_window),
      cmocka_unit_test(results_are_taken_together),
      cmocka_unit_test(a_window_is_taken_together),
      cmocka_unit_test(several_threads_take_from_one_map),
      cmocka_unit_test(a_stream_with_results_left_is_ready),
      cmocka_unit_test(an_empty_stream_ends),
      cmocka_unit_test(a_forgotten_stream_is_cancelled),
  };
  return RUN_TESTS("stream", tests);
}
