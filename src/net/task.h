#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace oncemq::net {

// A move-only `void()` callable, so that a task may own what it works on. Up to kInline bytes of
// captures live inside, larger ones on the heap. Called at most once per post. Thread rule:
// external.
class Task {
 public:
  static constexpr std::size_t kInline = 48;

  Task() = default;
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Task> &&
           std::is_invocable_v<std::remove_cvref_t<F>&>)
      Task(F&& function) {  // implicit, so that a lambda can be handed over as it stands
    using Stored = std::remove_cvref_t<F>;
    if constexpr (fits<Stored>()) {
      ::new (static_cast<void*>(space_)) Stored(std::forward<F>(function));
      table_ = &kInlineTable<Stored>;
    } else {
      ::new (static_cast<void*>(space_)) Stored*(new Stored(std::forward<F>(function)));
      table_ = &kHeapTable<Stored>;
    }
  }
  ~Task() { reset(); }
  Task(Task&& other) noexcept { take(other); }
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  void operator()() { table_->call(space_); }
  explicit operator bool() const { return table_ != nullptr; }

 private:
  struct Table {
    void (*call)(void*);
    void (*move)(void* from, void* to) noexcept;  // leaves `from` destroyed
    void (*destroy)(void*) noexcept;
  };

  template <class F>
  static constexpr bool fits() {
    return sizeof(F) <= kInline && alignof(F) <= alignof(std::max_align_t) &&
           std::is_nothrow_move_constructible_v<F>;
  }
  template <class F>
  static F& stored(void* space) {
    return *std::launder(static_cast<F*>(space));
  }
  template <class F>
  static constexpr Table kInlineTable{[](void* space) { stored<F>(space)(); },
                                      [](void* from, void* to) noexcept {
                                        ::new (to) F(std::move(stored<F>(from)));
                                        stored<F>(from).~F();
                                      },
                                      [](void* space) noexcept { stored<F>(space).~F(); }};
  template <class F>
  static constexpr Table kHeapTable{
      [](void* space) { (*stored<F*>(space))(); },
      [](void* from, void* to) noexcept { ::new (to) F*(stored<F*>(from)); },
      // tidy: malloc: the pointer is stored as bytes, so that nothing else could own it.
      [](void* space) noexcept { delete stored<F*>(space); }};

  void take(Task& other) noexcept {
    table_ = std::exchange(other.table_, nullptr);
    if (table_ != nullptr) table_->move(other.space_, space_);
  }
  void reset() noexcept {
    if (table_ != nullptr) std::exchange(table_, nullptr)->destroy(space_);
  }

  const Table* table_ = nullptr;
  alignas(std::max_align_t) std::byte space_[kInline];
};

}  // namespace oncemq::net
