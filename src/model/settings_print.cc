#include <type_traits>

#include "model/conf_file.h"
#include "model/settings.h"
#include "model/settings_idle.h"

namespace oncemq::model {
namespace {

using Row = SettingRow;

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string_view SettingRow::type() const {
  switch (member.index()) {
    case 0:
      return choices.empty() ? "" : "text";
    case 1:
      return "text";
    case 2:
      return "switch";
    default:
      return "number";
  }
}

std::string SettingRow::range() const {
  if (member.index() <= 1) return std::string(choices);
  if (member.index() == 2) return "true|false";
  if (max == INT64_MAX) return std::to_string(min) + "..";
  return std::to_string(min) + ".." + std::to_string(max);
}

std::string setting_text(const Settings& settings, const SettingRow& row) {
  return std::visit(
      [&](auto member) -> std::string {
        using M = decltype(member);
        if constexpr (std::is_same_v<M, std::monostate>) {
          return std::string(row.choices.substr(0, row.choices.find('|')));
        } else if constexpr (std::is_same_v<M, std::string Settings::*>) {
          return settings.*member;
        } else if constexpr (std::is_same_v<M, bool Settings::*>) {
          return settings.*member ? "true" : "false";
        } else {
          return std::to_string(settings.*member);
        }
      },
      row.member);
}

std::string print_settings(const Settings& settings) {
  std::string out;
  for (const Row& row : setting_rows()) {
    if (!row.has_meaning()) continue;
    out += row.name;
    out += '=';
    out += escape_property(setting_text(settings, row));
    out += '\n';
  }
  return out;
}

std::string settings_markdown() {
  const Settings defaults;
  std::string out =
      "# Configuration\n\n"
      "Printed by `oncemq docs config` from the table in `src/model/settings.cc`.\n\n"
      "Keys go into a file (`oncemq serve -c broker.conf`, one `key=value` per line, `#` begins a\n"
      "comment, `\\` at the end continues a line) or on the command line (`--set key=value`, "
      "which\n"
      "wins). An unknown key and a value outside its range are errors. `oncemq serve\n"
      "--print-config` shows what is in force, `--check-config` stops after checking. *Dynamic*\n"
      "keys can also be changed while the broker runs (`mqadmin updateBrokerConfig`).\n\n"
      "## Keys\n\n"
      "| key | type | range | default | unit | dynamic | meaning |\n"
      "| --- | --- | --- | --- | --- | --- | --- |\n";
  for (const Row& row : setting_rows()) {
    if (!row.has_meaning()) continue;
    const std::string value = setting_text(defaults, row);
    out += "| `" + std::string(row.name) + "` | " + std::string(row.type()) + " | " +
           cell(row.range()) + " | " + (value.empty() ? "" : "`" + cell(value) + "`") + " | " +
           std::string(row.unit) + " | " + (row.change == Change::kDynamic ? "yes" : "") + " | " +
           cell(row.help) + " |\n";
  }
  out +=
      "\n## Apache keys that can have one value only\n\n"
      "| key | accepted | why |\n| --- | --- | --- |\n";
  for (const Row& row : setting_rows()) {
    if (row.has_meaning() || row.choices.empty()) continue;
    out += "| `" + std::string(row.name) + "` | " + cell(row.range()) + " | " +
           std::string(row.help) + " |\n";
  }
  out +=
      "\n## Apache keys without meaning here\n\n"
      "They are accepted, and the log says that they do nothing.\n\n"
      "| why | keys |\n| --- | --- |\n";
  for (const IdleSettings& idle : idle_settings()) {
    out += "| " + std::string(idle.reason) + " | ";
    std::string_view rest = idle.names;
    bool first = true;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      out += std::string(first ? "" : ", ") + "`" + std::string(rest.substr(0, end)) + "`";
      rest.remove_prefix(std::min(end + 1, rest.size()));
      first = false;
    }
    out += " |\n";
  }
  return out;
}

}  // namespace oncemq::model
