#include "os/process_usage.h"

#include <fstream>
#include <sstream>
#include <string>

#include <unistd.h>

namespace oncemq::os {

Result<ProcessUsage> process_usage(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(file, text)) return fail(Errc::kNotFound, "no process " + std::to_string(pid));
  // "pid (name) state ppid ...": the name may hold blanks and brackets, so counting starts behind
  // its last bracket, with the third field.
  const auto bracket = text.rfind(')');
  if (bracket == std::string::npos)
    return fail(Errc::kBadBytes, "unexpected /proc/" + std::to_string(pid) + "/stat");
  std::istringstream fields(text.substr(bracket + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::uint64_t user_ticks = 0;
  std::uint64_t system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  if (!fields) return fail(Errc::kBadBytes, "unexpected /proc/" + std::to_string(pid) + "/stat");
  // Pages: size, resident, resident and backed by a file.
  std::ifstream pages_file("/proc/" + std::to_string(pid) + "/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  std::uint64_t shared = 0;
  if (!(pages_file >> size >> resident >> shared) || shared > resident)
    return fail(Errc::kNotFound, "process " + std::to_string(pid) + " has just ended");
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const auto per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  return ProcessUsage{.cpu_seconds = static_cast<double>(user_ticks + system_ticks) / per_second,
                      .rss_bytes = resident * page,
                      .private_bytes = (resident - shared) * page};
}

}  // namespace oncemq::os
