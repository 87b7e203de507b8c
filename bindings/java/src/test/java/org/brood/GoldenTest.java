package org.brood;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What every language reads and writes. */
class GoldenTest {
  private static final SharedEvent EVENT = new SharedEvent();
  private static final SharedLock LOCK = new SharedLock();
  private static final SharedCondition CONDITION = LOCK.newCondition();

  @TestFactory
  @SuppressWarnings("unchecked")
  Stream<DynamicTest> values() throws Exception {
    String told = System.getProperty("brood.golden", "../golden/values.json");
    List<Object> entries = (List<Object>) Json.parse(Files.readString(Path.of(told)));
    assertTrue(entries.size() > 50);
    return entries.stream()
        .map(entry -> (Map<String, Object>) entry)
        .map(entry -> DynamicTest.dynamicTest((String) entry.get("name"), () -> check(entry)));
  }

  private static void check(Map<String, Object> entry) {
    byte[] bytes = HexFormat.of().parseHex((String) entry.get("hex"));
    if (entry.get("type").equals("call")) {
      // A task in Java has no keywords.
      assertThrows(UnsupportedOperationException.class, () -> new Unpacker(null).unpack(bytes));
      return;
    }
    Object value = value(entry);
    try (Handle msg = withHandles(bytes)) {
      assertTrue(same(value, Message.decode(msg)));
    }
    if (entry.containsKey("read_only") || value instanceof Integer) return;
    // A handle's number is its place among those of the message: only 0 comes first.
    if (entry.get("type").equals("handles") && !entry.get("value").equals(List.of(0L))) return;
    assertArrayEquals(bytes, new Packer(new ArrayList<>()).pack(value));
  }

  private static Handle withHandles(byte[] bytes) {
    Out out = new Out();
    BroodException.check(Low.msg_create(bytes, Low.CODEC_MSGPACK, out));
    Handle msg = out.take();
    for (Shared each : List.of(EVENT, LOCK, CONDITION)) {
      BroodException.check(Low.msg_attach(msg, each.waitHandle()));
    }
    return msg;
  }

  @SuppressWarnings("unchecked")
  private static Object value(Map<String, Object> entry) {
    Object value = entry.get("value");
    return switch ((String) entry.get("type")) {
      case "nil" -> null;
      case "int" -> {
        BigInteger big = new BigInteger((String) value);
        yield big.bitLength() < 64 ? (Object) big.longValue() : big;
      }
      case "float" -> switch ((String) value) {
        case "inf" -> Double.POSITIVE_INFINITY;
        case "-inf" -> Double.NEGATIVE_INFINITY;
        case "nan" -> Double.NaN;
        default -> Double.valueOf((String) value);
      };
      case "binary" -> HexFormat.of().parseHex((String) value);
      case "array" -> ((List<Map<String, Object>>) value).stream().map(GoldenTest::value).toList();
      case "map" -> {
        Map<Object, Object> map = new LinkedHashMap<>();
        for (List<Map<String, Object>> pair : (List<List<Map<String, Object>>>) value) {
          map.put(value(pair.get(0)), value(pair.get(1)));
        }
        yield map;
      }
      case "timestamp" -> {
        Map<String, Object> time = (Map<String, Object>) value;
        yield Instant.ofEpochSecond((Long) time.get("seconds"), (Long) time.get("nanoseconds"));
      }
      case "handles" -> value.equals(List.of(0L)) ? EVENT : CONDITION;
      default -> value;
    };
  }

  private static boolean same(Object expected, Object got) {
    if (expected instanceof Shared) return expected.getClass() == got.getClass();
    if (expected instanceof byte[] bytes) return java.util.Arrays.equals(bytes, (byte[]) got);
    if (expected instanceof Map<?, ?> map && map.containsValue(EVENT)) {
      return ((Map<?, ?>) got).get("queue") instanceof SharedEvent;
    }
    return java.util.Objects.equals(expected, got);
  }

  @Test
  void damagedBytesAreToldApart() {
    for (String hex : List.of("", "92", "c1", "c4ff00", "0101", "dd7fffffff", "d40105", "c70505aabbccddee")) {
      byte[] bytes = HexFormat.of().parseHex(hex);
      assertThrows(ProtocolException.class, () -> new Unpacker(null).unpack(bytes), hex);
    }
    byte[] deep = new byte[5000];
    java.util.Arrays.fill(deep, (byte) 0x91);
    assertThrows(ProtocolException.class, () -> new Unpacker(null).unpack(deep));
  }

  @Test
  void conditionTravelsAsTwoHandles() {
    List<Handle> handles = new ArrayList<>();
    assertArrayEquals(new byte[] {(byte) 0xd5, 1, 0, 1}, new Packer(handles).pack(CONDITION));
    assertEquals(2, handles.size());
  }
}
