#include "app/beside.h"

#include <cstdio>

#include "app/exit_codes.h"
#include "os/process.h"

namespace oncemq::app {

int run_beside(const std::string& name, char* const* arguments) {
  const auto own = os::program_path();
  if (!own) {
    std::fprintf(stderr, "oncemq: %s\n", own.error().message.c_str());
    return kExitFailure;
  }
  const std::string folder = own->substr(0, own->rfind('/'));
  const std::string installed =
      folder.substr(0, folder.rfind('/')) + "/libexec/oncemq";  // from PREFIX/bin
  for (std::string path : {folder, installed}) {
    path += '/';
    path += name;
    const auto failed = os::become(path, arguments);
    if (failed || failed.error().code == Errc::kNotFound) continue;
    std::fprintf(stderr, "oncemq: %s\n", failed.error().message.c_str());
    return kExitFailure;
  }
  std::fprintf(
      stderr,
      "oncemq: this command needs the program %s, which is neither in %s nor in %s: install "
      "the Debian package %s, or build and install it with oncemq itself\n",
      name.c_str(), folder.c_str(), installed.c_str(), name.c_str());
  return kExitFailure;
}

}  // namespace oncemq::app
