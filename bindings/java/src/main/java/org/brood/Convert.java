package org.brood;

import java.lang.reflect.Array;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Values as they travelled, as values of the type that is wanted here. Nothing is lost on the way, or it fails. */
final class Convert {
  private Convert() {}

  static Object to(Object value, Type type) {
    if (type == Object.class || type == null) return value;
    if (type instanceof Class<?> wanted) return toClass(value, wanted);
    if (type instanceof ParameterizedType parameterized) return toParameterized(value, parameterized);
    if (type instanceof GenericArrayType array) {
      return toArray(value, raw(array.getGenericComponentType()), array.getGenericComponentType());
    }
    if (type instanceof WildcardType wildcard) return to(value, wildcard.getUpperBounds()[0]);
    if (type instanceof TypeVariable<?> variable) return to(value, variable.getBounds()[0]);
    return value;
  }

  private static Object toClass(Object value, Class<?> wanted) {
    if (wanted == void.class || wanted == Void.class) return null;
    if (value == null) {
      if (wanted == Optional.class) return Optional.empty();
      if (wanted.isPrimitive()) throw wrong(null, wanted);
      return null;
    }
    if (wanted.isInstance(value)) return value;
    if (value instanceof Number number) return toNumber(number, wanted);
    if (value instanceof Boolean && wanted == boolean.class) return value;
    if (value instanceof Character && wanted == char.class) return value;
    if (value instanceof String text) return toText(text, wanted);
    if (value instanceof byte[] bytes && wanted == ByteBuffer.class) return ByteBuffer.wrap(bytes);
    if (value instanceof SharedArray array && wanted == SharedLong.class) return new SharedLong(array);
    if (value instanceof SharedArray array && wanted == SharedDouble.class) return new SharedDouble(array);
    if (value instanceof Instant instant && wanted == Date.class) return Date.from(instant);
    if (wanted == Optional.class) return Optional.of(value);
    if (wanted.isArray()) return toArray(value, wanted.getComponentType(), wanted.getComponentType());
    if (wanted.isRecord() && value instanceof Map<?, ?> map) return toRecord(map, wanted);
    if (value instanceof Collection<?> items) {
      if (wanted.isAssignableFrom(LinkedHashSet.class)) return new LinkedHashSet<>(items);
      if (wanted == Arguments.class) return new Arguments(new ArrayList<>(items));
    }
    throw wrong(value, wanted);
  }

  private static Object toNumber(Number number, Class<?> wanted) {
    if (wanted == double.class || wanted == Double.class) return number.doubleValue();
    if (wanted == float.class || wanted == Float.class) return number.floatValue();
    if (wanted == BigInteger.class && number instanceof Long) return BigInteger.valueOf(number.longValue());
    // Of MessagePack every integer is a Long; of Java's own serialization it is what it was.
    if (number instanceof Double || number instanceof Float || number instanceof BigInteger) throw wrong(number, wanted);
    long value = number.longValue();
    if (wanted == long.class || wanted == Long.class || wanted == Number.class) return value;
    if ((wanted == int.class || wanted == Integer.class) && value == (int) value) return (int) value;
    if ((wanted == short.class || wanted == Short.class) && value == (short) value) return (short) value;
    if ((wanted == byte.class || wanted == Byte.class) && value == (byte) value) return (byte) value;
    throw wrong(number, wanted);
  }

  private static Object toText(String text, Class<?> wanted) {
    if ((wanted == char.class || wanted == Character.class) && text.length() == 1) return text.charAt(0);
    if (wanted.isEnum()) {
      for (Object constant : wanted.getEnumConstants()) {
        if (((Enum<?>) constant).name().equals(text)) return constant;
      }
    }
    throw wrong(text, wanted);
  }

  private static Object toParameterized(Object value, ParameterizedType type) {
    Class<?> raw = raw(type);
    Type[] parameters = type.getActualTypeArguments();
    if (value == null) return raw == Optional.class ? Optional.empty() : null;
    if (raw == Optional.class) return Optional.of(to(value, parameters[0]));
    if (value instanceof Map<?, ?> map && raw.isAssignableFrom(LinkedHashMap.class)) {
      Map<Object, Object> converted = new LinkedHashMap<>();
      map.forEach((key, item) -> converted.put(to(key, parameters[0]), to(item, parameters[1])));
      return converted;
    }
    if (value instanceof Collection<?> items) {
      Collection<Object> converted = Set.class.isAssignableFrom(raw) ? new LinkedHashSet<>() : new ArrayList<>();
      if (raw.isInstance(converted)) {
        for (Object item : items) converted.add(to(item, parameters[0]));
        return converted;
      }
    }
    if (value instanceof SharedQueue<?> queue) return queue.as(parameters[0]);
    if (value instanceof Pipe<?> pipe) return pipe.as(parameters[0]);
    return toClass(value, raw);
  }

  private static Object toArray(Object value, Class<?> component, Type componentType) {
    if (!(value instanceof List<?> items)) throw wrong(value, component.arrayType());
    Object array = Array.newInstance(component, items.size());
    for (int i = 0; i < items.size(); ++i) Array.set(array, i, to(items.get(i), componentType));
    return array;
  }

  private static Object toRecord(Map<?, ?> map, Class<?> wanted) {
    RecordComponent[] components = wanted.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    Object[] values = new Object[components.length];
    for (int i = 0; i < components.length; ++i) {
      types[i] = components[i].getType();
      values[i] = to(map.get(components[i].getName()), components[i].getGenericType());
    }
    try {
      var constructor = wanted.getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return constructor.newInstance(values);
    } catch (InvocationTargetException error) {
      throw new IllegalArgumentException("a " + wanted.getName() + " refuses " + map, error.getCause());
    } catch (ReflectiveOperationException error) {
      throw new IllegalArgumentException("a " + wanted.getName() + " cannot be made", error);
    }
  }

  static Object component(Record object, RecordComponent component) {
    try {
      component.getAccessor().setAccessible(true);
      return component.getAccessor().invoke(object);
    } catch (ReflectiveOperationException error) {
      throw new IllegalArgumentException(component + " cannot be read", error);
    }
  }

  static Class<?> raw(Type type) {
    if (type instanceof Class<?> plain) return plain;
    if (type instanceof ParameterizedType parameterized) return (Class<?>) parameterized.getRawType();
    if (type instanceof GenericArrayType array) return raw(array.getGenericComponentType()).arrayType();
    return Object.class;
  }

  private static IllegalArgumentException wrong(Object value, Class<?> wanted) {
    String what = value == null ? "null" : "a " + value.getClass().getSimpleName() + " (" + value + ")";
    return new IllegalArgumentException(what + " came where a " + wanted.getSimpleName() + " is wanted");
  }
}
