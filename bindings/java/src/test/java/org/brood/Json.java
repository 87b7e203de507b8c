package org.brood;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** As much of JSON as the golden values need. */
final class Json {
  private final String text;
  private int at;

  private Json(String text) {
    this.text = text;
  }

  static Object parse(String text) {
    return new Json(text).value();
  }

  private Object value() {
    skip();
    char c = text.charAt(at);
    if (c == '{') return object();
    if (c == '[') return array();
    if (c == '"') return string();
    int from = at;
    while (at < text.length() && ",]} \n".indexOf(text.charAt(at)) < 0) ++at;
    String word = text.substring(from, at);
    return switch (word) {
      case "null" -> null;
      case "true", "false" -> Boolean.valueOf(word);
      default -> Long.valueOf(word);
    };
  }

  private Map<String, Object> object() {
    Map<String, Object> object = new LinkedHashMap<>();
    ++at;
    while (next('}')) {
      String key = string();
      skip();
      ++at; // the colon
      object.put(key, value());
    }
    return object;
  }

  private List<Object> array() {
    List<Object> array = new ArrayList<>();
    ++at;
    while (next(']')) array.add(value());
    return array;
  }

  /** False at the end of an object or array. */
  private boolean next(char end) {
    skip();
    if (text.charAt(at) == ',') ++at;
    skip();
    if (text.charAt(at) != end) return true;
    ++at;
    return false;
  }

  private String string() {
    StringBuilder string = new StringBuilder();
    for (++at; text.charAt(at) != '"'; ++at) {
      char c = text.charAt(at);
      if (c != '\\') {
        string.append(c);
      } else if (text.charAt(++at) == 'u') {
        string.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16));
        at += 4;
      } else {
        string.append(text.charAt(at)); // a quote or a backslash
      }
    }
    ++at;
    return string.toString();
  }

  private void skip() {
    while (Character.isWhitespace(text.charAt(at))) ++at;
  }
}
