// Options and counts by name: a C struct of the interface, together with the storage that its
// strings and arrays need. One native object serves every struct and every language, and a new
// field is one line in record_layouts.hpp. Belongs to the binding's hand-written storey, which
// makes one, fills it, passes it to any number of calls, and frees it.
#pragma once

#include <brood/brood.h>

/** What brood_start() takes: brood_init_options, and the workers' default command. */
typedef struct brood_start_options {
  size_t struct_size;
  uint64_t arena_bytes;
  bool manual_worker;
  const char *const *command;
} brood_start_options;

#ifndef SWIG
#include "common/record_layouts.hpp"
#else
struct brood_record;
#endif

/** Make the record of a struct by its name without "brood_": "pool_options". NULL: there is none.
 */
inline brood_record *brood_record_create(const char *type) {
  const brood_binding::Layout *layout = brood_binding::find_layout(type);
  return layout != nullptr ? new brood_record(*layout) : nullptr;
}
inline void brood_record_free(brood_record *record) { delete record; }

/** Set a number or a truth value. False: there is no such field, or the value does not fit. */
inline bool brood_record_set_int(brood_record *record, const char *field, int64_t value) {
  const brood_binding::Field *found = record->find(field);
  return found != nullptr && brood_binding::store(*found, record->bytes(), value);
}
/** Set a string. False: there is no such field, or it holds no string. */
inline bool brood_record_set_text(brood_record *record, const char *field, const char *text) {
  return record->set_text(field, text);
}
/** Set bytes: "initializer_data". */
inline bool brood_record_set_bytes(brood_record *record, const char *field, const void *data,
                                   size_t size) {
  return record->set_bytes(field, data, size);
}
/** Append to a list of strings: "command", "env". */
inline bool brood_record_add_text(brood_record *record, const char *field, const char *text) {
  return record->add_text(field, text);
}
/** Append to a list of numbers: "limits.cpus". */
inline bool brood_record_add_int(brood_record *record, const char *field, uint32_t value) {
  return record->add_number(field, value);
}
/** Set a token, "cancel", which must live as long as the record is used. */
inline bool brood_record_set_cancel(brood_record *record, const char *field, brood_cancel *cancel) {
  return record->set_object(field, cancel);
}
/** Set a message, "initializer_msg", which must live until the record was used. */
inline bool brood_record_set_msg(brood_record *record, const char *field, brood_msg *msg) {
  return record->set_object(field, msg);
}

/** The value of a number field; 0 if there is no such field. */
inline int64_t brood_record_get_int(const brood_record *record, const char *field) {
  const brood_binding::Field *found = record->find(field);
  return found != nullptr ? brood_binding::load(*found, record->bytes()) : 0;
}
inline size_t brood_record_field_count(const brood_record *record) {
  return record->layout().count;
}
/** The name of field number `index`, static; "" beyond the last. */
inline const char *brood_record_field_name(const brood_record *record, size_t index) {
  return index < record->layout().count ? record->layout().fields[index].name : "";
}

/** brood_init() with the command in a record. */
inline brood_status brood_start(const brood_start_options *options, brood_error **error) {
  brood_init_options init = BROOD_INIT_OPTIONS_INIT;
  int count = 0;
  if (options != nullptr) {
    init.arena_bytes = options->arena_bytes;
    init.manual_worker = options->manual_worker;
    while (options->command != nullptr && options->command[count] != nullptr) ++count;
  }
  return brood_init(count, count > 0 ? const_cast<char *const *>(options->command) : nullptr, &init,
                    error);
}
