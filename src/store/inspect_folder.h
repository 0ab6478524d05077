#pragma once

#include <array>
#include <memory>
#include <string>

#include "base/result.h"
#include "os/disk.h"
#include "store/layout.h"

namespace oncemq::store {

// Keeps brokers out of the folder; the lock file's text, which tells who was here last, stays.
// kInUse | kNotFound (no such folder) | kIo.
inline Result<std::unique_ptr<os::FileLock>> lock_for_inspection(os::Disk& disk,
                                                                 const Layout& layout) {
  if (auto folder = disk.stat(layout.root); !folder) return fail(std::move(folder.error()));
  std::string text;
  if (auto file = disk.open(layout.lock(), os::OpenMode::kRead)) {
    std::array<std::byte, 64> bytes{};
    if (auto got = (*file)->read_at(0, bytes)) text = as_text(Bytes(bytes).first(*got));
  }
  return disk.lock(layout.lock(), text);
}

}  // namespace oncemq::store
