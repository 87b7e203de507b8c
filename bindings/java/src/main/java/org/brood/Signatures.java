package org.brood;

import java.lang.invoke.MethodType;
import java.lang.invoke.SerializedLambda;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;

/** What a function takes and gives, read off the lambda or method reference. */
final class Signatures {
  private Signatures() {}

  record Signature(Type[] arguments, Type result) {}

  static Signature of(Functions.Function function, int count) {
    Signature found = ofLambda(function);
    if (found == null) found = ofMethod(function, count);
    return found;
  }

  // A serializable lambda tells how its types were inferred.
  private static Signature ofLambda(Functions.Function function) {
    try {
      Method replace = function.getClass().getDeclaredMethod("writeReplace");
      replace.setAccessible(true);
      if (!(replace.invoke(function) instanceof SerializedLambda lambda)) return null;
      ClassLoader loader = function.getClass().getClassLoader();
      Type[] exact = exactTypes(lambda, loader);
      MethodType type = MethodType.fromMethodDescriptorString(lambda.getInstantiatedMethodType(), loader);
      if (exact == null) return new Signature(type.parameterArray(), type.returnType());
      int count = exact.length - 1;
      return new Signature(java.util.Arrays.copyOf(exact, count), exact[count]);
    } catch (ReflectiveOperationException | RuntimeException error) {
      return null; // no lambda, or in a module that does not open itself
    }
  }

  /** Of a static method that is referred to: its types with what stands between their angle brackets. */
  private static Type[] exactTypes(SerializedLambda lambda, ClassLoader loader) throws ReflectiveOperationException {
    if (lambda.getImplMethodKind() != java.lang.invoke.MethodHandleInfo.REF_invokeStatic) return null;
    MethodType type = MethodType.fromMethodDescriptorString(lambda.getImplMethodSignature(), loader);
    int wanted = MethodType.fromMethodDescriptorString(lambda.getInstantiatedMethodType(), loader).parameterCount();
    if (type.parameterCount() != wanted) return null; // a lambda that captured something
    Class<?> owner = Class.forName(lambda.getImplClass().replace('/', '.'), false, loader);
    Method method = owner.getDeclaredMethod(lambda.getImplMethodName(), type.parameterArray());
    // A lambda's own method knows no generics.
    if (method.isSynthetic() || method.getTypeParameters().length > 0) return null;
    Type[] types = new Type[wanted + 1];
    System.arraycopy(method.getGenericParameterTypes(), 0, types, 0, wanted);
    types[wanted] = method.getGenericReturnType();
    return types;
  }

  private static Signature ofMethod(Functions.Function function, int count) {
    for (Method method : function.getClass().getDeclaredMethods()) {
      boolean candidate = method.getName().equals("call") && !method.isBridge() && !Modifier.isStatic(method.getModifiers());
      if (candidate && method.getParameterCount() == count) {
        return new Signature(method.getGenericParameterTypes(), method.getGenericReturnType());
      }
    }
    Type[] arguments = new Type[count];
    java.util.Arrays.fill(arguments, Object.class);
    return new Signature(arguments, Object.class);
  }
}
