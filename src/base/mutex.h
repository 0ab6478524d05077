#pragma once

#include <condition_variable>
#include <mutex>
#include <shared_mutex>

// Clang's thread-safety attributes; GCC ignores them, the clang-tidy lane checks them.
#if defined(__clang__)
#define ONCE_ATTRIBUTE(x) __attribute__((x))
#else
#define ONCE_ATTRIBUTE(x)
#endif
#define ONCE_CAPABILITY(x) ONCE_ATTRIBUTE(capability(x))
#define ONCE_SCOPED_CAPABILITY ONCE_ATTRIBUTE(scoped_lockable)
#define ONCE_GUARDED_BY(x) ONCE_ATTRIBUTE(guarded_by(x))
#define ONCE_REQUIRES(...) ONCE_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define ONCE_REQUIRES_SHARED(...) ONCE_ATTRIBUTE(requires_shared_capability(__VA_ARGS__))
#define ONCE_EXCLUDES(...) ONCE_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define ONCE_ACQUIRE(...) ONCE_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define ONCE_ACQUIRE_SHARED(...) ONCE_ATTRIBUTE(acquire_shared_capability(__VA_ARGS__))
#define ONCE_RELEASE(...) ONCE_ATTRIBUTE(release_capability(__VA_ARGS__))
#define ONCE_RELEASE_SHARED(...) ONCE_ATTRIBUTE(release_shared_capability(__VA_ARGS__))
#define ONCE_RELEASE_GENERIC(...) ONCE_ATTRIBUTE(release_generic_capability(__VA_ARGS__))
#define ONCE_TRY_ACQUIRE(...) ONCE_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define ONCE_NO_ANALYSIS ONCE_ATTRIBUTE(no_thread_safety_analysis)

namespace oncemq {

// Every mutex has a line in docs/lock-order.md. Held for memory work only: never across a callback,
// a socket or the disk.
class ONCE_CAPABILITY("mutex") Mutex {
 public:
  void lock() ONCE_ACQUIRE() { mutex_.lock(); }
  void unlock() ONCE_RELEASE() { mutex_.unlock(); }
  bool try_lock() ONCE_TRY_ACQUIRE(true) { return mutex_.try_lock(); }

 private:
  std::mutex mutex_;
};

class ONCE_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ONCE_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() ONCE_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits on a Mutex that the caller holds. Spurious wake-ups happen: wait in a loop.
class CondVar {
 public:
  void wait(Mutex& mutex) ONCE_REQUIRES(mutex) ONCE_NO_ANALYSIS { condition_.wait(mutex); }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }
  // `timeout` is a std::chrono duration; false when it passed without a wake-up.
  template <class Duration>
  bool wait_for(Mutex& mutex, Duration timeout) ONCE_REQUIRES(mutex) ONCE_NO_ANALYSIS {
    return condition_.wait_for(mutex, timeout) == std::cv_status::no_timeout;
  }

 private:
  std::condition_variable_any condition_;
};

class ONCE_CAPABILITY("shared_mutex") SharedMutex {
 public:
  void lock() ONCE_ACQUIRE() { mutex_.lock(); }
  void unlock() ONCE_RELEASE() { mutex_.unlock(); }
  void lock_shared() ONCE_ACQUIRE_SHARED() { mutex_.lock_shared(); }
  void unlock_shared() ONCE_RELEASE_SHARED() { mutex_.unlock_shared(); }

 private:
  std::shared_mutex mutex_;
};

class ONCE_SCOPED_CAPABILITY WriteLock {
 public:
  explicit WriteLock(SharedMutex& mutex) ONCE_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~WriteLock() ONCE_RELEASE() { mutex_.unlock(); }
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;

 private:
  SharedMutex& mutex_;
};

class ONCE_SCOPED_CAPABILITY ReadLock {
 public:
  explicit ReadLock(SharedMutex& mutex) ONCE_ACQUIRE_SHARED(mutex) : mutex_(mutex) {
    mutex_.lock_shared();
  }
  ~ReadLock() ONCE_RELEASE_GENERIC() { mutex_.unlock_shared(); }
  ReadLock(const ReadLock&) = delete;
  ReadLock& operator=(const ReadLock&) = delete;

 private:
  SharedMutex& mutex_;
};

}  // namespace oncemq
