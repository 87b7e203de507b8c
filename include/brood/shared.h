/**
 * @file
 * Values and arrays in shared memory, for all processes of the family.
 */
#ifndef BROOD_SHARED_H
#define BROOD_SHARED_H

#include <brood/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the elements are. The comments give the type codes of Python's array module. */
enum {
  BROOD_TYPE_BOOL = 1,    /* ?  0 or 1, one byte */
  BROOD_TYPE_CHAR = 2,    /* c  one byte */
  BROOD_TYPE_WCHAR = 3,   /* u  four bytes */
  BROOD_TYPE_INT8 = 4,    /* b */
  BROOD_TYPE_UINT8 = 5,   /* B */
  BROOD_TYPE_INT16 = 6,   /* h */
  BROOD_TYPE_UINT16 = 7,  /* H */
  BROOD_TYPE_INT32 = 8,   /* i */
  BROOD_TYPE_UINT32 = 9,  /* I */
  BROOD_TYPE_INT64 = 10,  /* l q */
  BROOD_TYPE_UINT64 = 11, /* L Q */
  BROOD_TYPE_FLOAT = 12,  /* f */
  BROOD_TYPE_DOUBLE = 13, /* d */
  BROOD_TYPE_STRUCT = 14  /* anything else, by its size */
};

typedef struct brood_shared_options {
  size_t struct_size;
  uint32_t element_size; /* of BROOD_TYPE_STRUCT; 0 for the others, or their own */
  bool no_lock;          /* without a lock of its own */
} brood_shared_options;
#define BROOD_SHARED_OPTIONS_INIT \
  { sizeof(brood_shared_options), 0, false }

/**
 * Make an array of `count` elements, all zeros; a value is an array of one.
 *
 * @param type  BROOD_TYPE_...
 * @return BROOD_E_NO_MEMORY when the machine, a control group, or the family's shared memory has no
 * room for it. Once made, it is there: using it cannot fail for want of memory.
 */
BROOD_CALL brood_shared_create(uint32_t type, uint64_t count, const brood_shared_options *options,
                               brood_shared **out, brood_error **error);
/** The elements themselves, 128-byte aligned, until brood_shared_free(). */
BROOD_API void *brood_shared_data(brood_shared *shared);
BROOD_API uint64_t brood_shared_count(const brood_shared *shared);
BROOD_API uint32_t brood_shared_type(const brood_shared *shared);
BROOD_API uint32_t brood_shared_element_size(const brood_shared *shared);
/**
 * The elements as memory that cannot be written through: the kernel stops a write with a fault.
 *
 * It is a second mapping in this process, valid until brood_shared_free() of this handle; changes
 * that others make are seen through it. It guards against accidents, not against this process: that
 * still has brood_shared_data().
 */
BROOD_CALL brood_shared_view(brood_shared *shared, const void **out, brood_error **error);

/**
 * Copy elements out of the array, or into it.
 *
 * A single element of 1, 2, 4 or 8 bytes is copied whole; of more or larger ones others may change
 * some meanwhile, unless all use the lock.
 *
 * @param size  the bytes at `data`: count times the element's size, else BROOD_E_INVALID.
 */
BROOD_CALL brood_shared_read(brood_shared *shared, uint64_t first, uint64_t count, void *data,
                             size_t size, brood_error **error);
BROOD_CALL brood_shared_write(brood_shared *shared, uint64_t first, uint64_t count,
                              const void *data, size_t size, brood_error **error);

/**
 * One element of any integer type, BOOL, CHAR or WCHAR, atomically and in one order for all
 * processes. UINT64 travels as the int64_t with the same bits.
 *
 * @return BROOD_E_INVALID for other types, outside the array, and for a value that does not fit.
 */
BROOD_CALL brood_shared_get_int(brood_shared *shared, uint64_t index, int64_t *out,
                                brood_error **error);
BROOD_CALL brood_shared_set_int(brood_shared *shared, uint64_t index, int64_t value,
                                brood_error **error);
/** Add, wrapping round; `out_before` may be NULL. */
BROOD_CALL brood_shared_add_int(brood_shared *shared, uint64_t index, int64_t delta,
                                int64_t *out_before, brood_error **error);
/**
 * Set the element to `desired` if it is `*expected`; else put what it is there.
 *
 * @param out_exchanged  whether it was.
 */
BROOD_CALL brood_shared_compare_exchange(brood_shared *shared, uint64_t index, int64_t *expected,
                                         int64_t desired, bool *out_exchanged, brood_error **error);
/** The same for FLOAT and DOUBLE. */
BROOD_CALL brood_shared_get_float(brood_shared *shared, uint64_t index, double *out,
                                  brood_error **error);
BROOD_CALL brood_shared_set_float(brood_shared *shared, uint64_t index, double value,
                                  brood_error **error);
BROOD_CALL brood_shared_add_float(brood_shared *shared, uint64_t index, double delta,
                                  double *out_before, brood_error **error);

/** The array's own lock, a recursive one: see brood_lock_acquire(). BROOD_E_STATE if it has none.
 */
BROOD_CALL brood_shared_lock(brood_shared *shared, uint64_t owner, int64_t timeout_ms,
                             brood_cancel *cancel, brood_error **error);
BROOD_CALL brood_shared_unlock(brood_shared *shared, uint64_t owner, brood_error **error);
BROOD_CALL brood_shared_recover(brood_shared *shared, uint64_t owner, brood_error **error);
BROOD_API bool brood_shared_locked(const brood_shared *shared);

BROOD_API void brood_shared_free(brood_shared *shared);
/** Ready while its lock can be acquired; never without one. */
BROOD_API brood_handle *brood_shared_handle(brood_shared *shared);

#ifdef __cplusplus
}
#endif
#endif
