package org.brood;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Several arguments of one call: {@code pool.call(ADD, Arguments.of(1, 2))}.
 *
 * @param values the arguments in their order
 */
public record Arguments(List<?> values) {
  /** The arguments in their order; they may be null. */
  public static Arguments of(Object... values) {
    return new Arguments(Collections.unmodifiableList(Arrays.asList(values.clone())));
  }
}
