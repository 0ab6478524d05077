#pragma once

#include <span>
#include <string_view>

// Apache's keys that steer machinery which does not exist here. Each becomes a row of the table
// (model/settings.h) without member: accepted, with the reason as its help.
namespace oncemq::model {

struct IdleSettings {
  std::string_view reason;
  std::string_view names;  // separated by one space
};

// In the order of the documentation.
std::span<const IdleSettings> idle_settings();

}  // namespace oncemq::model
