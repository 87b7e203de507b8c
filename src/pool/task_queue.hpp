// Tasks in order, linked through themselves: no allocation to queue one. Guarded by the pool's
// mutex.
#pragma once

#include "pool/task.hpp"

namespace brood {

class TaskQueue {
 public:
  bool empty() const { return first_ == nullptr; }
  uint64_t size() const { return size_; }
  Task* first() const { return first_; }

  void push_back(Task* task) {
    task->next = nullptr;
    (last_ != nullptr ? last_->next : first_) = task;
    last_ = task;
    ++size_;
  }
  void push_front(Task* task) {
    task->next = first_;
    first_ = task;
    if (last_ == nullptr) last_ = task;
    ++size_;
  }
  Task* pop_front() {
    Task* task = first_;
    first_ = task->next;
    if (first_ == nullptr) last_ = nullptr;
    task->next = nullptr;
    --size_;
    return task;
  }
  // Puts all of `other` behind what is here.
  void append(TaskQueue&& other) {
    if (other.empty()) return;
    (last_ != nullptr ? last_->next : first_) = other.first_;
    last_ = other.last_;
    size_ += other.size_;
    other = TaskQueue();
  }
  // Puts all of `other` before what is here.
  void prepend(TaskQueue&& other) {
    if (other.empty()) return;
    other.last_->next = first_;
    if (last_ == nullptr) last_ = other.last_;
    first_ = other.first_;
    size_ += other.size_;
    other = TaskQueue();
  }
  // Takes out the task for which `found` is true, from the front; null if there is none.
  template <class Found>
  Task* remove_if(Found found) {
    Task* before = nullptr;
    for (Task* task = first_; task != nullptr; before = task, task = task->next) {
      if (!found(*task)) continue;
      (before != nullptr ? before->next : first_) = task->next;
      if (last_ == task) last_ = before;
      task->next = nullptr;
      --size_;
      return task;
    }
    return nullptr;
  }
  // Splits off everything from the first task for which `from_here` is true.
  template <class From>
  TaskQueue split(From from_here) {
    TaskQueue rest;
    Task* before = nullptr;
    uint64_t kept = 0;
    for (Task* task = first_; task != nullptr; before = task, task = task->next, ++kept) {
      if (!from_here(*task)) continue;
      rest.first_ = task;
      rest.last_ = last_;
      rest.size_ = size_ - kept;
      (before != nullptr ? before->next : first_) = nullptr;
      last_ = before;
      size_ = kept;
      return rest;
    }
    return rest;
  }

 private:
  Task* first_ = nullptr;
  Task* last_ = nullptr;
  uint64_t size_ = 0;
};

}  // namespace brood
