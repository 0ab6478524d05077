#include "front/http/response.h"

namespace oncemq::front {

HttpResponse HttpResponse::json(const Json& value, int status) {
  return {.status = status, .type = "application/json", .body = value.dump() + "\n"};
}

HttpResponse HttpResponse::error(int status, std::string_view code, std::string_view message,
                                 std::string_view hint) {
  Json error = Json::object();
  error.set("code", code);
  error.set("message", message);
  if (!hint.empty()) error.set("hint", hint);
  return json(Json::object().set("error", std::move(error)), status);
}

std::string_view http_reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Answer";
  }
}

std::string encode_head(const HttpResponse& response, bool close) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head.append(http_reason(response.status));
  head.append("\r\nContent-Type: ").append(response.type);
  head.append("\r\nContent-Length: ").append(std::to_string(response.body.size()));
  // What is shown changes with every message, and no page of another origin is to frame or sniff
  // it.
  head.append("\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff");
  if (!response.allow.empty()) head.append("\r\nAllow: ").append(response.allow);
  if (close) head.append("\r\nConnection: close");
  head.append("\r\n\r\n");
  return head;
}

}  // namespace oncemq::front
