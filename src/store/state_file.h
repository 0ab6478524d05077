#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/disk.h"

namespace oncemq::store {

// One of the small files of config/ (store.md §9): a JSON object that is written as a whole. `name`
// is the present generation, `name.bak` the one before; a save is complete or did not happen, at
// whatever point the machine dies. Files that Apache wrote are read; Apache reads ours. Ours carry
// a last member "onceCheck" with the CRC of the text in front of it, so that a flipped bit is
// found; Apache ignores it. Thread rule: external.
class StateFile {
 public:
  // The folder of `path` must exist when saving.
  StateFile(os::Disk& disk, std::string path);

  // Text of the newest generation that is whole; empty when neither file exists. kCorrupt when
  // files are there and none is whole (never "start empty"), kIo.
  Result<std::string> load();

  // `json` is the text of an object. After an error the former generation is still what load()
  // finds. kNoSpace, kIo.
  Status save(std::string_view json);

 private:
  os::Disk& disk_;
  const std::string path_;
  bool keep_present_ = true;  // false when load() found `name` broken: it must not replace the .bak
};

}  // namespace oncemq::store
