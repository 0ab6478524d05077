#pragma once

#include "base/result.h"

// How the program ends; as in sysexits.h where it has a word for it. Printed by `oncemq serve
// --help`.
namespace oncemq::app {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;         // anything else; the last line says what
inline constexpr int kExitUsage = 2;           // command line; nothing was done
inline constexpr int kExitCorrupt = 65;        // the data folder is damaged; nothing was changed
inline constexpr int kExitUnavailable = 69;    // a port is taken
inline constexpr int kExitFolderInUse = 73;    // another process uses the data folder
inline constexpr int kExitDisk = 74;           // a write or sync failed while serving
inline constexpr int kExitConfiguration = 78;  // a key or value in broker.conf or --set

inline int exit_code_of(const Error& error) {
  switch (error.code) {
    case Errc::kInUse:
      return kExitFolderInUse;
    case Errc::kCorrupt:
      return kExitCorrupt;
    case Errc::kIo:
    case Errc::kNoSpace:
      return kExitDisk;
    case Errc::kInvalidArgument:
      return kExitConfiguration;
    default:
      return kExitFailure;
  }
}

}  // namespace oncemq::app
