/* The standard streams of child processes, through the public header. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "subprocess.h"

static void pipes_carry_both_ways(void **state) {
  (void)state;
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  options.standard_input.kind = BROOD_STDIO_PIPE;
  options.standard_output.kind = BROOD_STDIO_PIPE;
  options.standard_error.kind = BROOD_STDIO_PIPE;
  brood_process *process = spawn_with(&options, "cat; echo oops >&2");
  char text[64];
  size_t size;
  assert_int_equal(brood_process_read(process, 1, text, sizeof text, 0, NULL, &size, NULL),
                   BROOD_E_TIMEOUT);
  assert_int_equal(brood_process_write(process, "hello", 5, LIMIT_MS, NULL, NULL, NULL), BROOD_OK);
  assert_int_equal(brood_process_read(process, 1, text, sizeof text, LIMIT_MS, NULL, &size, NULL),
                   BROOD_OK);
  assert_int_equal(size, 5);
  assert_memory_equal(text, "hello", 5);
  assert_int_equal(brood_process_close_input(process, NULL), BROOD_OK);
  assert_int_equal(brood_process_write(process, "x", 1, 0, NULL, NULL, NULL), BROOD_E_CLOSED);
  assert_int_equal(brood_process_read(process, 2, text, sizeof text, LIMIT_MS, NULL, &size, NULL),
                   BROOD_OK);
  assert_memory_equal(text, "oops\n", 5);
  assert_int_equal(brood_process_read(process, 1, text, sizeof text, LIMIT_MS, NULL, &size, NULL),
                   BROOD_E_CLOSED);
  assert_int_equal(brood_process_read(process, 0, text, sizeof text, 0, NULL, &size, NULL),
                   BROOD_E_INVALID);
  join(process);
  brood_process_free(process);
}

static void write_to_nobody_is_closed_and_no_signal(void **state) {
  (void)state;
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  options.standard_input.kind = BROOD_STDIO_PIPE;
  brood_process *process = spawn_with(&options, "exit 0");
  join(process);
  assert_int_equal(brood_process_write(process, "x", 1, LIMIT_MS, NULL, NULL, NULL),
                   BROOD_E_CLOSED);
  brood_process_free(process);
}

static void wait_until_stopped(int64_t pid) {
  char path[64], state = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  while (state != 'T') {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
    fclose(file);
  }
}

/* What fits into the pipe is written, and the caller knows how much that is. */
static void a_write_that_runs_out_of_time_says_how_far_it_came(void **state) {
  (void)state;
  enum { SIZE = 1 << 20 };
  static char bytes[SIZE];
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  options.standard_input.kind = BROOD_STDIO_PIPE;
  options.standard_output.kind = BROOD_STDIO_PIPE;
  brood_process *process = spawn_with(&options, "kill -STOP $$; wc -c");
  wait_until_stopped(brood_process_pid(process));
  size_t first = SIZE + 1, rest = SIZE + 1, got = 0;
  assert_int_equal(brood_process_write(process, bytes, SIZE, 0, NULL, &first, NULL),
                   BROOD_E_TIMEOUT);
  assert_true(first > 0 && first < SIZE);
  assert_int_equal(brood_process_signal(process, SIGCONT, NULL), BROOD_OK);
  assert_int_equal(
      brood_process_write(process, bytes + first, SIZE - first, LIMIT_MS, NULL, &rest, NULL),
      BROOD_OK);
  assert_int_equal(first + rest, SIZE);
  assert_int_equal(brood_process_close_input(process, NULL), BROOD_OK);
  char text[32] = {0};
  assert_int_equal(
      brood_process_read(process, 1, text, sizeof text - 1, LIMIT_MS, NULL, &got, NULL), BROOD_OK);
  assert_int_equal(strtoul(text, NULL, 10), SIZE);
  /* Nothing could be written: that is said too. */
  assert_int_equal(brood_process_write(process, "x", 1, LIMIT_MS, NULL, &rest, NULL),
                   BROOD_E_CLOSED);
  assert_int_equal(rest, 0);
  join(process);
  brood_process_free(process);
}

static void waiting_stream_is_cancelled(void **state) {
  (void)state;
  brood_cancel *cancel;
  char text[16];
  size_t size;
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  options.standard_output.kind = BROOD_STDIO_PIPE;
  assert_int_equal(brood_cancel_create(&cancel, NULL), BROOD_OK);
  brood_process *process = spawn_with(&options, "echo up; exec sleep 1000");
  assert_int_equal(brood_process_read(process, 1, text, 3, LIMIT_MS, cancel, &size, NULL),
                   BROOD_OK);
  assert_int_equal(brood_process_read(process, 1, text, 16, 20, cancel, &size, NULL),
                   BROOD_E_TIMEOUT);
  brood_cancel_fire(cancel);
  assert_int_equal(brood_process_read(process, 1, text, 16, LIMIT_MS, cancel, &size, NULL),
                   BROOD_E_CANCELED);
  assert_int_equal(brood_process_join(process, LIMIT_MS, cancel, NULL), BROOD_E_CANCELED);
  assert_int_equal(brood_process_kill(process, NULL), BROOD_OK);
  join(process);
  brood_process_free(process);
  brood_cancel_free(cancel);
}

struct lines {
  size_t count, bytes, longest;
  char first[32], last[32];
};

static void on_line(const char *line, size_t size, void *context) {
  struct lines *lines = context;
  size_t kept = size < 31 ? size : 31;
  char *copy = lines->count++ == 0 ? lines->first : lines->last;
  memcpy(copy, line, kept);
  copy[kept] = 0;
  lines->bytes += size;
  if (size > lines->longest) lines->longest = size;
}

static struct lines lines_of(const char *script) {
  struct lines lines;
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  memset(&lines, 0, sizeof lines);
  options.standard_output.kind = BROOD_STDIO_LINES;
  options.standard_output.on_line = on_line;
  options.standard_output.context = &lines;
  brood_process *process = spawn_with(&options, script);
  join(process);
  brood_process_free(process);
  return lines;
}

static void lines_are_whole(void **state) {
  (void)state;
  struct lines lines = lines_of("echo one; echo; printf 'last without end'");
  assert_int_equal(lines.count, 3);
  assert_string_equal(lines.first, "one");
  assert_string_equal(lines.last, "last without end");
  lines = lines_of("seq 1 100000");
  assert_int_equal(lines.count, 100000);
  assert_string_equal(lines.last, "100000");
  lines = lines_of("true");
  assert_int_equal(lines.count, 0);
}

static void line_of_ten_megabytes(void **state) {
  (void)state;
  struct lines lines = lines_of("head -c 10000000 /dev/zero; echo; echo end");
  assert_int_equal(lines.count, 2);
  assert_int_equal(lines.longest, 10000000);
  assert_string_equal(lines.last, "end");
}

static void files_truncate_append_and_read(void **state) {
  (void)state;
  char path[] = "/tmp/brood-test-XXXXXX";
  close(mkstemp(path));
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  options.standard_output.kind = BROOD_STDIO_FILE;
  options.standard_output.path = path;
  brood_process *process = spawn_with(&options, "echo one");
  join(process);
  brood_process_free(process);
  options.standard_output.append = true;
  process = spawn_with(&options, "echo two");
  join(process);
  brood_process_free(process);
  brood_process_options reading = BROOD_PROCESS_OPTIONS_INIT;
  reading.standard_input.kind = BROOD_STDIO_FILE;
  reading.standard_input.path = path;
  assert_output(&reading, "cat", "one\ntwo\n");
  unlink(path);
}

static void input_is_the_null_device(void **state) {
  (void)state;
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  assert_output(&options, "cat; echo end", "end\n");
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pipes_carry_both_ways),
      cmocka_unit_test(write_to_nobody_is_closed_and_no_signal),
      cmocka_unit_test(a_write_that_runs_out_of_time_says_how_far_it_came),
      cmocka_unit_test(waiting_stream_is_cancelled),
      cmocka_unit_test(lines_are_whole),
      cmocka_unit_test(line_of_ten_megabytes),
      cmocka_unit_test(files_truncate_append_and_read),
      cmocka_unit_test(input_is_the_null_device),
  };
  if (brood_init(argc, argv, NULL, NULL) != BROOD_OK) return 1;
  return cmocka_run_group_tests_name("streams", tests, NULL, NULL);
}
