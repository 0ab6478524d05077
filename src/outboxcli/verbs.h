#pragma once

#include "cli/outbox.h"

namespace oncemq::outboxcli {

// What the verbs of `oncemq outbox` do. Print, and wait for database and brokers. Before the first
// thread: signals are blocked (os::block_signals()).
cli::OutboxVerbs verbs();

}  // namespace oncemq::outboxcli
