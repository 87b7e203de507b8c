/* As much of MessagePack as the tasks of the matrix speak, for the program in C. Values are packed
 * in their shortest form, as all libraries do. */
#ifndef BROOD_TESTS_MATRIX_PACK_H
#define BROOD_TESTS_MATRIX_PACK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct packed {
  unsigned char bytes[256];
  size_t size;
} packed;

static inline void put_bytes(packed *to, const void *data, size_t size) {
  memcpy(to->bytes + to->size, data, size);
  to->size += size;
}

/* The type's byte and then `size` bytes of the value, the highest first. */
static inline void put_number(packed *to, unsigned char type, uint64_t value, int size) {
  put_bytes(to, &type, 1);
  for (int i = size - 1; i >= 0; --i) {
    const unsigned char byte = (unsigned char)(value >> (8 * i));
    put_bytes(to, &byte, 1);
  }
}

static inline void put_int(packed *to, int64_t value) {
  const uint64_t bits = (uint64_t)value;
  if (value >= -32 && value <= 127)
    put_number(to, (unsigned char)value, 0, 0);
  else if (value >= 0 && value <= UINT8_MAX)
    put_number(to, 0xcc, bits, 1);
  else if (value >= 0 && value <= UINT16_MAX)
    put_number(to, 0xcd, bits, 2);
  else if (value >= 0 && value <= UINT32_MAX)
    put_number(to, 0xce, bits, 4);
  else if (value >= 0)
    put_number(to, 0xcf, bits, 8);
  else if (value >= INT8_MIN)
    put_number(to, 0xd0, bits, 1);
  else if (value >= INT16_MIN)
    put_number(to, 0xd1, bits, 2);
  else if (value >= INT32_MIN)
    put_number(to, 0xd2, bits, 4);
  else
    put_number(to, 0xd3, bits, 8);
}

static inline void put_double(packed *to, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_number(to, 0xcb, bits, 8);
}

static inline void put_bool(packed *to, bool value) { put_number(to, value ? 0xc3 : 0xc2, 0, 0); }

/* At most 31 bytes. */
static inline void put_text(packed *to, const char *text) {
  put_number(to, (unsigned char)(0xa0 | strlen(text)), 0, 0);
  put_bytes(to, text, strlen(text));
}

/* At most 15 elements, which follow. */
static inline void put_array(packed *to, unsigned char count) {
  put_number(to, 0x90 | count, 0, 0);
}

/* Extension 1: the handle of that number among those attached to the message. */
static inline void put_handle(packed *to, unsigned char index) {
  put_number(to, 0xd4, 1, 1);
  put_bytes(to, &index, 1);
}

/* Reads one value after the other; `failed` once there was another than the one asked for. */
typedef struct reader {
  const unsigned char *at, *end;
  bool failed;
} reader;

static inline unsigned char read_byte(reader *from) {
  if (from->at == from->end) from->failed = true;
  return from->failed ? 0 : *from->at++;
}

static inline uint64_t read_big_endian(reader *from, int size) {
  uint64_t value = 0;
  for (int i = 0; i < size; ++i) value = value << 8 | read_byte(from);
  return value;
}

static inline int64_t read_int(reader *from) {
  const unsigned char type = read_byte(from);
  if (type <= 0x7f || type >= 0xe0) return (int8_t)type;
  switch (type) {
    case 0xcc:
      return (int64_t)read_big_endian(from, 1);
    case 0xcd:
      return (int64_t)read_big_endian(from, 2);
    case 0xce:
      return (int64_t)read_big_endian(from, 4);
    case 0xcf:
      return (int64_t)read_big_endian(from, 8);
    case 0xd0:
      return (int8_t)read_big_endian(from, 1);
    case 0xd1:
      return (int16_t)read_big_endian(from, 2);
    case 0xd2:
      return (int32_t)read_big_endian(from, 4);
    case 0xd3:
      return (int64_t)read_big_endian(from, 8);
    default:
      from->failed = true;
      return 0;
  }
}

static inline double read_double(reader *from) {
  if (read_byte(from) != 0xcb) from->failed = true;
  const uint64_t bits = read_big_endian(from, 8);
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline bool read_bool(reader *from) {
  const unsigned char type = read_byte(from);
  if (type != 0xc2 && type != 0xc3) from->failed = true;
  return type == 0xc3;
}

/* A text of less than 256 bytes, with a zero behind it. */
static inline void read_text(reader *from, char room[256]) {
  const unsigned char type = read_byte(from);
  size_t size = type & 0x1f;
  if (type == 0xd9)
    size = read_byte(from);
  else if ((type & 0xe0) != 0xa0)
    from->failed = true;
  if (size > (size_t)(from->end - from->at)) from->failed = true;
  if (from->failed) size = 0;
  memcpy(room, from->at, size);
  room[size] = '\0';
  from->at += size;
}

static inline void expect_array(reader *from, unsigned char count) {
  if (read_byte(from) != (0x90 | count)) from->failed = true;
}

/* The number of an attached handle. */
static inline size_t read_handle(reader *from) {
  if (read_byte(from) != 0xd4 || read_byte(from) != 1) from->failed = true;
  return read_byte(from);
}

#endif
