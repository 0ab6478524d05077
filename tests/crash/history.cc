#include "tests/crash/history.h"

namespace oncemq::crash {
namespace {

std::string text_of(const Place& place) {
  return std::to_string(place.queue_offset) + "@" + std::to_string(place.log_offset);
}

std::string name_of(const FoundQueue& queue) {
  return queue.topic + "/" + std::to_string(queue.queue_id);
}

}  // namespace

std::string body_of(std::string_view id, std::size_t size) {
  std::string body(id);
  body += ':';
  std::uint32_t state = 2166136261U;
  for (const char c : id) state = (state ^ static_cast<unsigned char>(c)) * 16777619U;
  while (body.size() < size) {
    state = state * 1664525U + 1013904223U;
    body += static_cast<char>(state >> 24);
  }
  return body;
}

std::string_view id_of(std::string_view body) {
  const std::size_t colon = body.find(':');
  return colon == std::string_view::npos ? std::string_view() : body.substr(0, colon);
}

void History::sending(const std::string& id, Sent message) {
  sent_[id] = std::move(message);
}
void History::appended(const std::string& id, Place place) {
  places_[id] = place;
}
void History::refused(const std::string& id) {
  gone_.insert(id);
}
void History::acknowledged(const std::string& id) {
  acknowledged_.insert(id);
}
void History::seen(const std::string& id) {
  seen_.insert(id);
}

std::vector<std::string> History::violations(const Found& found, Promise promise) const {
  std::vector<std::string> broken;
  std::set<std::string> ids;
  for (const FoundQueue& queue : found) check_queue(queue, ids, broken);

  if (promise == Promise::kAll) {
    for (const std::string& id : acknowledged_)
      if (!ids.contains(id)) broken.push_back("promise: " + id + " was acknowledged and is lost");
    for (const std::string& id : seen_)
      if (!ids.contains(id)) broken.push_back("promise: " + id + " was seen and is lost");
  }
  for (const std::string& id : gone_)
    if (ids.contains(id)) broken.push_back("gone: " + id + " came back");

  std::map<std::int64_t, std::string> by_log_offset;
  for (const auto& [id, place] : places_)
    if (!gone_.contains(id)) by_log_offset[place.log_offset] = id;
  std::string missing;
  for (const auto& [offset, id] : by_log_offset) {
    if (!ids.contains(id)) {
      if (missing.empty()) missing = id;
    } else if (!missing.empty()) {
      broken.push_back("prefix: " + id + " is there without " + missing + " before it");
      break;
    }
  }
  return broken;
}

void History::check_queue(const FoundQueue& queue, std::set<std::string>& ids,
                          std::vector<std::string>& broken) const {
  std::int64_t next = queue.min;
  std::int64_t log_end = -1;
  for (const FoundMessage& message : queue.messages) {
    if (message.place.queue_offset != next)
      broken.push_back("dense: " + name_of(queue) + " has " + text_of(message.place) +
                       " where offset " + std::to_string(next) + " was due");
    if (message.place.log_offset <= log_end)
      broken.push_back("dense: " + name_of(queue) + " runs backwards in the log at " +
                       text_of(message.place));
    next = message.place.queue_offset + 1;
    log_end = message.place.log_offset;
    check_message(queue, message, ids, broken);
  }
  if (next != queue.max)
    broken.push_back("dense: " + name_of(queue) + " ends at " + std::to_string(next) +
                     ", not at its maximum " + std::to_string(queue.max));
}

void History::check_message(const FoundQueue& queue, const FoundMessage& message,
                            std::set<std::string>& ids, std::vector<std::string>& broken) const {
  const std::string id(id_of(message.body));
  const auto sent = sent_.find(id);
  const std::string where = name_of(queue) + " " + text_of(message.place);
  if (sent == sent_.end() || sent->second.topic != queue.topic ||
      sent->second.queue_id != queue.queue_id ||
      message.body != body_of(id, sent->second.body_size)) {
    broken.push_back("bytes: " + where + " is nothing that was sent there");
    return;
  }
  if (!ids.insert(id).second) broken.push_back("once: " + id + " stands twice, also at " + where);
  const auto place = places_.find(id);
  if (place != places_.end() && place->second != message.place)
    broken.push_back("place: " + id + " was at " + text_of(place->second) + " and is at " + where);
}

void History::settle(const Found& found) {
  std::set<std::string> ids;
  for (const FoundQueue& queue : found)
    for (const FoundMessage& message : queue.messages) {
      const std::string id(id_of(message.body));
      ids.insert(id);
      places_[id] = message.place;
    }
  for (const auto& [id, message] : sent_) {
    if (ids.contains(id)) {
      acknowledged_.insert(id);
      continue;
    }
    gone_.insert(id);
    acknowledged_.erase(id);
    seen_.erase(id);
  }
}

}  // namespace oncemq::crash
