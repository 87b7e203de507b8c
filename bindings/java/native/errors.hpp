// Failures as Java exceptions: Failures.java makes one of a failure's parts.
#pragma once

#include <brood/error.h>
#include <jni.h>

#include <cstring>

#include "common/record.hpp"
#include "java/native/bytes.hpp"
#include "java/native/cache.hpp"

namespace brood_java {

inline void throw_made(JNIEnv *jenv, jobject made) {
  if (made != nullptr && !jenv->ExceptionCheck()) jenv->Throw(static_cast<jthrowable>(made));
}

inline void raise_closed(JNIEnv *jenv) {
  throw_made(jenv, jenv->CallStaticObjectMethod(cache.failures, cache.failures_closed));
}

inline jbyteArray text_out(JNIEnv *jenv, const char *text) {
  return bytes_out(jenv, text, std::strlen(text));
}

// What happens every day is told by the status alone.
inline bool expected(brood_status status) {
  return status == BROOD_OK || status == BROOD_E_TIMEOUT || status == BROOD_E_CLOSED ||
         status == BROOD_E_CANCELED;
}

// Frees the story.
inline void raise_unless_expected(JNIEnv *jenv, brood_status status, brood_error *error) {
  if (!expected(status)) {
    const jbyteArray message = text_out(jenv, brood_error_message(error));
    const jbyteArray kind = message != nullptr ? text_out(jenv, brood_error_kind(error)) : nullptr;
    const jbyteArray trace =
        kind != nullptr ? text_out(jenv, brood_error_traceback(error)) : nullptr;
    if (trace != nullptr) {
      throw_made(jenv, jenv->CallStaticObjectMethod(cache.failures, cache.failures_make,
                                                    static_cast<jint>(status), message, kind, trace,
                                                    static_cast<jlong>(brood_error_pid(error)),
                                                    static_cast<jint>(brood_error_exit_code(error)),
                                                    static_cast<jint>(brood_error_signal(error)),
                                                    static_cast<jint>(brood_error_os_code(error))));
    }
  }
  brood_error_free(error);
}

// A record is passed where C takes its struct; 0 is none.
template <class T>
bool record_in(JNIEnv *jenv, jlong handle, const char *type, T **out) {
  if (handle == -1) {
    raise_closed(jenv);
    return false;
  }
  *out = nullptr;
  if (handle == 0) return true;
  *out = static_cast<T *>(reinterpret_cast<brood_record *>(handle)->as(type));
  if (*out != nullptr) return true;
  const jclass wrong = jenv->FindClass("java/lang/IllegalArgumentException");
  if (wrong != nullptr) jenv->ThrowNew(wrong, type);
  return false;
}

}  // namespace brood_java
