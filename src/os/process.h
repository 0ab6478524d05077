#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

// This process and the machine it runs on.
namespace oncemq::os {

// "localhost" when the machine has no name.
std::string host_name();
// IPv4 addresses of the interfaces that are up, loopback ones last; numbers as text.
std::vector<std::string> host_addresses();

// Blocks SIGTERM, SIGINT and SIGHUP for this thread and all that it starts, and ignores SIGPIPE.
// Before the first thread.
void block_signals();
// Waits for SIGTERM or SIGINT (their numbers are returned), or for stop_waiting(). SIGHUP is
// swallowed: a closed terminal does not end a broker.
int wait_for_signal();
// Waits at most `time` for one of the two; false: none came. Zero: only looks.
bool wait_for_signal(std::chrono::milliseconds time);
// Makes wait_for_signal() return SIGTERM. Any thread.
void stop_waiting();

// The file that this process runs. kIo.
Result<std::string> program_path();
// This process goes on as the program `path`; `arguments` as main() is given them. Returns only
// when that failed: kNotFound, kIo.
Status become(const std::string& path, char* const* arguments);

// Ends the process at once, without destructors: after a disk failure nothing more may be written.
[[noreturn]] void exit_now(int code);

}  // namespace oncemq::os
