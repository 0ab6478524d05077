#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/conf_file.h"
#include "model/settings.h"
#include "os/disk.h"

// broker.conf on disk.
namespace oncemq::app {

// Applies the file. Returns a sentence for each key without meaning. kNotFound, kIo; kBadBytes,
// kInvalidArgument with the line.
Result<std::vector<std::string>> read_settings_file(os::Disk& disk, const std::string& path,
                                                    model::Settings& settings);

// Puts the assignments into the file, which is replaced as a whole. kNotFound, kIo, kNoSpace.
Status write_settings_file(os::Disk& disk, const std::string& path,
                           std::span<const model::SettingAssignment> assignments);

}  // namespace oncemq::app
