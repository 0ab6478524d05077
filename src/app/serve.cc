#include "app/serve.h"

#include <cstdio>
#include <utility>

#include "app/exit_codes.h"
#include "app/node.h"
#include "base/log.h"
#include "os/descriptors.h"
#include "os/process.h"
#include "os/real_disk.h"

namespace oncemq::app {

int serve(ServeOptions options) {
  set_log_level(options.settings);
  os::block_signals();
  os::raise_descriptor_limit();  // a connection each, and the store's files
  for (const std::string& note : options.notes) log::warn("app", "{}", note);

  os::RealDisk disk;
  Node node(std::move(options), disk);
  if (const Status started = node.start(); !started) {
    std::fprintf(stderr, "oncemq: %s\n", started.error().message.c_str());
    (void)node.stop();
    return started.error().code == Errc::kBusy ? kExitUnavailable : exit_code_of(started.error());
  }
  std::printf("%s\n", node.ready_line().c_str());
  std::fflush(stdout);

  (void)os::wait_for_signal();
  log::info("app", "stopping");
  if (const Status stopped = node.stop(); !stopped) {
    std::fprintf(stderr, "oncemq: %s\n", stopped.error().message.c_str());
    return exit_code_of(stopped.error());
  }
  log::info("app", "stopped");
  return kExitOk;
}

}  // namespace oncemq::app
