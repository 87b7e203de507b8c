/* Values and arrays: what Python's test suite says of Value, Array and their raw kin. */
#include <unistd.h>

#include "family.h"

static brood_shared *make_shared(uint32_t type, uint64_t count) {
  brood_shared *shared = NULL;
  OK(brood_shared_create(type, count, NULL, &shared, NULL));
  return shared;
}

typedef struct type_row {
  uint32_t type;
  uint32_t size;
  int64_t low, high; /* what fits; 0 and 0 for floats */
} type_row;

static const type_row rows[] = {
    {BROOD_TYPE_BOOL, 1, 0, 1},
    {BROOD_TYPE_CHAR, 1, 0, UINT8_MAX},
    {BROOD_TYPE_WCHAR, 4, 0, UINT32_MAX},
    {BROOD_TYPE_INT8, 1, INT8_MIN, INT8_MAX},
    {BROOD_TYPE_UINT8, 1, 0, UINT8_MAX},
    {BROOD_TYPE_INT16, 2, INT16_MIN, INT16_MAX},
    {BROOD_TYPE_UINT16, 2, 0, UINT16_MAX},
    {BROOD_TYPE_INT32, 4, INT32_MIN, INT32_MAX},
    {BROOD_TYPE_UINT32, 4, 0, UINT32_MAX},
    {BROOD_TYPE_INT64, 8, INT64_MIN, INT64_MAX},
    {BROOD_TYPE_UINT64, 8, 0, -1},
    {BROOD_TYPE_FLOAT, 4, 0, 0},
    {BROOD_TYPE_DOUBLE, 8, 0, 0},
};
enum { kRows = sizeof rows / sizeof *rows };

static bool is_float(uint32_t type) {
  return type == BROOD_TYPE_FLOAT || type == BROOD_TYPE_DOUBLE;
}

static void test_value_of_every_type(void **state) {
  (void)state;
  for (int i = 0; i < kRows; ++i) {
    const type_row *row = &rows[i];
    brood_shared *value = make_shared(row->type, 1);
    assert_int_equal(brood_shared_type(value), row->type);
    assert_int_equal(brood_shared_element_size(value), row->size);
    assert_int_equal(brood_shared_count(value), 1);
    int64_t number = 77;
    double real = 77;
    if (is_float(row->type)) {
      OK(brood_shared_get_float(value, 0, &real, NULL));
      assert_true(real == 0);
      OK(brood_shared_set_float(value, 0, -2.5, NULL));
      OK(brood_shared_add_float(value, 0, 0.25, &real, NULL));
      assert_true(real == -2.5);
      OK(brood_shared_get_float(value, 0, &real, NULL));
      assert_true(real == -2.25);
      FAILS(BROOD_E_INVALID, brood_shared_get_int(value, 0, &number, NULL));
    } else {
      OK(brood_shared_get_int(value, 0, &number, NULL));
      assert_int_equal(number, 0);
      OK(brood_shared_set_int(value, 0, row->low, NULL));
      OK(brood_shared_get_int(value, 0, &number, NULL));
      assert_true(number == row->low);
      OK(brood_shared_set_int(value, 0, row->high, NULL));
      OK(brood_shared_get_int(value, 0, &number, NULL));
      assert_true(number == row->high);
      if (row->size < 8 && row->type != BROOD_TYPE_BOOL) {
        FAILS(BROOD_E_INVALID, brood_shared_set_int(value, 0, row->high + 1, NULL));
        FAILS(BROOD_E_INVALID, brood_shared_set_int(value, 0, row->low - 1, NULL));
        SAYS("does not fit");
      }
      FAILS(BROOD_E_INVALID, brood_shared_get_float(value, 0, &real, NULL));
    }
    FAILS(BROOD_E_INVALID, brood_shared_set_int(value, 1, 0, NULL));
    brood_shared_free(value);
  }
}

static void adds_and_compares(void **state) {
  (void)state;
  brood_shared *value = make_shared(BROOD_TYPE_UINT8, 3);
  int64_t before = 9;
  OK(brood_shared_add_int(value, 1, 250, &before, NULL));
  assert_int_equal(before, 0);
  OK(brood_shared_add_int(value, 1, 10, NULL, NULL));
  int64_t number = 0;
  OK(brood_shared_get_int(value, 1, &number, NULL));
  assert_int_equal(number, 4);
  bool exchanged = true;
  int64_t expected = 5;
  OK(brood_shared_compare_exchange(value, 1, &expected, 6, &exchanged, NULL));
  assert_false(exchanged);
  assert_int_equal(expected, 4);
  OK(brood_shared_compare_exchange(value, 1, &expected, 6, &exchanged, NULL));
  assert_true(exchanged);
  const uint8_t *bytes = brood_shared_data(value);
  assert_int_equal(bytes[0], 0);
  assert_int_equal(bytes[1], 6);
  assert_int_equal(bytes[2], 0);
  FAILS(BROOD_E_INVALID, brood_shared_compare_exchange(value, 1, &expected, 256, &exchanged, NULL));
  brood_shared *flag = make_shared(BROOD_TYPE_BOOL, 1);
  OK(brood_shared_set_int(flag, 0, -5, NULL));
  OK(brood_shared_get_int(flag, 0, &number, NULL));
  assert_int_equal(number, 1);
  FAILS(BROOD_E_INVALID, brood_shared_add_int(flag, 0, 1, NULL, NULL));
  brood_shared_free(flag);
  brood_shared_free(value);
}

/* handles: an array; the number is how often to add to its first element under its lock */
CHILD(adds) {
  (void)context;
  brood_shared *numbers = NULL;
  CHECK(brood_msg_take_shared(brood_task_args(task), 0, &numbers, NULL) == BROOD_OK);
  int32_t *value = brood_shared_data(numbers);
  for (int64_t i = 0; i < number_of(task); ++i) {
    CHECK(brood_shared_lock(numbers, 0, LONG_MS, NULL, NULL) == BROOD_OK);
    ++value[0];
    CHECK(brood_shared_unlock(numbers, 0, NULL) == BROOD_OK);
    CHECK(brood_shared_add_int(numbers, 1, 1, NULL, NULL) == BROOD_OK);
  }
  brood_shared_free(numbers);
}

static void test_array_between_processes(void **state) {
  (void)state;
  brood_shared *numbers = make_shared(BROOD_TYPE_INT32, 10);
  brood_handle *handle = brood_shared_handle(numbers);
  brood_process *processes[3];
  for (int i = 0; i < 3; ++i) processes[i] = start_with("adds", 10000, &handle, 1);
  for (int i = 0; i < 3; ++i) ended_well(processes[i]);
  const int32_t *value = brood_shared_data(numbers);
  assert_int_equal(value[0], 30000);
  assert_int_equal(value[1], 30000);
  brood_shared_free(numbers);
}

static void test_slices(void **state) {
  (void)state;
  brood_shared *array = make_shared(BROOD_TYPE_UINT16, 100);
  uint16_t given[100];
  uint16_t got[100];
  for (int i = 0; i < 100; ++i) given[i] = (uint16_t)(i * 7);
  OK(brood_shared_write(array, 0, 100, given, sizeof given, NULL));
  OK(brood_shared_read(array, 0, 100, got, sizeof got, NULL));
  assert_memory_equal(given, got, sizeof given);
  OK(brood_shared_write(array, 10, 1, &given[99], 2, NULL));
  OK(brood_shared_read(array, 9, 3, got, 6, NULL));
  assert_int_equal(got[0], given[9]);
  assert_int_equal(got[1], given[99]);
  assert_int_equal(got[2], given[11]);
  OK(brood_shared_read(array, 10, 1, got, 2, NULL));
  OK(brood_shared_read(array, 100, 0, NULL, 0, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_read(array, 99, 2, got, 4, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_read(array, 101, 0, got, 0, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_read(array, UINT64_MAX, 2, got, 4, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_write(array, 0, 2, got, 3, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_write(array, 0, 2, NULL, 4, NULL));
  brood_shared_free(array);
}

typedef struct point {
  double x, y, z;
} point;

static void structs_by_size(void **state) {
  (void)state;
  brood_shared_options options = BROOD_SHARED_OPTIONS_INIT;
  brood_shared *points = NULL;
  FAILS(BROOD_E_INVALID, brood_shared_create(BROOD_TYPE_STRUCT, 4, &options, &points, NULL));
  options.element_size = sizeof(point);
  OK(brood_shared_create(BROOD_TYPE_STRUCT, 4, &options, &points, NULL));
  const point given = {1, 2, 3};
  point got = {0};
  OK(brood_shared_write(points, 2, 1, &given, sizeof given, NULL));
  OK(brood_shared_read(points, 2, 1, &got, sizeof got, NULL));
  assert_memory_equal(&given, &got, sizeof given);
  OK(brood_shared_read(points, 3, 1, &got, sizeof got, NULL));
  assert_true(got.x == 0 && got.y == 0 && got.z == 0);
  brood_shared_free(points);
}

static void test_getlock(void **state) {
  (void)state;
  brood_shared *value = make_shared(BROOD_TYPE_INT32, 1);
  assert_false(brood_shared_locked(value));
  OK(brood_shared_lock(value, 0, 0, NULL, NULL));
  OK(brood_shared_lock(value, 0, 0, NULL, NULL));
  assert_true(brood_shared_locked(value));
  FAILS(BROOD_E_TIMEOUT, brood_shared_lock(value, 7, 0, NULL, NULL));
  OK(brood_shared_unlock(value, 0, NULL));
  OK(brood_shared_unlock(value, 0, NULL));
  FAILS(BROOD_E_STATE, brood_shared_unlock(value, 0, NULL));
  FAILS(BROOD_E_STATE, brood_shared_recover(value, 0, NULL));
  brood_shared_free(value);
  brood_shared_options options = BROOD_SHARED_OPTIONS_INIT;
  options.no_lock = true;
  OK(brood_shared_create(BROOD_TYPE_INT32, 1, &options, &value, NULL));
  FAILS(BROOD_E_STATE, brood_shared_lock(value, 0, 0, NULL, NULL));
  SAYS("without a lock");
  assert_false(brood_shared_locked(value));
  brood_shared_free(value);
}

static void freed_memory_never_shows_old_data(void **state) {
  (void)state;
  static const uint64_t sizes[] = {1, 100, 5000, 100000, 3000000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    for (int round = 0; round < 3; ++round) {
      brood_shared *array = make_shared(BROOD_TYPE_UINT8, sizes[i]);
      unsigned char *bytes = brood_shared_data(array);
      for (uint64_t at = 0; at < sizes[i]; ++at) assert_int_equal(bytes[at], 0);
      memset(bytes, 0xab, sizes[i]);
      brood_shared_free(array);
    }
  }
}

/* handles: an array. Writes through its view, which the kernel must stop. */
CHILD(writes_through_its_view) {
  (void)context;
  brood_shared *array = NULL;
  const void *view = NULL;
  CHECK(brood_msg_take_shared(brood_task_args(task), 0, &array, NULL) == BROOD_OK);
  CHECK(brood_shared_view(array, &view, NULL) == BROOD_OK);
  int64_t first = 0;
  memcpy(&first, view, sizeof first);
  CHECK(first == 4711);
  *(volatile int64_t *)(uintptr_t)view = 1;
}

static void views_cannot_be_written(void **state) {
  (void)state;
  brood_shared *array = make_shared(BROOD_TYPE_INT64, 20000);
  const void *view = NULL;
  OK(brood_shared_view(array, &view, NULL));
  OK(brood_shared_set_int(array, 0, 4711, NULL));
  OK(brood_shared_set_int(array, 19999, 4712, NULL));
  assert_int_equal(((const int64_t *)view)[0], 4711);
  assert_int_equal(((const int64_t *)view)[19999], 4712);
  const void *again = NULL;
  OK(brood_shared_view(array, &again, NULL));
  assert_ptr_equal(view, again);
  brood_handle *handle = brood_shared_handle(array);
  brood_process *process = start_with("writes_through_its_view", 0, &handle, 1);
  OK(brood_process_join(process, LONG_MS, NULL, NULL));
  int32_t signal_number = 0;
  OK(brood_process_exit_signal(process, &signal_number, NULL));
  assert_int_equal(signal_number, SIGSEGV);
  brood_process_free(process);
  brood_shared_free(array);
}

static void too_much_is_an_error_code(void **state) {
  (void)state;
  brood_shared *array = NULL;
  FAILS(BROOD_E_NO_MEMORY, brood_shared_create(BROOD_TYPE_INT64, UINT64_MAX, NULL, &array, NULL));
  FAILS(BROOD_E_NO_MEMORY,
        brood_shared_create(BROOD_TYPE_INT64, UINT64_MAX / 8 + 2, NULL, &array, NULL));
  FAILS(BROOD_E_NO_MEMORY,
        brood_shared_create(BROOD_TYPE_UINT8, (uint64_t)1 << 38, NULL, &array, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_create(BROOD_TYPE_INT64, 0, NULL, &array, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_create(0, 1, NULL, &array, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_create(15, 1, NULL, &array, NULL));
  assert_null(array);
  /* And the library still works. */
  array = make_shared(BROOD_TYPE_INT64, 1000000);
  brood_shared_free(array);
}

static const child_function functions[] = {{"adds", adds},
                                           {"writes_through_its_view", writes_through_its_view}};
static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_value_of_every_type),
    cmocka_unit_test(adds_and_compares),
    cmocka_unit_test(test_array_between_processes),
    cmocka_unit_test(test_slices),
    cmocka_unit_test(structs_by_size),
    cmocka_unit_test(test_getlock),
    cmocka_unit_test(freed_memory_never_shows_old_data),
    cmocka_unit_test(views_cannot_be_written),
    cmocka_unit_test(too_much_is_an_error_code),
};
RUN_WITH(functions, tests)
