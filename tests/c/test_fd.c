/* Fds for other event loops, and completion queues over what lives in shared memory. */
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

#include "queue_workers.h"

static int fd_of(brood_handle *handle) {
  int32_t fd = -1;
  OK(brood_handle_fd(handle, &fd, NULL));
  return fd;
}

static bool readable(int fd, int timeout_ms) {
  struct pollfd entry = {fd, POLLIN, 0};
  return poll(&entry, 1, timeout_ms) == 1;
}

static void poll_sees_queues_and_pipes(void **state) {
  (void)state;
  brood_queue *queue = make_queue(0, false);
  brood_handle *handle = brood_queue_handle(queue);
  const int fd = fd_of(handle);
  assert_false(readable(fd, 0));
  put_text(queue, "one");
  assert_true(readable(fd, LONG_MS));
  assert_int_equal(fd_of(handle), fd);
  assert_true(readable(fd, 0)); /* still there */
  expect_text(queue, "one");
  assert_int_equal(fd_of(handle), fd);
  assert_false(readable(fd, 0));
  OK(brood_queue_shutdown(queue, NULL));
  assert_true(readable(fd, LONG_MS));
  brood_queue_free(queue);

  brood_pipe *reader = NULL, *writer = NULL;
  OK(brood_pipe_create(false, &reader, &writer, NULL));
  int32_t none = 0;
  FAILS(BROOD_E_UNSUPPORTED, brood_handle_fd(brood_pipe_handle(writer), &none, NULL));
  const int end = fd_of(brood_pipe_handle(reader));
  assert_false(readable(end, 0));
  brood_pipe_free(writer);
  assert_true(readable(end, LONG_MS));
  brood_pipe_free(reader);
  FAILS(BROOD_E_INVALID, brood_handle_fd(NULL, &none, NULL));
}

static void epoll_sees_processes_and_futures(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  brood_process *process = NULL;
  OK(brood_process_start("hang", NULL, 0, NULL, &process, NULL));
  brood_future *future = submit(pool, "nothing", NULL, 0);
  const int loop = epoll_create1(EPOLL_CLOEXEC);
  brood_handle *handles[] = {brood_process_handle(process), brood_future_handle(future)};
  for (uint64_t i = 0; i < 2; ++i) {
    struct epoll_event event = {EPOLLIN | EPOLLONESHOT, {.u64 = i}};
    assert_int_equal(epoll_ctl(loop, EPOLL_CTL_ADD, fd_of(handles[i]), &event), 0);
  }
  struct epoll_event event;
  assert_int_equal(epoll_wait(loop, &event, 1, LONG_MS), 1);
  assert_int_equal(event.data.u64, 1);
  OK(brood_process_kill(process, NULL));
  assert_int_equal(epoll_wait(loop, &event, 1, LONG_MS), 1);
  assert_int_equal(event.data.u64, 0);
  close(loop);
  join_and_free(process);
  brood_future_free(future);
  end_pool(pool);
}

/* ---- libuv ----------------------------------------------------------------------------------- */

typedef struct uv_reader {
  uv_poll_t poll;
  brood_queue *queue;
  int received;
} uv_reader;

static void on_readable(uv_poll_t *poll, int status, int events) {
  uv_reader *reader = poll->data;
  (void)status;
  (void)events;
  /* Armed again before the last look, so that nothing is missed. */
  (void)fd_of(brood_queue_handle(reader->queue));
  for (;;) {
    brood_msg *msg = NULL;
    const brood_status got = brood_queue_get(reader->queue, 0, NULL, &msg, NULL);
    if (got == BROOD_E_CLOSED) uv_poll_stop(poll);
    if (got != BROOD_OK) return;
    ++reader->received;
    brood_msg_free(msg);
  }
}

static void libuv_reads_a_queue(void **state) {
  (void)state;
  uv_loop_t loop;
  assert_int_equal(uv_loop_init(&loop), 0);
  uv_reader reader = {.queue = make_queue(0, false)};
  const queue_order order = {3000, 100, 0};
  brood_process *process = start_with("put_many_numbered", &order, reader.queue, NULL);
  assert_int_equal(uv_poll_init(&loop, &reader.poll, fd_of(brood_queue_handle(reader.queue))), 0);
  reader.poll.data = &reader;
  assert_int_equal(uv_poll_start(&reader.poll, UV_READABLE, on_readable), 0);
  while (reader.received < 3000) assert_true(uv_run(&loop, UV_RUN_ONCE) != 0);
  OK(brood_queue_shutdown(reader.queue, NULL));
  uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(reader.received, 3000);
  uv_close((uv_handle_t *)&reader.poll, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&loop), 0);
  join_and_free(process);
  brood_queue_free(reader.queue);
}

/* ---- completion queues ----------------------------------------------------------------------- */

static void completions_take_anything(void **state) {
  (void)state;
  brood_completions *completions = NULL;
  OK(brood_completions_create(&completions, NULL));
  brood_queue *queue = make_queue(0, false);
  brood_pipe *a = NULL, *b = NULL;
  OK(brood_pipe_create(true, &a, &b, NULL));
  brood_process *process = NULL;
  OK(brood_process_start("hang", NULL, 0, NULL, &process, NULL));
  OK(brood_completions_add(completions, brood_queue_handle(queue), 1, NULL));
  OK(brood_completions_add(completions, brood_pipe_handle(a), 2, NULL));
  OK(brood_completions_add(completions, brood_process_handle(process), 3, NULL));
  const int fd = fd_of(brood_completions_handle(completions));
  assert_false(readable(fd, 0));
  uint64_t tag = 0;
  FAILS(BROOD_E_TIMEOUT, brood_completions_next(completions, 10, NULL, &tag, NULL));
  put_text(queue, "ready");
  assert_true(readable(fd, LONG_MS));
  OK(brood_completions_next(completions, LONG_MS, NULL, &tag, NULL));
  assert_int_equal(tag, 1);
  brood_pipe_free(b);
  OK(brood_completions_next(completions, LONG_MS, NULL, &tag, NULL));
  assert_int_equal(tag, 2);
  OK(brood_process_kill(process, NULL));
  OK(brood_completions_next(completions, LONG_MS, NULL, &tag, NULL));
  assert_int_equal(tag, 3);
  FAILS(BROOD_E_CLOSED, brood_completions_next(completions, 0, NULL, &tag, NULL));
  /* Freed while something is registered. */
  expect_text(queue, "ready");
  OK(brood_completions_add(completions, brood_queue_handle(queue), 4, NULL));
  brood_completions_free(completions);
  put_text(queue, "nobody cares");
  brood_queue_free(queue);
  brood_pipe_free(a);
  join_and_free(process);
}

int main(int argc, char **argv) {
  register_queue_workers();
  test_begin(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(poll_sees_queues_and_pipes),
      cmocka_unit_test(epoll_sees_processes_and_futures),
      cmocka_unit_test(libuv_reads_a_queue),
      cmocka_unit_test(completions_take_anything),
  };
  return RUN_TESTS("fd", tests);
}
