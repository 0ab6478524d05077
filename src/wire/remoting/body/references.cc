#include "wire/remoting/body/references.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

namespace oncemq::wire {

namespace {

constexpr std::string_view kMark = "$ref";
// Values that references may add to a body; real ones repeat a handful of small objects.
constexpr std::size_t kMaxCopied = 100'000;
// The parser's own bound on nesting, kept when one value is put into another.
constexpr std::size_t kMaxDepth = 64;

Error bad_reference(std::string_view path) {
  return Error{Errc::kBadBytes, "reference '" + std::string(path) + "' leads nowhere"};
}

std::size_t count_values(const Json& json) {
  std::size_t count = 1;
  for (const Json& item : json.items()) count += count_values(item);
  for (const auto& [name, item] : json.members()) count += count_values(item);
  return count;
}

bool is_reference(const Json& json) {
  return json.members().size() == 1 && json.members().front().first == kMark;
}

bool holds_reference(const Json& json) {
  return is_reference(json) || std::ranges::any_of(json.items(), holds_reference) ||
         std::ranges::any_of(json.members(), [](const Json::Member& member) {
           return holds_reference(member.second);
         });
}

std::size_t depth_of(const Json& json) {
  std::size_t depth = 0;
  for (const Json& item : json.items()) depth = std::max(depth, depth_of(item));
  for (const auto& [name, item] : json.members()) depth = std::max(depth, depth_of(item));
  return depth + 1;
}

// compat: a path names a queue that is a key by its toString (FastJSON over upstream's
// MessageQueue); golden bodies/consume_stats.json.
std::string key_of_queue_text(std::string_view text) {
  constexpr std::string_view kParts[] = {
      "MessageQueue [topic=", ", brokerName=", ", queueId=", "]"};
  std::string_view values[3];
  if (!text.starts_with(kParts[0])) return {};
  text.remove_prefix(kParts[0].size());
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t end = text.find(kParts[i + 1]);
    if (end == std::string_view::npos) return {};
    values[i] = text.substr(0, end);
    text.remove_prefix(end + kParts[i + 1].size());
  }
  std::string key = "{\"brokerName\":";
  append_json_string(key, values[1]);
  key += ",\"queueId\":" + std::string(values[2]) + ",\"topic\":";
  append_json_string(key, values[0]);
  return key + "}";
}

const Json* find_member(const Json& json, const std::string& name) {
  if (json.has(name)) return &json[name];
  const std::string key = key_of_queue_text(name);
  return !key.empty() && json.has(key) ? &json[key] : nullptr;
}

class Resolver {
 public:
  explicit Resolver(Json& root) : root_(root) {}

  Status run() { return walk(root_, 0); }

 private:
  // In the order of the text, so that what is pointed at is already resolved.
  Status walk(Json& json, std::size_t depth) {
    if (is_reference(json)) return follow(json, depth);
    for (Json& item : json.items()) ONCE_TRY(walk(item, depth + 1));
    for (auto& [name, item] : json.members()) ONCE_TRY(walk(item, depth + 1));
    return {};
  }

  Status follow(Json& json, std::size_t depth) {
    const std::string path = json[kMark].as_string();
    const Json* target = find(path);
    // What holds a reference still is around this one, or behind it.
    if (target == nullptr || holds_reference(*target)) return fail(bad_reference(path));
    copied_ += count_values(*target);
    if (copied_ > kMaxCopied || depth + depth_of(*target) > kMaxDepth)
      return fail(Errc::kBadBytes, "too much is referred to");
    Json copy = *target;
    json = std::move(copy);
    return {};
  }

  // "$", then ".name" with special characters behind a backslash, or "[index]".
  const Json* find(std::string_view path) const {
    if (!path.starts_with('$')) return nullptr;
    path.remove_prefix(1);
    const Json* at = &root_;
    while (!path.empty() && at != nullptr) {
      if (path.front() == '.') {
        path.remove_prefix(1);
        at = find_member(*at, take_name(path));
      } else if (path.front() == '[') {
        at = take_item(*at, path);
      } else {
        return nullptr;
      }
    }
    return at;
  }

  static std::string take_name(std::string_view& path) {
    std::string name;
    while (!path.empty() && path.front() != '.' && path.front() != '[') {
      if (path.front() == '\\') path.remove_prefix(1);
      if (path.empty()) break;
      name += path.front();
      path.remove_prefix(1);
    }
    return name;
  }

  static const Json* take_item(const Json& json, std::string_view& path) {
    std::size_t index = 0;
    const char* last = path.data() + path.size();
    const auto [end, error] = std::from_chars(path.data() + 1, last, index);
    if (error != std::errc() || end == last || *end != ']') return nullptr;
    path.remove_prefix(static_cast<std::size_t>(end + 1 - path.data()));
    return index < json.items().size() ? &json.items()[index] : nullptr;
  }

  Json& root_;
  std::size_t copied_ = 0;
};

}  // namespace

Result<Json> parse_body(Bytes text) {
  Result<Json> json = Json::parse(as_text(text));
  if (!json || as_text(text).find(kMark) == std::string_view::npos) return json;
  ONCE_TRY(Resolver(*json).run());
  return json;
}

}  // namespace oncemq::wire
