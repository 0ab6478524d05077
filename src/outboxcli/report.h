#pragma once

#include <string>

#include "base/json.h"
#include "outbox/table.h"

// What `oncemq outbox status` says, for people and for programs. Thread rule: external.
namespace oncemq::outboxcli {

std::string report_text(const outbox::TableStatus& status);
Json report_json(const outbox::TableStatus& status);

}  // namespace oncemq::outboxcli
