/* Promise 10: a signal whose handler fires a token ends every kind of wait, and nothing is lost. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "functions.h"

static brood_cancel *token = NULL;
static pthread_t main_thread, interrupter;
static atomic_bool waits;

static void on_interrupt(int number) {
  (void)number;
  brood_cancel_fire(token);
}

/* The main thread is asleep long before the first one; should it not be, there is a next one. */
static void *interrupt(void *unused) {
  (void)unused;
  while (atomic_load(&waits)) {
    const struct timespec moment = {0, 20 * 1000 * 1000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
    if (atomic_load(&waits)) pthread_kill(main_thread, SIGINT);
  }
  return NULL;
}

static void begin_interrupts(void) {
  brood_cancel_reset(token);
  atomic_store(&waits, true);
  assert_int_equal(pthread_create(&interrupter, NULL, interrupt, NULL), 0);
}

static void end_interrupts(void) {
  atomic_store(&waits, false);
  pthread_join(interrupter, NULL);
}

#define INTERRUPTED(call)            \
  do {                               \
    begin_interrupts();              \
    FAILS(BROOD_E_CANCELED, (call)); \
    end_interrupts();                \
  } while (0)

static void promise_10_handles_and_completions(void **state) {
  (void)state;
  brood_event *never = NULL;
  OK(brood_event_create(&never, NULL));
  brood_handle *handle = brood_event_handle(never);
  size_t index = 0;
  INTERRUPTED(brood_wait(&handle, 1, LONG_MS, token, &index, NULL));
  INTERRUPTED(brood_event_wait(never, LONG_MS, token, NULL));
  brood_completions *completions = NULL;
  OK(brood_completions_create(&completions, NULL));
  OK(brood_completions_add(completions, handle, 7, NULL));
  uint64_t tag = 0;
  INTERRUPTED(brood_completions_next(completions, LONG_MS, token, &tag, NULL));
  brood_event_set(never);
  OK(brood_completions_next(completions, LONG_MS, NULL, &tag, NULL));
  assert_int_equal(tag, 7);
  brood_completions_free(completions);
  brood_event_free(never);
}

static void promise_10_pools(void **state) {
  (void)state;
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = 1;
  options.max_pending = 1;
  brood_pool *pool = NULL;
  OK(brood_pool_create(&options, &pool, NULL));
  brood_msg *msg = NULL;
  INTERRUPTED(brood_pool_call(pool, "hang", NULL, 0, NULL, LONG_MS, token, &msg, NULL));
  /* The pool is full until the cancelled one's worker is dead. */
  brood_submit_options room = BROOD_SUBMIT_OPTIONS_INIT;
  room.wait_ms = LONG_MS;
  brood_future *future = NULL, *more = NULL;
  OK(brood_pool_submit(pool, "hang", NULL, 0, &room, &future, NULL));
  INTERRUPTED(brood_future_result(future, LONG_MS, token, &msg, NULL));
  INTERRUPTED(brood_future_wait(future, LONG_MS, token, NULL));
  /* The task goes on: only the waits were ended. */
  assert_false(brood_future_done(future));
  room.cancel = token;
  INTERRUPTED(brood_pool_submit(pool, "square", NULL, 0, &room, &more, NULL));
  OK(brood_pool_shutdown(pool, NULL));
  INTERRUPTED(brood_pool_join(pool, LONG_MS, token, NULL));
  OK(brood_future_cancel(future, NULL));
  brood_future_free(future);
  OK(brood_pool_join(pool, LONG_MS, NULL, NULL));
  brood_pool_free(pool);
}

static void promise_10_streams(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  brood_stream_options options = BROOD_STREAM_OPTIONS_INIT;
  options.window = 1;
  brood_stream *stream = NULL;
  OK(brood_stream_create(pool, "hang", &options, &stream, NULL));
  OK(brood_stream_push(stream, NULL, 0, 0, NULL, NULL));
  INTERRUPTED(brood_stream_push(stream, NULL, 0, LONG_MS, token, NULL));
  uint64_t index = 0;
  brood_msg *msg = NULL;
  size_t count = 0;
  INTERRUPTED(brood_stream_next(stream, LONG_MS, token, &index, &msg, NULL));
  INTERRUPTED(brood_stream_next_many(stream, 1, LONG_MS, token, &index, &msg, &count, NULL));
  brood_stream_free(stream);
  end_pool(pool);
}

static void promise_10_processes(void **state) {
  (void)state;
  const char *const command[] = {"sleep", "1000", NULL};
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  options.command = command;
  options.standard_input.kind = options.standard_output.kind = BROOD_STDIO_PIPE;
  brood_process *process = NULL;
  OK(brood_process_spawn(&options, &process, NULL));
  INTERRUPTED(brood_process_join(process, LONG_MS, token, NULL));
  INTERRUPTED(brood_process_stop(process, LONG_MS, LONG_MS, token, NULL));
  assert_true(brood_process_alive(process));
  static char large[1 << 20];
  size_t size = 0;
  INTERRUPTED(brood_process_write(process, large, sizeof large, LONG_MS, token, &size, NULL));
  assert_in_range(size, 1, sizeof large - 1);
  INTERRUPTED(brood_process_read(process, 1, large, sizeof large, LONG_MS, token, &size, NULL));
  OK(brood_process_kill(process, NULL));
  OK(brood_process_join(process, LONG_MS, NULL, NULL));
  brood_process_free(process);
}

static void promise_10_queues(void **state) {
  (void)state;
  brood_queue_options options = BROOD_QUEUE_OPTIONS_INIT;
  options.capacity_items = 1;
  options.joinable = true;
  brood_queue *queue = NULL;
  OK(brood_queue_create(&options, &queue, NULL));
  brood_msg *msg = NULL, *more = NULL;
  brood_lease *lease = NULL;
  size_t count = 0;
  INTERRUPTED(brood_queue_get(queue, LONG_MS, token, &msg, NULL));
  INTERRUPTED(brood_queue_get_many(queue, 1, LONG_MS, token, &msg, &count, NULL));
  INTERRUPTED(brood_queue_get_lease(queue, LONG_MS, token, &lease, NULL));
  OK(brood_queue_put(queue, "x", 1, 0, 0, NULL, NULL));
  INTERRUPTED(brood_queue_put(queue, "y", 1, 0, LONG_MS, token, NULL));
  OK(brood_msg_create("y", 1, 0, &more, NULL));
  INTERRUPTED(brood_queue_put_msg(queue, more, LONG_MS, token, NULL));
  brood_msg_free(more); /* still ours */
  const brood_bytes item = {"y", 1};
  INTERRUPTED(brood_queue_put_many(queue, &item, 1, 0, LONG_MS, token, &count, NULL));
  INTERRUPTED(brood_queue_join(queue, LONG_MS, token, NULL));
  assert_int_equal(brood_queue_length(queue), 1);
  OK(brood_queue_get(queue, 0, NULL, &msg, NULL));
  brood_msg_free(msg);
  brood_queue_free(queue);
}

static void promise_10_pipes(void **state) {
  (void)state;
  brood_pipe *mine = NULL, *theirs = NULL;
  OK(brood_pipe_create(true, &mine, &theirs, NULL));
  brood_msg *msg = NULL, *more = NULL;
  static char large[256 << 10];
  size_t size = 0;
  INTERRUPTED(brood_pipe_recv(mine, LONG_MS, token, &msg, NULL));
  INTERRUPTED(brood_pipe_recv_into(mine, large, sizeof large, LONG_MS, token, &size, NULL, NULL));
  INTERRUPTED(brood_pipe_peek(mine, LONG_MS, token, &size, NULL));
  INTERRUPTED(brood_pipe_poll(mine, LONG_MS, token, NULL));
  int sent = 0;
  while (brood_pipe_send(mine, large, sizeof large, 0, 0, NULL, NULL) == BROOD_OK) ++sent;
  INTERRUPTED(brood_pipe_send(mine, large, sizeof large, 0, LONG_MS, token, NULL));
  OK(brood_msg_create(large, sizeof large, 0, &more, NULL));
  INTERRUPTED(brood_pipe_send_msg(mine, more, LONG_MS, token, NULL));
  brood_msg_free(more);
  for (; sent > 0; --sent) {
    OK(brood_pipe_recv(theirs, 0, NULL, &msg, NULL));
    brood_msg_free(msg);
  }
  FAILS(BROOD_E_TIMEOUT, brood_pipe_recv(theirs, 0, NULL, &msg, NULL));
  int32_t fd = -1;
  INTERRUPTED(brood_pipe_send_fd(mine, 1, LONG_MS, token, NULL));
  INTERRUPTED(brood_pipe_recv_fd(mine, LONG_MS, token, &fd, NULL));
  brood_pipe_free(mine);
  brood_pipe_free(theirs);
}

static void promise_10_rendezvous(void **state) {
  (void)state;
  char name[64];
  snprintf(name, sizeof name, "brood-test-interrupt-%d", (int)getpid());
  brood_pipe *pipe = NULL;
  INTERRUPTED(brood_lookup(name, NULL, LONG_MS, token, &pipe, NULL));
  brood_publication *publication = NULL;
  OK(brood_publish(name, NULL, &publication, NULL));
  INTERRUPTED(brood_publication_accept(publication, LONG_MS, token, &pipe, NULL));
  brood_publication_free(publication);
}

static void promise_10_locks(void **state) {
  (void)state;
  brood_lock *lock = NULL;
  OK(brood_lock_create(NULL, &lock, NULL));
  OK(brood_lock_acquire(lock, 0, 0, NULL, NULL));
  INTERRUPTED(brood_lock_acquire(lock, 0, LONG_MS, token, NULL));
  brood_condition *condition = NULL;
  OK(brood_condition_create(NULL, &condition, NULL));
  INTERRUPTED(brood_condition_wait(condition, lock, 0, LONG_MS, token, NULL));
  OK(brood_lock_release(lock, 0, NULL)); /* it was acquired again */
  brood_shared *shared = NULL;
  OK(brood_shared_create(BROOD_TYPE_INT32, 1, NULL, &shared, NULL));
  OK(brood_shared_lock(shared, 1, 0, NULL, NULL));
  INTERRUPTED(brood_shared_lock(shared, 2, LONG_MS, token, NULL));
  OK(brood_shared_unlock(shared, 1, NULL));
  brood_rwlock *rwlock = NULL;
  OK(brood_rwlock_create(NULL, &rwlock, NULL));
  OK(brood_rwlock_acquire_read(rwlock, 0, NULL, NULL));
  INTERRUPTED(brood_rwlock_acquire_write(rwlock, LONG_MS, token, NULL));
  OK(brood_rwlock_release_read(rwlock, NULL));
  OK(brood_rwlock_acquire_write(rwlock, 0, NULL, NULL));
  INTERRUPTED(brood_rwlock_acquire_read(rwlock, LONG_MS, token, NULL));
  OK(brood_rwlock_release_write(rwlock, NULL));
  brood_rwlock_free(rwlock);
  brood_shared_free(shared);
  brood_condition_free(condition);
  brood_lock_free(lock);
}

static void promise_10_semaphores_and_barriers(void **state) {
  (void)state;
  brood_semaphore *semaphore = NULL;
  OK(brood_semaphore_create(0, NULL, &semaphore, NULL));
  INTERRUPTED(brood_semaphore_acquire(semaphore, LONG_MS, token, NULL));
  assert_int_equal(brood_semaphore_value(semaphore), 0);
  brood_barrier *barrier = NULL;
  OK(brood_barrier_create(2, &barrier, NULL));
  uint32_t index = 0;
  INTERRUPTED(brood_barrier_wait(barrier, LONG_MS, token, &index, NULL));
  assert_true(brood_barrier_broken(barrier));
  brood_barrier_reset(barrier);
  INTERRUPTED(brood_barrier_arrive(barrier, LONG_MS, token, &index, NULL));
  brood_barrier_free(barrier);
  brood_semaphore_free(semaphore);
}

int main(int argc, char **argv) {
  test_begin(argc, argv);
  main_thread = pthread_self();
  if (brood_cancel_create(&token, NULL) != BROOD_OK) return 2;
  struct sigaction action = {0};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(promise_10_handles_and_completions),
      cmocka_unit_test(promise_10_pools),
      cmocka_unit_test(promise_10_streams),
      cmocka_unit_test(promise_10_processes),
      cmocka_unit_test(promise_10_queues),
      cmocka_unit_test(promise_10_pipes),
      cmocka_unit_test(promise_10_rendezvous),
      cmocka_unit_test(promise_10_locks),
      cmocka_unit_test(promise_10_semaphores_and_barriers),
  };
  return RUN_TESTS("interrupt", tests);
}
