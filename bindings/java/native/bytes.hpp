// Bytes between Java and brood. Arrays are copied: a call that may wait must not hold on to the
// collector's memory (Get...Critical), and small ones stay on the stack. Memory of brood's own is
// lent to Java as a direct ByteBuffer, without a copy.
#pragma once

#include <brood/brood.h>
#include <jni.h>

#include <string>
#include <vector>

#include "common/view.hpp"
#include "java/native/cache.hpp"

namespace brood_java {

// A copy of a Java array for the length of a call, with a zero behind it; null is NULL.
class BytesIn {
 public:
  BytesIn() = default;
  BytesIn(const BytesIn &) = delete;
  BytesIn &operator=(const BytesIn &) = delete;

  bool open(JNIEnv *jenv, jbyteArray array) {
    if (array == nullptr) return true;
    const jsize length = jenv->GetArrayLength(array);
    size_ = static_cast<size_t>(length);
    data_ = small_;
    if (size_ >= sizeof small_) {
      large_.resize(size_ + 1);
      data_ = large_.data();
    }
    jenv->GetByteArrayRegion(array, 0, length, reinterpret_cast<jbyte *>(data_));
    data_[size_] = 0;
    return !jenv->ExceptionCheck();
  }
  void *data() const { return data_; }
  size_t size() const { return size_; }
  const char *get() const { return data_; }

 private:
  char small_[512];
  std::string large_;
  char *data_ = nullptr;
  size_t size_ = 0;
};
using TextIn = BytesIn;

// Room for what a call delivers, copied into the Java array afterwards.
class BytesFilled {
 public:
  bool open(JNIEnv *jenv, jbyteArray array) {
    jenv_ = jenv;
    array_ = array;
    if (array != nullptr) bytes_.resize(static_cast<size_t>(jenv->GetArrayLength(array)));
    return true;
  }
  void *data() { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }
  void give_back() {
    if (array_ == nullptr) return;
    jenv_->SetByteArrayRegion(array_, 0, static_cast<jsize>(bytes_.size()),
                              reinterpret_cast<const jbyte *>(bytes_.data()));
    // The region is the array's own length: nothing can be out of bounds.
    if (jenv_->ExceptionCheck()) jenv_->ExceptionClear();
  }

 private:
  JNIEnv *jenv_ = nullptr;
  jbyteArray array_ = nullptr;
  std::vector<char> bytes_;
};

struct BytesList {
  bool open(JNIEnv *jenv, jobjectArray arrays) {
    const jsize count = arrays != nullptr ? jenv->GetArrayLength(arrays) : 0;
    items.resize(static_cast<size_t>(count));
    std::vector<size_t> starts;
    for (jsize i = 0; i < count; ++i) {
      auto array = static_cast<jbyteArray>(jenv->GetObjectArrayElement(arrays, i));
      if (jenv->ExceptionCheck()) return false;
      const jsize length = array != nullptr ? jenv->GetArrayLength(array) : 0;
      starts.push_back(bytes.size());
      bytes.resize(bytes.size() + static_cast<size_t>(length));
      if (length > 0) {
        jenv->GetByteArrayRegion(array, 0, length,
                                 reinterpret_cast<jbyte *>(bytes.data() + starts.back()));
        if (jenv->ExceptionCheck()) return false;
      }
      jenv->DeleteLocalRef(array);
    }
    // The bytes moved while they grew: where each begins is known only now.
    for (size_t i = 0; i < items.size(); ++i) {
      const size_t end = i + 1 < starts.size() ? starts[i + 1] : bytes.size();
      items[i] = {bytes.data() + starts[i], end - starts[i]};
    }
    return true;
  }

  std::string bytes;
  std::vector<brood_bytes> items;
};

inline jbyteArray bytes_out(JNIEnv *jenv, const void *data, size_t size) {
  if (data == nullptr) return nullptr;
  const jbyteArray array = jenv->NewByteArray(static_cast<jsize>(size));
  if (array == nullptr) return nullptr;
  jenv->SetByteArrayRegion(array, 0, static_cast<jsize>(size), static_cast<const jbyte *>(data));
  return jenv->ExceptionCheck() ? nullptr : array;
}

inline bool pointers_in(JNIEnv *jenv, jlongArray array, std::vector<brood_handle *> &list) {
  const jsize count = jenv->GetArrayLength(array);
  std::vector<jlong> numbers(static_cast<size_t>(count));
  jenv->GetLongArrayRegion(array, 0, count, numbers.data());
  if (jenv->ExceptionCheck()) return false;
  // A handle that was closed meanwhile is none: C says so.
  for (const jlong number : numbers) {
    list.push_back(number == -1 ? nullptr : reinterpret_cast<brood_handle *>(number));
  }
  return true;
}

inline void lend(JNIEnv *jenv, const brood_view &view, jobject out) {
  const jobject buffer = jenv->NewDirectByteBuffer(view.data, static_cast<jlong>(view.size));
  if (buffer != nullptr) jenv->SetObjectField(out, cache.out_view, buffer);
}

}  // namespace brood_java
