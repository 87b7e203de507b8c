package org.brood;

import org.brood.low.Low;

/** What the elements of a {@link SharedArray} are. The numbers are the same in every language. */
public enum ElementType {
  BOOL(Low.TYPE_BOOL),
  CHAR(Low.TYPE_CHAR),
  WCHAR(Low.TYPE_WCHAR),
  INT8(Low.TYPE_INT8),
  UINT8(Low.TYPE_UINT8),
  INT16(Low.TYPE_INT16),
  UINT16(Low.TYPE_UINT16),
  INT32(Low.TYPE_INT32),
  UINT32(Low.TYPE_UINT32),
  INT64(Low.TYPE_INT64),
  UINT64(Low.TYPE_UINT64),
  FLOAT(Low.TYPE_FLOAT),
  DOUBLE(Low.TYPE_DOUBLE),
  STRUCT(Low.TYPE_STRUCT);

  final int number;

  ElementType(int number) {
    this.number = number;
  }

  static ElementType of(long number) {
    for (ElementType type : values()) {
      if (type.number == number) return type;
    }
    throw new ProtocolException("an array's elements are of the unknown type " + number);
  }
}
