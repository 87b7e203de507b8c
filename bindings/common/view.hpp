// Bytes that C hands round by address. A view is memory that is lent out without a copy: a
// message's bytes, the elements of a shared array. The language makes its own kind of view of it
// (buffer protocol, ByteBuffer, slice), which keeps the handle alive that it came from.
#pragma once

#include <brood/brood.h>

struct brood_view {
  void *data;
  size_t size;
  bool read_only;
};

/** The bytes of a message, which others may have mapped too: not to be written unless it is a loan
 * or new. */
inline brood_status brood_msg_bytes(brood_msg *msg, bool read_only, brood_view *out,
                                    brood_error **error) {
  (void)error;
  *out = brood_view{brood_msg_data(msg), brood_msg_size(msg), read_only};
  return BROOD_OK;
}

/** brood_process_write(), which fails only if nothing was written; after a part it is to be called
 * again with the rest. */
inline brood_status brood_process_write_some(brood_process *process, const void *data, size_t size,
                                             int64_t timeout_ms, brood_cancel *cancel,
                                             size_t *out_written, brood_error **error) {
  brood_error *failure = nullptr;
  size_t written = 0;
  const brood_status status =
      brood_process_write(process, data, size, timeout_ms, cancel, &written, &failure);
  if (status == BROOD_OK || written > 0) {
    brood_error_free(failure);
    *out_written = written;
    return BROOD_OK;
  }
  *error = failure;
  return status;
}

/** The elements of a shared array. */
inline brood_status brood_shared_bytes(brood_shared *shared, brood_view *out, brood_error **error) {
  (void)error;
  const size_t size = brood_shared_count(shared) * brood_shared_element_size(shared);
  *out = brood_view{brood_shared_data(shared), size, false};
  return BROOD_OK;
}

/** The elements through a mapping that the kernel does not let this process write through. */
inline brood_status brood_shared_read_only(brood_shared *shared, brood_view *out,
                                           brood_error **error) {
  const void *data = nullptr;
  const brood_status status = brood_shared_view(shared, &data, error);
  if (status != BROOD_OK) return status;
  const size_t size = brood_shared_count(shared) * brood_shared_element_size(shared);
  *out = brood_view{const_cast<void *>(data), size, true};
  return BROOD_OK;
}
