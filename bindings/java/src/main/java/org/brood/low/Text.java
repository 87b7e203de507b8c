package org.brood.low;

import java.nio.charset.StandardCharsets;

/** Text as C has it. */
final class Text {
  private Text() {}

  static byte[] utf8(String text) {
    if (text == null) return null;
    if (text.indexOf('\0') >= 0) throw new IllegalArgumentException("text for brood holds no NUL character");
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static String of(byte[] utf8) {
    return utf8 == null ? null : new String(utf8, StandardCharsets.UTF_8);
  }
}
