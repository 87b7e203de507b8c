package org.brood;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The java launcher's {@code @argfiles}: words from a file, as its command line would have them. */
final class ArgumentFiles {
  private ArgumentFiles() {}

  /** Replaces each {@code @file} before the main class by the words in it. */
  static List<String> expand(List<String> arguments) {
    List<String> expanded = new ArrayList<>();
    boolean enabled = true;
    boolean value = false;
    for (int i = 0; i < arguments.size(); ++i) {
      String word = arguments.get(i);
      if (enabled && !value && word.startsWith("@") && word.length() > 1) {
        if (word.startsWith("@@")) {
          expanded.add(word.substring(1));
          continue;
        }
        List<String> words = read(Path.of(word.substring(1)));
        if (words == null) {
          expanded.add(word);
        } else {
          expanded.addAll(words);
        }
        continue;
      }
      if (word.equals("--disable-@files")) enabled = false;
      // The main class ends it: what follows is the program's own.
      if (!value && !word.startsWith("-")) {
        expanded.addAll(arguments.subList(i, arguments.size()));
        return expanded;
      }
      value = takesValue(word);
      expanded.add(word);
    }
    return expanded;
  }

  private static boolean takesValue(String word) {
    return word.equals("-cp")
        || word.equals("-classpath")
        || word.equals("-p")
        || word.equals("-jar")
        || word.equals("-m")
        || (word.startsWith("--")
            && word.indexOf('=') < 0
            && !word.equals("--enable-preview")
            && !word.equals("--disable-@files")
            && !word.startsWith("--illegal-access")
            && !word.equals("--dry-run")
            && !word.equals("--validate-modules"));
  }

  /** Null if it cannot be read: the launcher would say why. */
  private static List<String> read(Path file) {
    try {
      return parse(new String(Files.readAllBytes(file), Charset.defaultCharset()));
    } catch (IOException error) {
      return null;
    }
  }

  /** Words between white space; quotes hold a word together; # begins a comment; \ escapes within quotes. */
  static List<String> parse(String text) {
    List<String> words = new ArrayList<>();
    StringBuilder word = null;
    for (int i = 0; i < text.length(); ++i) {
      char c = text.charAt(i);
      if (c == '#' && word == null) {
        while (i + 1 < text.length() && text.charAt(i + 1) != '\n' && text.charAt(i + 1) != '\r') ++i;
      } else if (Character.isWhitespace(c)) {
        if (word != null) words.add(word.toString());
        word = null;
      } else {
        if (word == null) word = new StringBuilder();
        if (c == '"' || c == '\'') {
          i = quoted(text, i, word);
        } else {
          word.append(c);
        }
      }
    }
    if (word != null) words.add(word.toString());
    return words;
  }

  /** Appends what stands between the quote at {@code from} and its partner; gives the partner's place. */
  private static int quoted(String text, int from, StringBuilder word) {
    char quote = text.charAt(from);
    for (int i = from + 1; i < text.length(); ++i) {
      char c = text.charAt(i);
      if (c == quote) return i;
      if (c != '\\' || i + 1 == text.length()) {
        word.append(c);
        continue;
      }
      char escaped = text.charAt(++i);
      switch (escaped) {
        case 'n' -> word.append('\n');
        case 'r' -> word.append('\r');
        case 't' -> word.append('\t');
        case 'f' -> word.append('\f');
        case '\n', '\r' -> {
          // A line that goes on: its indentation is not part of it.
          while (i + 1 < text.length() && Character.isWhitespace(text.charAt(i + 1))) ++i;
        }
        default -> word.append(escaped);
      }
    }
    return text.length();
  }
}
