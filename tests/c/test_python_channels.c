/* What Python's own test suite demands of Queue, JoinableQueue, SimpleQueue and Connection, one
 * test for each of its methods that is not under another name elsewhere:
 *
 *   test_fd_transfer, test_missing_fd_transfer   descriptors do not travel in messages
 *   test_duplex_false        test_pipe.c: one_way_is_one_way
 *   test_spawn_close         test_pipe.c: another_process_answers, whose end the parent gives up
 * first test_sendbytes           test_pipe.c: a_short_buffer_keeps_the_message,
 * bad_input_is_refused test_access, _pickling   test_pipe.c:
 * an_end_travels_through_pipes_and_queues test_queue_feeder_...    there is no feeder thread: a put
 * that returned is in the queue
 */
#include "family.h"

static brood_queue *make_queue(uint64_t capacity, bool joinable) {
  brood_queue_options options = BROOD_QUEUE_OPTIONS_INIT;
  brood_queue *queue = NULL;
  options.capacity_items = capacity;
  options.joinable = joinable;
  OK(brood_queue_create(&options, &queue, NULL));
  return queue;
}

static brood_event *make_event(void) {
  brood_event *event = NULL;
  OK(brood_event_create(&event, NULL));
  return event;
}

static brood_status put(brood_queue *queue, int64_t number, int64_t timeout_ms) {
  return brood_queue_put(queue, &number, sizeof number, BROOD_CODEC_RAW, timeout_ms, NULL, NULL);
}

/* INT64_MIN stands for whatever is no number. */
static int64_t get(brood_queue *queue) {
  brood_msg *msg = NULL;
  int64_t number = INT64_MIN;
  if (brood_queue_get(queue, LONG_MS, NULL, &msg, NULL) != BROOD_OK) return number;
  if (brood_msg_size(msg) == sizeof number) memcpy(&number, brood_msg_data(msg), sizeof number);
  brood_msg_free(msg);
  return number;
}

static void is_empty(brood_queue *queue) {
  brood_msg *msg = NULL;
  FAILS(BROOD_E_TIMEOUT, brood_queue_get(queue, 0, NULL, &msg, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_queue_get(queue, 20, NULL, &msg, NULL));
  assert_int_equal(brood_queue_length(queue), 0);
}

/* handles: a queue, an event to begin, an event when it is done */
typedef struct kit {
  brood_queue *queue;
  brood_event *begin, *done;
} kit;

static kit make_kit(uint64_t capacity) {
  return (kit){make_queue(capacity, false), make_event(), make_event()};
}

static brood_process *start_in(const kit *k, const char *function, int64_t number) {
  brood_handle *handles[] = {brood_queue_handle(k->queue), brood_event_handle(k->begin),
                             brood_event_handle(k->done)};
  return start_with(function, number, handles, 3);
}

static void free_kit(const kit *k) {
  brood_queue_free(k->queue);
  brood_event_free(k->begin);
  brood_event_free(k->done);
}

static bool take_kit(brood_task *task, kit *k) {
  brood_msg *args = brood_task_args(task);
  return brood_msg_take_queue(args, 0, &k->queue, NULL) == BROOD_OK &&
         brood_msg_take_event(args, 1, &k->begin, NULL) == BROOD_OK &&
         brood_msg_take_event(args, 2, &k->done, NULL) == BROOD_OK &&
         brood_event_wait(k->begin, LONG_MS, NULL, NULL) == BROOD_OK;
}

/* Takes so many numbers, counted from 1. */
CHILD(takes) {
  (void)context;
  kit k = {0};
  CHECK(take_kit(task, &k));
  for (int64_t i = 1; i <= number_of(task); ++i) CHECK(get(k.queue) == i);
  brood_event_set(k.done);
  free_kit(&k);
}

/* Puts ten numbers from its own on. */
CHILD(puts_ten) {
  (void)context;
  kit k = {0};
  CHECK(take_kit(task, &k));
  for (int64_t i = 0; i < 10; ++i) CHECK(put(k.queue, number_of(task) + i, LONG_MS) == BROOD_OK);
  brood_event_set(k.done);
  free_kit(&k);
}

static void test_put(void **state) {
  (void)state;
  const kit k = make_kit(6);
  brood_process *process = start_in(&k, "takes", 6);
  const int64_t timeouts[] = {LONG_MS, 0, BROOD_FOREVER, 10, 1000, LONG_MS};
  for (int64_t i = 0; i < 6; ++i) OK(put(k.queue, i + 1, timeouts[i]));
  assert_int_equal(brood_queue_length(k.queue), 6);
  FAILS(BROOD_E_TIMEOUT, put(k.queue, 7, 0));
  FAILS(BROOD_E_TIMEOUT, put(k.queue, 7, 20));
  brood_event_set(k.begin);
  OK(brood_event_wait(k.done, LONG_MS, NULL, NULL));
  is_empty(k.queue);
  ended_well(process);
  free_kit(&k);
}

static void test_get(void **state) {
  (void)state;
  const kit k = make_kit(0);
  brood_process *process = start_in(&k, "puts_ten", 2);
  is_empty(k.queue);
  brood_event_set(k.begin);
  for (int64_t i = 0; i < 10; ++i) assert_int_equal(get(k.queue), 2 + i);
  OK(brood_event_wait(k.done, LONG_MS, NULL, NULL));
  is_empty(k.queue);
  ended_well(process);
  free_kit(&k);
}

static void test_fork(void **state) {
  (void)state;
  const kit k = make_kit(0);
  for (int64_t i = 0; i < 10; ++i) OK(put(k.queue, i, 0));
  brood_process *process = start_in(&k, "puts_ten", 10);
  brood_event_set(k.begin);
  for (int64_t i = 0; i < 20; ++i) assert_int_equal(get(k.queue), i);
  is_empty(k.queue);
  ended_well(process);
  free_kit(&k);
}

static void test_qsize(void **state) {
  (void)state;
  brood_queue *queue = make_queue(0, false);
  const uint64_t lengths[] = {1, 2, 3};
  assert_int_equal(brood_queue_length(queue), 0);
  for (int i = 0; i < 3; ++i) {
    OK(put(queue, i, 0));
    assert_int_equal(brood_queue_length(queue), lengths[i]);
  }
  for (int i = 2; i >= 0; --i) {
    assert_int_equal(brood_queue_length(queue), lengths[i]);
    assert_int_equal(get(queue), 2 - i);
  }
  assert_int_equal(brood_queue_length(queue), 0);
  brood_queue_free(queue);
}

/* Finishes what it takes, until it is told to stop by a number below 0. */
CHILD(finishes) {
  (void)context;
  kit k = {0};
  CHECK(take_kit(task, &k));
  for (;;) {
    const int64_t number = get(k.queue);
    CHECK(number != INT64_MIN);
    CHECK(brood_queue_task_done(k.queue, NULL) == BROOD_OK);
    if (number < 0) break;
  }
  free_kit(&k);
}

static void test_task_done(void **state) {
  (void)state;
  const kit k = {make_queue(0, true), make_event(), make_event()};
  brood_process *processes[4];
  for (int i = 0; i < 4; ++i) processes[i] = start_in(&k, "finishes", 0);
  for (int64_t i = 0; i < 10; ++i) OK(put(k.queue, i, 0));
  FAILS(BROOD_E_TIMEOUT, brood_queue_join(k.queue, 0, NULL, NULL));
  brood_event_set(k.begin);
  OK(brood_queue_join(k.queue, LONG_MS, NULL, NULL));
  FAILS(BROOD_E_STATE, brood_queue_task_done(k.queue, NULL));
  for (int i = 0; i < 4; ++i) OK(put(k.queue, -1, 0));
  for (int i = 0; i < 4; ++i) ended_well(processes[i]);
  OK(brood_queue_join(k.queue, 0, NULL, NULL));
  free_kit(&k);
}

static void test_timeout(void **state) {
  (void)state;
  brood_queue *queue = make_queue(0, false);
  brood_msg *msg = NULL;
  const int64_t begin = now_ms();
  FAILS(BROOD_E_TIMEOUT, brood_queue_get(queue, 200, NULL, &msg, NULL));
  assert_true(now_ms() - begin >= 199); /* never too early */
  brood_queue_free(queue);
}

static void test_closed_queue_put_get_exceptions(void **state) {
  (void)state;
  for (int joinable = 0; joinable < 2; ++joinable) {
    brood_queue *queue = make_queue(0, joinable);
    brood_msg *msg = NULL;
    OK(brood_queue_shutdown(queue, NULL));
    OK(brood_queue_shutdown(queue, NULL));
    FAILS(BROOD_E_CLOSED, put(queue, 1, LONG_MS));
    FAILS(BROOD_E_CLOSED, brood_queue_get(queue, LONG_MS, NULL, &msg, NULL));
    assert_int_equal(brood_queue_length(queue), 0);
    brood_queue_free(queue);
  }
}

/* SimpleQueue: full of its own accord never, and empty tells the truth at once. */
static void test_empty(void **state) {
  (void)state;
  const kit k = make_kit(0);
  brood_handle *handle = brood_queue_handle(k.queue);
  size_t index = 9;
  brood_process *process = start_in(&k, "puts_ten", 0);
  FAILS(BROOD_E_TIMEOUT, brood_wait(&handle, 1, 0, NULL, &index, NULL));
  brood_event_set(k.begin);
  OK(brood_event_wait(k.done, LONG_MS, NULL, NULL));
  for (int64_t i = 0; i < 10; ++i) {
    OK(brood_wait(&handle, 1, 0, NULL, &index, NULL));
    assert_int_equal(get(k.queue), i);
  }
  FAILS(BROOD_E_TIMEOUT, brood_wait(&handle, 1, 0, NULL, &index, NULL));
  ended_well(process);
  free_kit(&k);
}

static const child_function functions[] = {
    {"takes", takes}, {"puts_ten", puts_ten}, {"finishes", finishes}};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_put),       cmocka_unit_test(test_get),
    cmocka_unit_test(test_fork),      cmocka_unit_test(test_qsize),
    cmocka_unit_test(test_task_done), cmocka_unit_test(test_timeout),
    cmocka_unit_test(test_empty),     cmocka_unit_test(test_closed_queue_put_get_exceptions),
};
RUN_WITH(functions, tests)
