#include <algorithm>
#include <charconv>
#include <type_traits>

#include "base/text.h"
#include "model/conf_file.h"
#include "model/settings.h"

namespace oncemq::model {
namespace {

using Row = SettingRow;

bool one_of(std::string_view value, std::string_view choices) {
  while (!choices.empty()) {
    const std::size_t end = std::min(choices.find('|'), choices.size());
    if (choices.substr(0, end) == value) return true;
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return false;
}

tl::unexpected<Error> bad_value(const Row& row, std::string_view value, std::string_view wanted) {
  std::string message = "'" + std::string(row.name) + "': '" + std::string(value.substr(0, 80)) +
                        "' is not possible, " + std::string(wanted);
  if (!row.unit.empty()) message += " (" + std::string(row.unit) + ")";
  return fail(Errc::kInvalidArgument, std::move(message));
}

// Of a name that is not known: no setting's is longer.
constexpr std::size_t kComparedMax = 48;

template <class T>
Status set_value(Settings& settings, const Row& row, T Settings::*member, std::string_view value) {
  if constexpr (std::is_same_v<T, std::string>) {
    if (!row.choices.empty() && !one_of(value, row.choices))
      return bad_value(row, value, "one of " + row.range() + " is wanted");
    settings.*member = std::string(value);
  } else if constexpr (std::is_same_v<T, bool>) {
    const bool yes = equals_ignoring_case(value, "true");
    if (!yes && !equals_ignoring_case(value, "false"))
      return bad_value(row, value, "true or false is wanted");
    settings.*member = yes;
  } else {
    std::int64_t parsed_value = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), parsed_value);
    if (value.empty() || parsed.ec != std::errc{} || parsed.ptr != value.data() + value.size() ||
        parsed_value < row.min || parsed_value > row.max) {
      return bad_value(row, value, "a number in " + row.range() + " is wanted");
    }
    settings.*member = static_cast<T>(parsed_value);
  }
  return {};
}

}  // namespace

// Hundreds of rows are compared, and anybody may send a name: what is longer than any of them says
// nothing more, and a row whose length alone is further away than the best need not be looked at.
std::string_view nearest_setting(std::string_view name) {
  name = name.substr(0, kComparedMax);
  std::string_view best;
  std::size_t best_distance = SIZE_MAX;
  for (const Row& row : setting_rows()) {
    const std::size_t longer = std::max(name.size(), row.name.size());
    if (longer - std::min(name.size(), row.name.size()) >= best_distance) continue;
    const std::size_t distance = edit_distance(name, row.name);
    if (distance < best_distance) {
      best_distance = distance;
      best = row.name;
    }
  }
  return best;
}

Status apply_setting(Settings& settings, std::string_view name, std::string_view value) {
  const Row* row = find_setting(name);
  if (row == nullptr) {
    return fail(Errc::kNotFound, "unknown key '" + std::string(name.substr(0, 100)) +
                                     "', did you mean '" + std::string(nearest_setting(name)) +
                                     "'?");
  }
  value = trimmed(value);
  if (!row->has_meaning()) {
    if (!row->choices.empty() && !one_of(value, row->choices)) {
      return bad_value(*row, value,
                       "only " + row->range() + " is accepted: " + std::string(row->help));
    }
    return {};
  }
  if (row->check != nullptr) {
    if (Status checked = row->check(value); !checked)
      return bad_value(*row, value, checked.error().message);
  }
  return std::visit(
      [&](auto member) -> Status {
        if constexpr (std::is_same_v<decltype(member), std::monostate>) {
          return {};
        } else {
          return set_value(settings, *row, member, value);
        }
      },
      row->member);
}

Status check_settings(const Settings& s) {
  if (s.listen_port != 0 && s.listen_port == s.namesrv_listen_port)
    return fail(Errc::kInvalidArgument, "listenPort and namesrvListenPort are the same");
  if (s.http_listen_port != 0 &&
      (s.http_listen_port == s.listen_port || s.http_listen_port == s.namesrv_listen_port)) {
    return fail(Errc::kInvalidArgument,
                "httpListenPort is also the port of the broker or the name service");
  }
  if (s.disk_max_used_percent > s.disk_force_clean_percent ||
      s.disk_force_clean_percent > s.disk_warning_percent) {
    return fail(Errc::kInvalidArgument,
                "diskMaxUsedSpaceRatio <= diskSpaceCleanForciblyRatio <= "
                "diskSpaceWarningLevelRatio is wanted");
  }
  if (s.max_connection_bytes_in_flight > s.max_bytes_in_flight) {
    return fail(Errc::kInvalidArgument,
                "maxConnectionBytesInFlight is larger than maxBytesInFlight");
  }
  return {};
}

Result<std::vector<std::string>> apply_properties(Settings& settings, std::string_view text,
                                                  std::string_view origin) {
  auto assignments = parse_properties(text);
  if (!assignments) {
    return fail(assignments.error().code, std::string(origin) + ": " + assignments.error().message);
  }
  std::vector<std::string> notes;
  for (const SettingAssignment& assignment : *assignments) {
    const std::string where = std::string(origin) + ":" + std::to_string(assignment.line) + ": ";
    if (Status status = apply_setting(settings, assignment.name, assignment.value); !status)
      return fail(status.error().code, where + status.error().message);
    const Row* row = find_setting(assignment.name);
    if (!row->has_meaning()) {
      notes.push_back(where + "'" + assignment.name +
                      "' has no meaning here: " + std::string(row->help));
    }
  }
  return notes;
}

}  // namespace oncemq::model
