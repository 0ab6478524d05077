#pragma once

#include "cli/once.h"

namespace oncemq::oncecli {

// What the verbs of `oncemq once` do. Print, and wait for the database.
cli::OnceVerbs verbs();

}  // namespace oncemq::oncecli
