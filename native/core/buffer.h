// A growing array without initialisation: scratch memory that is kept from one call to the next.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>

namespace kv {

template <typename T>
class Buffer {
 public:
  static_assert(std::is_trivially_copyable_v<T>);

  T* data() { return items_.get(); }
  const T* data() const { return items_.get(); }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return items_[i]; }
  const T& operator[](size_t i) const { return items_[i]; }

  void Clear() { size_ = 0; }

  // Room for `count` more items; returns where they go. They count once Grow() says so.
  T* Reserve(size_t count) {
    if (size_ + count > capacity_) {
      capacity_ = (size_ + count) * 3 / 2;
      std::unique_ptr<T[]> larger(new T[capacity_]);
      if (size_ != 0) memcpy(larger.get(), items_.get(), size_ * sizeof(T));
      items_ = std::move(larger);
    }
    return items_.get() + size_;
  }
  void Grow(size_t count) { size_ += count; }

  void Append(const T* items, size_t count) {
    if (count == 0) return;
    memcpy(Reserve(count), items, count * sizeof(T));
    size_ += count;
  }

  // One huge text must not pin its memory forever.
  void ReleaseAbove(size_t max_items) {
    size_ = 0;
    if (capacity_ <= max_items) return;
    items_.reset();
    capacity_ = 0;
  }

 private:
  std::unique_ptr<T[]> items_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace kv
