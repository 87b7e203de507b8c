// What the native code knows of Java: looked up once, in JNI_OnLoad, so that no call looks anything
// up.
#pragma once

#include <jni.h>

namespace brood_java {

struct Cache {
  jclass handle;
  jmethodID handle_owned;
  jclass failures;
  jmethodID failures_make;
  jmethodID failures_closed;
  jfieldID out_handle;
  jfieldID out_second;
  jfieldID out_free;
  jfieldID out_number;
  jfieldID out_codec;
  jfieldID out_real;
  jfieldID out_flag;
  jfieldID out_view;
  jfieldID wait_timeout;
  jfieldID wait_token;
};
inline Cache cache;

inline bool prepare_cache(JavaVM *machine) {
  JNIEnv *jenv = nullptr;
  if (machine->GetEnv(reinterpret_cast<void **>(&jenv), JNI_VERSION_1_8) != JNI_OK) return false;
  const jclass failures = jenv->FindClass("org/brood/low/Failures");
  if (failures == nullptr) return false;
  cache.failures = static_cast<jclass>(jenv->NewGlobalRef(failures));
  cache.failures_make =
      jenv->GetStaticMethodID(failures, "make", "(I[B[B[BJIII)Ljava/lang/Throwable;");
  if (cache.failures_make == nullptr) return false;
  cache.failures_closed = jenv->GetStaticMethodID(failures, "closed", "()Ljava/lang/Throwable;");
  if (cache.failures_closed == nullptr) return false;
  const jclass handle = jenv->FindClass("org/brood/low/Handle");
  if (handle == nullptr) return false;
  cache.handle = static_cast<jclass>(jenv->NewGlobalRef(handle));
  cache.handle_owned = jenv->GetStaticMethodID(handle, "owned", "(JJ)Lorg/brood/low/Handle;");
  if (cache.handle_owned == nullptr) return false;
  const jclass out = jenv->FindClass("org/brood/low/Out");
  if (out == nullptr) return false;
  const auto field = [&](jclass type, jfieldID &id, const char *name, const char *signature) {
    id = jenv->GetFieldID(type, name, signature);
    return id != nullptr;
  };
  if (!field(out, cache.out_handle, "handle", "J") || !field(out, cache.out_free, "free", "J") ||
      !field(out, cache.out_second, "second", "J") ||
      !field(out, cache.out_number, "number", "J") || !field(out, cache.out_codec, "codec", "I") ||
      !field(out, cache.out_real, "real", "D") || !field(out, cache.out_flag, "flag", "Z") ||
      !field(out, cache.out_view, "view", "Ljava/nio/ByteBuffer;")) {
    return false;
  }
  const jclass wait = jenv->FindClass("org/brood/low/Wait");
  return wait != nullptr && field(wait, cache.wait_timeout, "timeoutMillis", "J") &&
         field(wait, cache.wait_token, "token", "J");
}

// The address of a function that frees a T; what Low.free_handle() calls.
template <class T, void (*Free)(T *)>
void free_as(jlong pointer) {
  Free(reinterpret_cast<T *>(pointer));
}
template <class T, void (*Free)(T *)>
jlong free_address() {
  return reinterpret_cast<jlong>(&free_as<T, Free>);
}

// A Handle for an object that is returned; `free` 0: it belongs to somebody else.
inline jobject new_handle(JNIEnv *jenv, const void *pointer, jlong free) {
  const jobject made = jenv->CallStaticObjectMethod(cache.handle, cache.handle_owned,
                                                    reinterpret_cast<jlong>(pointer), free);
  return jenv->ExceptionCheck() ? nullptr : made;
}

}  // namespace brood_java
