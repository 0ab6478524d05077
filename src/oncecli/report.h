#pragma once

#include <chrono>
#include <string>

#include "base/json.h"
#include "oncemq/once/schema.h"

// What `oncemq once` says, for people and for programs. Thread rule: external.
namespace oncemq::oncecli {

struct Report {
  std::string table;
  once::SchemaStatus status;
  std::chrono::milliseconds horizon{0};  // how late a copy can come back

  bool long_enough() const { return status.window >= horizon; }
};

std::string report_text(const Report& report);
Json report_json(const Report& report);

std::string cleaned_text(const once::Cleaned& cleaned);
Json cleaned_json(const once::Cleaned& cleaned);

// "6d 9h", "21h", "5m 3s", "0s": the two largest units.
std::string duration_text(std::chrono::milliseconds time);
// What a person who reads this error of a database should do; empty when it says so itself.
std::string advice(const std::string& message);

}  // namespace oncemq::oncecli
