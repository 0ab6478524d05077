#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "oncemq/result.h"

namespace oncemq::once {

enum class Engine : std::uint8_t { kSqlite, kPostgresql };

// What a URL of a database says. Thread rule: external.
struct Target {
  Engine engine = Engine::kSqlite;
  std::string connect;  // as SOCI's backend takes it
};

// "sqlite:PATH" (or sqlite:///PATH), "postgresql://..." and "postgres://..." with libpq's
// parameters. kInvalidArgument; the message does not repeat the URL, which may hold a password.
sdk::Result<Target> parse_url(std::string_view url);

// Beginning of the names of our tables: [a-z][a-z0-9_]{0,39}. kInvalidArgument.
sdk::Status check_table(std::string_view table);

}  // namespace oncemq::once
