#pragma once

#include <string>

namespace oncemq::app {

// This process goes on as the program `name`, which lies beside its own file or, installed, in
// ../libexec/oncemq. `arguments` as main() got them. Returns only when that failed, after saying
// what is missing: the exit code.
int run_beside(const std::string& name, char* const* arguments);

}  // namespace oncemq::app
