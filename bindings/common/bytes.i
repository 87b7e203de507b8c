// Bytes. The language supplies these patterns:
//   (const void *data, size_t size)             bytes in, borrowed for the call
//   (void *data, size_t size)                   a buffer that the call fills
//   (const brood_bytes *items, size_t count)    a list of bytes in
//   brood_view *out                             memory of the first argument, lent out
%apply (void *data, size_t size) { (void *buffer, size_t capacity) };

// Bare addresses: msg_bytes, shared_bytes and shared_read_only (view.hpp) stand for them.
%ignore brood_msg_data;
%ignore brood_shared_data;
%ignore brood_shared_view;
// Arrays of messages: a batch (batch.hpp) stands for them.
%ignore brood_msg_free_many;
%ignore brood_stream_next_many;
%ignore brood_queue_get_many;
// Arrays of structs and numbers: pool_worker_list and active_children_list (batch.hpp).
%ignore brood_pool_workers;
%ignore brood_active_children;

// Numbers that leave through parameters; scalar results in languages that have several.
%apply size_t *OUTPUT { size_t *out_index, size_t *out_size, size_t *out_count,
                        size_t *out_written };
%apply uint8_t *OUTPUT { uint8_t *out_codec };
%apply int32_t *OUTPUT { int32_t *out, int32_t *out_code, int32_t *out_signal, int32_t *out_fd };
%apply uint32_t *OUTPUT { uint32_t *out_index, uint32_t *out_woken, uint32_t *out_user };
%apply int64_t *OUTPUT { int64_t *out, int64_t *out_before, int64_t *out_pid };
%apply uint64_t *OUTPUT { uint64_t *out_index, uint64_t *out_tag };
%apply double *OUTPUT { double *out, double *out_before };
%apply bool *OUTPUT { bool *out_exchanged };
%apply int64_t *INOUT { int64_t *expected };
