package org.brood;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.brood.low.Handle;
import org.brood.low.Low;

/** A C struct of options or counts, filled by name. Lives as long as its Cleaner lets it. */
final class Fields {
  private final String type;
  private final Handle record;

  Fields(String type) {
    this.type = type;
    this.record = Low.record_create(type);
    Resources.CLEANER.register(this, record.closer());
  }

  Handle handle() {
    return record;
  }

  Fields set(String field, long value) {
    return checked(field, value, Low.record_set_int(record, field, value));
  }

  Fields set(String field, boolean value) {
    return set(field, value ? 1 : 0);
  }

  /** Null leaves the field as it is. */
  Fields set(String field, String value) {
    return value == null ? this : checked(field, value, Low.record_set_text(record, field, value));
  }

  Fields set(String field, byte[] value) {
    return value == null ? this : checked(field, "bytes", Low.record_set_bytes(record, field, value));
  }

  Fields addAll(String field, Collection<String> values) {
    if (values != null) {
      for (String value : values) checked(field, value, Low.record_add_text(record, field, value));
    }
    return this;
  }

  Fields addNumbers(String field, int... values) {
    for (int value : values) checked(field, value, Low.record_add_int(record, field, value));
    return this;
  }

  Fields setToken(String field, Handle token) {
    return checked(field, "a token", Low.record_set_cancel(record, field, token));
  }

  long get(String field) {
    return Low.record_get_int(record, field);
  }

  /** All numbers by name. */
  Map<String, Long> toMap() {
    Map<String, Long> values = new LinkedHashMap<>();
    long count = Low.record_field_count(record);
    for (long i = 0; i < count; ++i) {
      String name = Low.record_field_name(record, i);
      values.put(name, get(name));
    }
    return values;
  }

  private Fields checked(String field, Object value, boolean done) {
    if (done) return this;
    throw new IllegalArgumentException(field + " of " + type + " cannot be " + value);
  }
}
